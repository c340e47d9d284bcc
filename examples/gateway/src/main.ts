/**
 * An SMTP gateway in front of a mail server.
 *
 *   node src/main.ts                        its own DNS zone and backend, on 127.0.0.1:2525
 *   node src/main.ts --config gateway.json  with a configuration, see configuration.ts
 *   node src/main.ts --self-test            sends eight sessions through it and says whether each ended as it must
 */
import { parseArgs } from 'node:util';
import { readConfiguration } from './configuration.ts';
import { startExampleGateway } from './example-gateway.ts';
import { reportLine } from './report-line.ts';
import { runSelfTest } from './self-test.ts';

const { values } = parseArgs({
  options: { config: { type: 'string', short: 'c' }, 'self-test': { type: 'boolean', default: false } },
});

if (values['self-test']) {
  process.exitCode = (await runSelfTest((line) => console.log(line))) ? 0 : 1;
} else {
  const configuration = readConfiguration(values.config ?? process.env['POSTERN_CONFIG'], process.env);
  const gateway = await startExampleGateway(configuration, (report) => console.log(reportLine(report)));
  const { hostname, listen, localDomains, backend, dns, mailDirectory } = configuration;
  const recipient = `anyone@${localDomains[0]}`;

  console.log(`
${hostname} listens on ${listen.host}:${gateway.port}
  takes mail for  ${localDomains.join(', ')}
  delivers to     ${backend === 'embedded' ? `files in ${mailDirectory}` : `${backend.host}:${backend.port}`}
  asks            ${dns === 'embedded' ? 'its own DNS zone, in which a blocklist lists 127.0.0.66' : "the system's DNS servers"}

Try, in another terminal:
  good mail       swaks --server ${listen.host}:${gateway.port} --from alice@sender.example --to ${recipient}
  an open relay?  swaks --server ${listen.host}:${gateway.port} --from alice@sender.example --to victim@elsewhere.example
  a listed client swaks --server ${listen.host}:${gateway.port} --local-interface 127.0.0.66 --from alice@sender.example --to ${recipient}
  without swaks   ${nodeOneLiner(listen.host, gateway.port, recipient)}

Ctrl-C ends it. Each transaction is told here:
`);

  let closing = false;
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (closing) process.exit(1);
      closing = true;
      gateway.close().catch((error: unknown) => {
        console.error(error);
        process.exitCode = 1;
      });
    });
  }
}

/** Waits for each reply before it sends the next line, as SMTP demands. */
function nodeOneLiner(host: string, port: number, recipient: string): string {
  const lines = [
    'EHLO me.example',
    'MAIL FROM:<alice@sender.example>',
    `RCPT TO:<${recipient}>`,
    'DATA',
    'Subject: hello\\r\\n\\r\\nHello!\\r\\n.',
    'QUIT',
  ];
  const script = `let s=require('net').connect(${port},'${host}'),l=${JSON.stringify(lines).replaceAll('"', "'").replaceAll('\\\\', '\\')};s.on('data',d=>{process.stdout.write(d);if(l[0])s.write(l.shift()+'\\r\\n')})`;
  return `node -e "${script}"`;
}
