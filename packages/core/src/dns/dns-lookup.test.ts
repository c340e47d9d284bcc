import { once } from 'node:events';
import { Worker } from 'node:worker_threads';
import { DnsServer } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { DnsClient } from './dns-client.ts';

const zone = { '*.wild.test': { A: '192.0.2.2' } };

describe('DnsLookup', () => {
  it('asks nothing when its turn comes in the middle of an abort', async () => {
    await using server = await DnsServer.start(zone, { faults: [{ fault: 'drop', name: 'drop.wild.test' }] });
    using client = new DnsClient({ servers: [server.address], maxInFlight: 1 });
    // From here on a socket is open, so that a query would leave at once.
    await client.resolve('a.wild.test', 'A');
    const controller = new AbortController();
    const lookups = Array.from({ length: 50 }, () => client.resolve('drop.wild.test', 'A', controller));
    controller.abort();
    expect(new Set((await Promise.all(lookups)).map((answer) => answer.kind))).toEqual(new Set(['failure']));
    expect(await client.resolve('a.wild.test', 'A')).toMatchObject({ kind: 'records' });
    expect(server.queries.count('drop.wild.test', 'A')).toBeLessThanOrEqual(1);
  });

  it('takes a reply that came in time to a process that was too busy to read it', async () => {
    // Answers NXDOMAIN from another thread, and counts.
    const program = `
      const { parentPort, workerData } = require('node:worker_threads');
      const socket = require('node:dgram').createSocket('udp4').bind(0, '127.0.0.1');
      socket.on('listening', () => parentPort.postMessage(socket.address().port));
      socket.on('message', (query, { address, port }) => {
        query[2] = 0x81;
        query[3] = 0x83;
        socket.send(query, port, address, () => {
          Atomics.add(workerData, 0, 1);
          Atomics.notify(workerData, 0);
        });
      });`;
    const replies = new Int32Array(new SharedArrayBuffer(4));
    const server = new Worker(program, { eval: true, workerData: replies });
    try {
      const [port] = await once(server, 'message');
      using client = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 1_000 });
      expect(await client.resolve('a.test', 'A')).toMatchObject({ kind: 'nxdomain' });
      // From here on timers have their turn before sockets.
      await new Promise((resolve) => setImmediate(resolve));
      const lookup = client.resolve('b.test', 'A');
      for (const before of [0, 1]) expect(Atomics.wait(replies, 0, before, 20_000)).not.toBe('timed-out');
      Atomics.wait(replies, 0, 2, 1_100);
      expect(await lookup).toMatchObject({ kind: 'nxdomain' });
    } finally {
      await server.terminate();
    }
  });

  it('blames EDNS for a FORMERR only when the question is answered without', async () => {
    await using server = await DnsServer.start(zone, { faults: [{ fault: 'formerr', name: 'odd.wild.test' }] });
    using client = new DnsClient({ servers: [server.address] });
    expect(await client.resolve('odd.wild.test', 'A')).toMatchObject({ kind: 'failure', reason: 'servfail' });
    expect(await client.resolve('a.wild.test', 'A')).toMatchObject({ kind: 'records' });
    expect([...server.queries].map(({ ednsBytes }) => ednsBytes)).toEqual([1232, undefined, 1232]);
  });
});
