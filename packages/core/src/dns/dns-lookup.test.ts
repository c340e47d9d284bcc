import { DnsServer } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { DnsClient } from './dns-client.ts';

const zone = { '*.wild.test': { A: '192.0.2.2' } };

describe('DnsLookup', () => {
  it('asks nothing when its turn comes in the middle of an abort', async () => {
    await using server = await DnsServer.start(zone, { faults: [{ fault: 'drop', name: 'drop.wild.test' }] });
    using client = new DnsClient({ servers: [server.address], maxInFlight: 1 });
    const controller = new AbortController();
    const lookups = Array.from({ length: 50 }, () => client.resolve('drop.wild.test', 'A', controller));
    controller.abort();
    expect(new Set((await Promise.all(lookups)).map((answer) => answer.kind))).toEqual(new Set(['failure']));
    expect(await client.resolve('a.wild.test', 'A')).toMatchObject({ kind: 'records' });
    expect(server.queries.count('drop.wild.test', 'A')).toBeLessThanOrEqual(1);
  });

  it('blames EDNS for a FORMERR only when the question is answered without', async () => {
    await using server = await DnsServer.start(zone, { faults: [{ fault: 'formerr', name: 'odd.wild.test' }] });
    using client = new DnsClient({ servers: [server.address] });
    expect(await client.resolve('odd.wild.test', 'A')).toMatchObject({ kind: 'failure', reason: 'servfail' });
    expect(await client.resolve('a.wild.test', 'A')).toMatchObject({ kind: 'records' });
    expect([...server.queries].map(({ ednsBytes }) => ednsBytes)).toEqual([1232, undefined, 1232]);
  });
});
