import { asMailData, SmtpDriver, SmtpDriverError, SmtpSink } from '@postern/testing';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type SmtpBackend, smtpBackend } from './smtp-backend.ts';
import { bench, permits, TestServer } from './test-bench.ts';

/** smtp-server waits 100 ms before each greeting: so many clients wait at the same time. */
const AT_ONCE = 256;

const line = 'A line of the message, as long as lines of messages are wont to be.\r\n';
const head = 'From: <ann@client.example>\r\nTo: <bob@example.org>\r\nSubject: every byte counts\r\n\r\n';
const body = `${head}${line.repeat(15)}.a line with a dot\r\n.\r\n..\r\n${line.repeat(13)}`;
const wire = asMailData(body);

type Leave = (client: SmtpDriver) => void;

describe('a client that goes away in the middle of a message', () => {
  let sink: SmtpSink;
  let backend: SmtpBackend;

  beforeAll(async () => {
    sink = await SmtpSink.start();
    backend = smtpBackend({ host: '127.0.0.1', port: sink.port, maxConnections: 2 * AT_ONCE });
  });

  afterAll(async () => {
    await backend.close();
    await sink.close();
  });

  /** Goes as far as 354. */
  async function startData(client: SmtpDriver): Promise<void> {
    await client.send('MAIL FROM:<ann@client.example>\r\nRCPT TO:<bob@example.org>\r\nDATA\r\n');
    for (const expected of [250, 250, 354]) {
      const { code, text } = await client.reply();
      if (code === 421) throw new SmtpDriverError('closed', text);
      expect(code).toBe(expected);
    }
  }

  /** Sends the first bytes of a message, then leaves in that way. */
  async function leaveAfter(port: number, bytes: number, leave: Leave): Promise<void> {
    await using client = await SmtpDriver.connect({ port, timeoutMs: 30_000 });
    await client.reply();
    await client.command('EHLO client.example');
    await startData(client);
    if (bytes > 0) await client.send(wire.subarray(0, bytes));
    leave(client);
    await client.closed;
  }

  async function atEveryByte(socketTimeout: number, leave: Leave): Promise<void> {
    sink.clear();
    const { gateway, reports } = bench([permits], { deliver: backend });
    await using server = await TestServer.start(gateway, { socketTimeout });
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < wire.length) {
        const bytes = next++;
        for (let done = false; !done; ) {
          try {
            await leaveAfter(server.port, bytes, leave);
            done = true;
          } catch (error) {
            // On a busy machine the server may lose its patience before the message began. That counts for nothing.
            if (!(error instanceof SmtpDriverError)) throw error;
          }
        }
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    await gateway.close();
    const transactions = reports.filter(({ kind }) => kind === 'transaction');
    expect(wire.length).toBeGreaterThan(2_000);
    expect(transactions.length).toBeGreaterThanOrEqual(wire.length);
    expect(new Set(transactions.map(({ outcome }) => outcome))).toEqual(new Set(['aborted']));
    expect(sink.transactions.length).toBeGreaterThanOrEqual(wire.length);
    expect(sink.transactions.filter(({ finalDot }) => finalDot)).toEqual([]);
  }

  it('with FIN, after whatever byte, delivers nothing', () => atEveryByte(60_000, (client) => client.end()), 60_000);

  it('with RST, after whatever byte, delivers nothing', () => atEveryByte(60_000, (client) => client.reset()), 60_000);

  it('by silence, after whatever byte, delivers nothing', () => atEveryByte(400, () => {}), 120_000);

  it('delivers the message when every byte came, wherever it was cut', async () => {
    sink.clear();
    const { gateway, reports } = bench([permits], { deliver: backend });
    await using server = await TestServer.start(gateway);
    await using client = await SmtpDriver.connect({ port: server.port });
    await client.reply();
    await client.command('EHLO client.example');
    for (let cut = wire.length - 6; cut < wire.length; cut += 1) {
      await startData(client);
      await client.send(wire.subarray(0, cut));
      await new Promise(setImmediate);
      await client.send(wire.subarray(cut));
      expect((await client.reply()).code).toBe(250);
    }
    const bodies = sink.messages.map(({ message }) => message.subarray(message.indexOf(head)));
    expect(bodies).toEqual(Array.from({ length: 6 }, () => Buffer.from(body)));
    expect(reports.map(({ outcome }) => outcome)).toEqual(Array.from({ length: 6 }, () => 'accepted'));
  });
});
