/**
 * One of the two servers that `gateway.bench.ts` compares, in a process of its own: `node gateway-server.ts gateway|bare
 * [sink port]`. It tells its port when it listens, and what CPU time it has used whenever it is asked.
 */
import { once } from 'node:events';
import { buffer } from 'node:stream/consumers';
import { CachingResolver, type DnsAnswer, type RecordType, type Resolver } from '@postern/core';
import { dnsbl } from '@postern/dnsbl';
import { createGateway, smtpBackend } from '@postern/gateway';
import { relayAcl } from '@postern/relay-acl';
import { createTransport } from 'nodemailer';
import { SMTPServer, type SMTPServerOptions } from 'smtp-server';

const [kind, sinkPort] = process.argv.slice(2);
const CONNECTIONS = 20;

/** The delivery of both when there is no sink: it reads the message and forgets it. */
async function discard(bytes: AsyncIterable<Uint8Array>): Promise<void> {
  let length = 0;
  for await (const chunk of bytes) length += chunk.length;
  if (length < 5_000) throw new RangeError(`a message of ${length} bytes`);
}

/** Knows no name, for an hour: after the first connection every answer comes from the cache. */
const upstream: Resolver = {
  resolve: async <T extends RecordType>(): Promise<DnsAnswer<T>> => ({
    kind: 'nxdomain',
    ttl: 3_600,
    authentic: false,
  }),
};

function gatewayOptions(): SMTPServerOptions {
  const gateway = createGateway({
    hostname: 'mx.example.org',
    checks: [
      relayAcl({ localDomains: ['example.org'] }),
      // The client is on loopback, which lists would not be asked about.
      dnsbl({ zones: ['one.example', 'two.example', 'three.example'], askSpecial: true }),
    ],
    resolver: new CachingResolver(upstream),
    deliver:
      sinkPort === undefined
        ? (_transaction, bytes) => discard(bytes)
        : smtpBackend({ host: '127.0.0.1', port: Number(sinkPort), tls: 'none', maxConnections: CONNECTIONS }),
    maxTransactions: 1_000_000,
  });
  return gateway.smtpServerOptions();
}

/** What one writes without Postern: `smtp-server`, and nodemailer's pool to pass mail on. */
function bareOptions(): SMTPServerOptions {
  const pool =
    sinkPort === undefined
      ? undefined
      : createTransport({
          host: '127.0.0.1',
          port: Number(sinkPort),
          pool: true,
          maxConnections: CONNECTIONS,
          maxMessages: Number.POSITIVE_INFINITY,
          ignoreTLS: true,
        });
  return {
    disableReverseLookup: true,
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onData(stream, { envelope }, callback) {
      const from = envelope.mailFrom === false ? '' : envelope.mailFrom.address;
      const to = envelope.rcptTo.map(({ address }) => address);
      const delivered =
        pool === undefined
          ? discard(stream)
          : buffer(stream).then((raw) => pool.sendMail({ envelope: { from, to }, raw }));
      delivered.then(() => callback(), callback);
    },
  };
}

const server = new SMTPServer(kind === 'gateway' ? gatewayOptions() : bareOptions());
server.on('error', () => {});
server.listen(0, '127.0.0.1');
await once(server.server, 'listening');
const address = server.server.address();
process.send?.({ port: typeof address === 'object' ? address?.port : undefined });
process.on('message', () => {
  const { user, system } = process.cpuUsage();
  process.send?.({ cpuMs: (user + system) / 1_000 });
});
process.on('disconnect', () => process.exit());
