import { Socket } from 'node:dgram';
import { DnsServer } from '@postern/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DnsClient, type DnsClientOptions } from './dns-client.ts';

const zone = { '*.wild.test': { A: '192.0.2.2' } };
const open: AsyncDisposable[] = [];

async function start(options: DnsClientOptions, delayMs = 0): Promise<{ server: DnsServer; client: DnsClient }> {
  const server = await DnsServer.start(zone, { faults: [{ fault: 'delay', delayMs }] });
  open.push(server);
  const client = new DnsClient({ servers: [server.address], timeoutMs: 15_000, attemptTimeoutMs: 15_000, ...options });
  open.push({ [Symbol.asyncDispose]: async () => client.close() });
  return { server, client };
}

afterEach(async () => {
  vi.restoreAllMocks();
  for (const each of open.splice(0).reverse()) await each[Symbol.asyncDispose]();
});

describe('UdpTransport', () => {
  it('sends no more than 128 queries from a port, however many come at once', async () => {
    const { server, client } = await start({ maxInFlight: 1_000 });
    const names = Array.from({ length: 1_000 }, (_, index) => `h${index}.wild.test`);
    await Promise.all(names.map((name) => client.resolve(name, 'A')));
    const uses = new Map<number, number>();
    for (const { port } of server.queries) uses.set(port, (uses.get(port) ?? 0) + 1);
    expect(Math.max(...uses.values())).toBeLessThanOrEqual(128);
  });

  it('loses one query to a send that fails, and no other that waits on the same socket', async () => {
    const { server, client } = await start({ maxSockets: 1 }, 20);
    await client.resolve('first.wild.test', 'A');
    const sent = client.resolve('sent.wild.test', 'A');
    vi.spyOn(Socket.prototype, 'send').mockImplementationOnce((...args: unknown[]) => {
      const told = args.at(-1);
      if (typeof told === 'function') process.nextTick(told, Object.assign(new Error('send EPERM'), { code: 'EPERM' }));
    });
    const failed = await client.resolve('kept.wild.test', 'A');
    expect(failed).toMatchObject({ kind: 'failure', reason: 'network', detail: expect.stringContaining('EPERM') });
    expect(await client.resolve('next.wild.test', 'A')).toMatchObject({ kind: 'records' });
    expect(await sent).toMatchObject({ kind: 'records' });
    // The next one went through another socket.
    expect(new Set([...server.queries].map(({ port }) => port)).size).toBe(2);
  });
});
