/**
 * The client of `gateway.bench.ts` where there is no `smtp-source`: as plain as that one, in a process of its own. `node
 * mail-source.ts port connections messages bytes keep|close`.
 */
import { connect } from 'node:net';

const [port, connections, messages, bytes, mode] = process.argv.slice(2);
const body = `Subject: a message\r\n\r\n${'x'.repeat(78)}\r\n`.padEnd(Number(bytes) - 2, 'y');
const commands = ['MAIL FROM:<a@client.example>', 'RCPT TO:<b@example.org>', 'DATA', `${body}\r\n.`];
let left = Number(messages);

/** Sends messages over one connection, each command after the reply to the one before. */
async function session(): Promise<void> {
  const socket = connect({ port: Number(port), host: '127.0.0.1', noDelay: true });
  let replied: (line: string) => void = () => {};
  let failed: (error: Error) => void = () => {};
  socket.on('error', (error) => failed(error));
  let text = '';
  socket.on('data', (chunk) => {
    text += chunk.toString('latin1');
    if (!/^\d{3} .*\r\n$/m.test(text)) return;
    const reply = text;
    text = '';
    replied(reply);
  });
  const reply = (): Promise<string> =>
    new Promise((resolve, reject) => {
      replied = resolve;
      failed = reject;
    });
  await reply();
  socket.write('HELO client.example\r\n');
  await reply();
  do {
    left -= 1;
    for (const command of commands) {
      socket.write(`${command}\r\n`);
      const said = await reply();
      if (!/^[23]/.test(said)) throw new Error(said);
    }
  } while (mode === 'keep' && left > 0);
  socket.end('QUIT\r\n');
}

const worker = async (): Promise<void> => {
  while (left > 0) await session();
};
await Promise.all(Array.from({ length: Number(connections) }, worker));
