import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { MailData } from './mail-data.ts';
import { asMailData, SmtpDriver, SmtpDriverError } from './smtp-driver.ts';

/** A server that says what the test says. */
let server: Server;
let serverSide: Socket;
let client: SmtpDriver;

beforeEach(async () => {
  server = createServer({ allowHalfOpen: true }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  const accepted = once(server, 'connection');
  client = await SmtpDriver.connect({ port: portOf(server), timeoutMs: 1_000 });
  [serverSide] = await accepted;
  serverSide.on('error', () => {});
});

afterEach(async () => {
  await client.close();
  serverSide.destroy();
  server.close();
  await once(server, 'close');
});

function portOf(listening: Server): number {
  const address = listening.address();
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

/** Everything that the server gets from now on, until so many bytes are there. */
async function received(bytes: number): Promise<string> {
  let text = '';
  for await (const chunk of serverSide.iterator({ destroyOnReturn: false })) {
    text += chunk.toString('latin1');
    if (text.length >= bytes) break;
  }
  return text;
}

describe('reply', () => {
  it('reads one reply of any number of lines, however it is cut', async () => {
    for (const byte of '250-mx.test\r\n250-SIZE 100\r\n250 HELP\r\n250\r\n') serverSide.write(byte);
    expect(await client.reply()).toEqual({
      code: 250,
      lines: ['mx.test', 'SIZE 100', 'HELP'],
      text: 'mx.test\nSIZE 100\nHELP',
      enhanced: undefined,
    });
    // RFC 5321 §4.2.1: clients must take a reply that is only a code.
    expect(await client.reply()).toEqual({ code: 250, lines: [''], text: '', enhanced: undefined });
  });

  it('finds the enhanced status code', async () => {
    serverSide.write('550 5.7.1 Not here\r\n421 4.7.0\r\n250 2.0 Ok\r\n');
    expect([await client.reply(), await client.reply(), await client.reply()]).toMatchObject([
      { enhanced: '5.7.1' },
      { enhanced: '4.7.0' },
      { enhanced: undefined },
    ]);
  });

  it.each([
    'hello\r\n',
    '25 x\r\n',
    '650 x\r\n',
    '2500 x\r\n',
    '250-a\r\n251 b\r\n',
    '250 a\n250 b\r\n',
    `250 ${'x'.repeat(5_000)}\r\n`,
    '250-x\r\n'.repeat(1_001),
  ])('takes %j for no reply', async (bytes) => {
    serverSide.write(bytes);
    await expect(client.reply()).rejects.toMatchObject({ name: 'SmtpDriverError', reason: 'malformed' });
  });

  it('waits no longer than it is told', async () => {
    serverSide.write('25');
    await expect(client.reply(10)).rejects.toMatchObject({ reason: 'timeout', message: 'no reply within 10 ms' });
    serverSide.write('0 last\r\n');
    expect(await client.reply()).toMatchObject({ lines: ['last'] });
  });

  it('knows when nothing will come', async () => {
    serverSide.end('250-');
    await expect(client.reply()).rejects.toBeInstanceOf(SmtpDriverError);
    await expect(client.reply()).rejects.toMatchObject({ reason: 'closed' });
  });
});

describe('send', () => {
  it('sends bytes as they are', async () => {
    await client.send('MAIL FROM:<a>\nRCPT');
    await client.send(Buffer.from([0, 255, 13]));
    await client.send('\u00fc');
    expect(await received(23)).toBe('MAIL FROM:<a>\nRCPT\0\xff\r\xc3\xbc');
  });

  it('sends a few bytes at a time, and stops when nobody is there', async () => {
    expect(await client.slow('abcdefg', 1, 3)).toBe(7);
    expect(await received(7)).toBe('abcdefg');
    const sent = client.slow('x'.repeat(1_000), 1);
    serverSide.resetAndDestroy();
    expect(await sent).toBeLessThan(1_000);
  });

  it('rejects when there is nobody to send to', async () => {
    await client.close();
    await expect(client.send('x')).rejects.toThrow();
  });

  it('adds CRLF to a command, and reads its reply', async () => {
    const reply = client.command('NOOP');
    expect(await received(6)).toBe('NOOP\r\n');
    serverSide.write('250 Ok\r\n');
    expect(await reply).toMatchObject({ code: 250 });
  });

  it('sends no message that the server does not want', async () => {
    const reply = client.data('x');
    expect(await received(6)).toBe('DATA\r\n');
    serverSide.write('554 No\r\n');
    expect(await reply).toMatchObject({ code: 554 });
  });
});

describe('leaving', () => {
  it('with FIN, behind which replies can be read', async () => {
    client.end();
    serverSide.resume();
    await once(serverSide, 'end');
    serverSide.end('221 Bye\r\n');
    expect(await client.reply()).toMatchObject({ code: 221 });
    expect(await client.closed).toBe('end');
  });

  it('with RST', async () => {
    const error = once(serverSide.resume(), 'error').catch((thrown: unknown) => [thrown]);
    client.reset();
    expect(await error).toMatchObject([{ code: 'ECONNRESET' }]);
    await client.closed;
  });

  it('because the server resets', async () => {
    serverSide.resetAndDestroy();
    expect(await client.closed).toBe('reset');
  });
});

it('comes from the address that the test says', async () => {
  const accepted = once(server, 'connection');
  await using other = await SmtpDriver.connect({ port: portOf(server), localAddress: '127.0.0.9' });
  const [socket] = await accepted;
  expect(socket.remoteAddress).toBe('127.0.0.9');
  expect(socket.remotePort).toBe(other.localPort);
  socket.destroy();
});

it('rejects when nobody listens', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await once(closed, 'listening');
  const port = portOf(closed);
  closed.close();
  await expect(SmtpDriver.connect({ port })).rejects.toThrow('ECONNREFUSED');
});

it('doubles dots so that every message comes out as it went in', () => {
  const pieces = fc.array(fc.constantFrom('.', '\r\n', '\r', '\n', 'x', '..', '\r\n.'), { maxLength: 12 });
  fc.assert(
    fc.property(pieces, fc.array(fc.nat(40), { maxLength: 5 }), (text, cuts) => {
      const message = text.join('');
      const expected = message === '' || message.endsWith('\r\n') ? message : `${message}\r\n`;
      const wire = Buffer.concat([asMailData(message), Buffer.from('QUIT\r\n')]);
      const data = new MailData(1_000);
      let rest: string | undefined;
      const ends = [...cuts.filter((cut) => cut < wire.length).sort((a, b) => a - b), wire.length];
      ends.forEach((end, index) => {
        const chunk = wire.subarray(index === 0 ? 0 : ends[index - 1], end);
        if (rest !== undefined) rest += chunk.toString();
        else {
          const read = data.write(chunk);
          if (read.done) rest = read.rest.toString();
        }
      });
      expect(data.message.toString()).toBe(expected);
      expect(rest).toBe('QUIT\r\n');
    }),
    { numRuns: 1_000 },
  );
});

it.each([
  ['{}', '"port" must be'],
  ['{"port":25,"hots":"x"}', 'unknown option "hots"'],
  ['{"port":25,"localAddress":1}', '"localAddress" must be'],
  ['{"port":25,"tls":true}', '"tls" must be'],
])('refuses the options %s', async (json, message) => {
  await expect(SmtpDriver.connect(JSON.parse(json))).rejects.toThrow(message);
});
