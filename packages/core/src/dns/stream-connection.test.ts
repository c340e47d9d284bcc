import { once } from 'node:events';
import { createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DnsClient } from './dns-client.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

describe('StreamConnection', () => {
  it('is left when octets come, but no reply', async () => {
    const connections: Socket[] = [];
    const server = createServer((socket) => {
      connections.push(socket);
      // The first one begins a reply of 64 KB.
      if (connections.length === 1) socket.write(Buffer.from([0xff, 0xff]));
      else
        socket.on('data', (query: Buffer) => {
          query[4] = 0x81;
          query[5] = 0x83;
          socket.write(query);
        });
    });
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const client = new DnsClient({
      servers: [`tcp://127.0.0.1:${address.port}`],
      timeoutMs: 600_000,
      attemptTimeoutMs: 600_000,
    });
    let skippedMs = 0;
    const clock = performance.now.bind(performance);
    vi.spyOn(performance, 'now').mockImplementation(() => clock() + skippedMs);
    try {
      const stuck = client.resolve('a.test', 'A');
      await once(server, 'connection');
      // The client has seen its connection open.
      if (connections[0] !== undefined) await once(connections[0], 'data');
      skippedMs = 2_001;
      connections[0]?.write(Buffer.alloc(1));
      await sleep(30);
      expect(await client.resolve('b.test', 'A')).toMatchObject({ kind: 'nxdomain' });
      expect(connections.length).toBe(2);
      client.close();
      expect(await stuck).toMatchObject({ reason: 'aborted' });
    } finally {
      client.close();
      for (const socket of connections) socket.destroy();
      server.close();
    }
  });
});
