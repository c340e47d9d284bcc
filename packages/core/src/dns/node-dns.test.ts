import { Resolver as CallbackResolver } from 'node:dns';
import { Resolver as NodeResolver } from 'node:dns/promises';
import { getEventListeners } from 'node:events';
import { DnsServer, resolverContract, type Zone, type ZoneData } from '@postern/testing';
import { afterEach, describe, expect, it } from 'vitest';
import { fromNodeDns, type NodeDnsOptions } from './node-dns.ts';

const running: DnsServer[] = [];

afterEach(async () => {
  for (const server of running.splice(0)) await server.close();
});

async function start(zone: Zone | ZoneData, options?: NodeDnsOptions) {
  const server = await DnsServer.start(zone);
  running.push(server);
  const node = new NodeResolver({ timeout: 200, tries: 1 });
  node.setServers([server.address]);
  return { server, node, resolver: fromNodeDns(node, options) };
}

const abilities = { ttl: false, authentic: false, canonicalName: false };
for (const { name, run } of resolverContract('fromNodeDns', start, abilities)) it(name, run);

describe('fromNodeDns', () => {
  it('gives the TTL of addresses, and ttlMs for all else', async () => {
    const zone = { 'a.test': { A: '192.0.2.1', AAAA: '2001:db8::1', TXT: 'x', ttl: 7 } };
    const { resolver } = await start(zone, { ttlMs: 90_500 });
    expect(await resolver.resolve('a.test', 'A')).toMatchObject({ ttl: 7 });
    expect(await resolver.resolve('a.test', 'AAAA')).toMatchObject({ ttl: 7 });
    expect(await resolver.resolve('a.test', 'TXT')).toMatchObject({ kind: 'records', ttl: 90 });
    expect(await resolver.resolve('a.test', 'MX')).toMatchObject({ kind: 'nodata', ttl: 90 });
    expect(await resolver.resolve('b.test', 'A')).toMatchObject({ kind: 'nxdomain', ttl: 90 });
    const { resolver: byDefault } = await start(zone);
    expect(await byDefault.resolve('a.test', 'TXT')).toMatchObject({ ttl: 60 });
  });

  it('gives names in lower case', async () => {
    const { resolver } = await start({ 'a.test': { MX: '10 MX.Example.COM', NS: 'NS.Example.COM' } });
    expect(await resolver.resolve('a.test', 'MX')).toMatchObject({ records: [{ exchange: 'mx.example.com' }] });
    expect(await resolver.resolve('a.test', 'NS')).toMatchObject({ records: ['ns.example.com'] });
  });

  it('gives TLSA records behind CNAME records, and nothing else', async () => {
    const tlsa = { usage: 3, selector: 1, matchingType: 1, data: 'ab' };
    const { resolver } = await start({ 'a.test': { CNAME: 'b.test' }, 'b.test': { TLSA: tlsa } });
    expect(await resolver.resolve('a.test', 'TLSA')).toMatchObject({ kind: 'records', records: [tlsa] });
  });

  it('says network when no server can be reached', async () => {
    const { node, resolver } = await start({});
    // Port 1 of loopback: nobody listens there.
    node.setServers(['127.0.0.1:1']);
    expect(await resolver.resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'network' });
  });

  it('says malformed about replies that cannot be read', async () => {
    const { resolver } = await start({ 'a.test': 'malformed' });
    expect(await resolver.resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it('never hands c-ares a name that it would read as another', async () => {
    const { server, resolver } = await start({ a: { A: '192.0.2.1' }, 'k.test': { A: '192.0.2.2' } });
    for (const name of ['a\0b.test', '\u212a.test', 'a\\.b.test', '%6b.test', 'k\u3002test']) {
      const answer = await resolver.resolve(name, 'A');
      expect(answer.kind === 'records', name).toBe(false);
    }
    for (const { name } of server.queries) expect(name).toBe('%6b.test');
  });

  it('says aborted when its resolver is cancelled', async () => {
    const { server, node, resolver } = await start({ 'a.test': 'timeout' });
    const answer = resolver.resolve('a.test', 'A');
    await expect.poll(() => server.queries.count()).toBe(1);
    node.cancel();
    expect(await answer).toMatchObject({ kind: 'failure', reason: 'aborted' });
  });

  it('ends by timeoutMs whatever c-ares does, and leaves nothing behind', async () => {
    const { node, resolver } = await start({ 'a.test': 'timeout' }, { timeoutMs: 20 });
    const { signal } = new AbortController();
    expect(await resolver.resolve('a.test', 'A', { signal })).toMatchObject({ kind: 'failure', reason: 'timeout' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    node.cancel();
  });

  it('rejects what its resolver throws about a mistake in the program', async () => {
    const broken = new NodeResolver();
    broken.resolve4 = () => {
      throw new TypeError('a mistake');
    };
    await expect(fromNodeDns(broken).resolve('a.test', 'A')).rejects.toThrow('a mistake');
  });

  it('refuses what is no resolver of node:dns/promises, and options that it does not know', () => {
    for (const resolver of [undefined, null, {}, new CallbackResolver()]) {
      expect(() => Reflect.apply(fromNodeDns, undefined, [resolver])).toThrow(TypeError);
    }
    const node = new NodeResolver();
    expect(() => fromNodeDns(node, { ttlMs: -1 })).toThrow(RangeError);
    expect(() => fromNodeDns(node, { timeoutMs: 0 })).toThrow(RangeError);
    expect(() => Reflect.apply(fromNodeDns, undefined, [node, { ttl: 1 }])).toThrow('unknown option "ttl"');
  });
});
