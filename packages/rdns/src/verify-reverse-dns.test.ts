import { getEventListeners } from 'node:events';
import { DnsClient, parseIp, type Resolver, reverseName } from '@postern/core';
import { DnsServer, ZoneResolver } from '@postern/testing';
import * as fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { verifyReverseDns } from './verify-reverse-dns.ts';

const IP = '198.51.100.7';
const PTR = '7.100.51.198.in-addr.arpa';

function resolver(names: readonly string[], zone: Record<string, object | 'servfail' | 'timeout'> = {}): ZoneResolver {
  return new ZoneResolver({ ...(names.length > 0 ? { [PTR]: { PTR: [...names] } } : {}), ...zone });
}

afterEach(() => {
  vi.useRealTimers();
});

describe('verifyReverseDns', () => {
  it('passes when a name leads back', async () => {
    const dns = resolver(['mx.example.com'], { 'mx.example.com': { A: ['203.0.113.1', IP], AAAA: '2001:db8::1' } });
    expect(await verifyReverseDns(IP, { resolver: dns })).toEqual({
      status: 'pass',
      reason: 'confirmed',
      names: ['mx.example.com'],
      confirmed: ['mx.example.com'],
      forward: [{ name: 'mx.example.com', status: 'match', addresses: [] }],
      malformed: 0,
      unasked: 0,
      authentic: false,
      generic: {
        name: 'mx.example.com',
        generic: false,
        score: -2,
        evidence: [{ kind: 'word', found: 'mx', points: -2 }],
      },
      failure: undefined,
    });
    expect([...dns.queries].map(({ name, type }) => `${name} ${type}`)).toEqual([`${PTR} PTR`, 'mx.example.com A']);
  });

  it('asks for the client’s family alone', async () => {
    const ip = '2001:db8::25';
    const name = reverseName(parseIp(ip) ?? expect.unreachable());
    const dns = new ZoneResolver({ [name]: { PTR: 'mx.example.com' }, 'mx.example.com': { A: IP, AAAA: ip } });
    expect(await verifyReverseDns(ip, { resolver: dns })).toMatchObject({ status: 'pass' });
    expect(dns.queries.count('mx.example.com', 'A')).toBe(0);
  });

  it('takes an IPv4-mapped address for the IPv4 address', async () => {
    const dns = resolver(['mx.example.com'], { 'mx.example.com': { A: IP } });
    expect(await verifyReverseDns(`::ffff:${IP}`, { resolver: dns })).toMatchObject({ status: 'pass' });
  });

  it.each([
    ['leads elsewhere', { 'mx.example.com': { A: '203.0.113.1' } }, 'no-match', ['203.0.113.1']],
    ['has only the other family', { 'mx.example.com': { AAAA: '2001:db8::1' } }, 'no-match', []],
    ['does not exist', {}, 'nxdomain', []],
  ])('fails when the name %s', async (_, zone, status, addresses) => {
    const result = await verifyReverseDns(IP, { resolver: resolver(['mx.example.com'], zone) });
    expect(result).toMatchObject({ status: 'fail', reason: 'not-confirmed', confirmed: [], failure: undefined });
    expect(result.forward).toEqual([{ name: 'mx.example.com', status, addresses }]);
  });

  it('has its permerror where nothing is published', async () => {
    const elsewhere = resolver([], { 'x.7.100.51.198.in-addr.arpa': { A: IP } });
    expect(await verifyReverseDns(IP, { resolver: resolver([]) })).toMatchObject({
      status: 'permerror',
      reason: 'no-ptr',
    });
    expect(await verifyReverseDns(IP, { resolver: elsewhere })).toMatchObject({
      status: 'permerror',
      reason: 'no-ptr',
    });
    expect(await verifyReverseDns('mx.example.com', { resolver: resolver([]) })).toMatchObject({
      status: 'permerror',
      reason: 'not-an-address',
    });
  });

  it('looks up no name that is no host name', async () => {
    const dns = resolver(['192.0.2.1', 'a-.example', 'ok.example'], { 'ok.example': { A: IP } });
    expect(await verifyReverseDns(IP, { resolver: dns })).toMatchObject({
      status: 'pass',
      names: ['ok.example'],
      malformed: 2,
    });
    expect(await verifyReverseDns(IP, { resolver: resolver(['192.0.2.1']) })).toMatchObject({
      status: 'permerror',
      reason: 'no-host-name',
      malformed: 1,
    });
  });

  it('is a temperror while the name that may lead back is not known', async () => {
    const zone = { 'a.example': { A: '203.0.113.1' }, 'b.example': 'servfail' } as const;
    expect(await verifyReverseDns(IP, { resolver: resolver(['a.example', 'b.example'], zone) })).toMatchObject({
      status: 'temperror',
      reason: 'dns',
      failure: 'servfail',
      names: ['a.example', 'b.example'],
    });
    expect(await verifyReverseDns(IP, { resolver: resolver([], { [PTR]: 'timeout' }) })).toMatchObject({
      status: 'temperror',
      failure: 'timeout',
      names: [],
    });
  });

  it('passes although another name could not be looked up', async () => {
    const dns = resolver(['a.example', 'b.example'], { 'a.example': 'servfail', 'b.example': { A: IP } });
    expect(await verifyReverseDns(IP, { resolver: dns })).toMatchObject({ status: 'pass', confirmed: ['b.example'] });
  });

  it('looks up no more than maxNames, whatever the reverse zone holds', async () => {
    const names = Array.from({ length: 300 }, (_, index) => `h${index}.example`);
    const dns = resolver(names, { 'h299.example': { A: IP } });
    expect(await verifyReverseDns(IP, { resolver: dns })).toMatchObject({ status: 'fail', unasked: 290 });
    expect([...dns.queries]).toHaveLength(11);
    expect(await verifyReverseDns(IP, { resolver: dns, maxNames: 1 })).toMatchObject({
      names: ['h0.example'],
      unasked: 299,
    });
  });

  it('holds its bounds against the worst of reverse zones', async () => {
    const label = 'a'.repeat(63);
    const longest = `${label}.${label}.${label}.${'b'.repeat(61)}`;
    const names = [
      ...Array.from({ length: 5_000 }, (_, index) => `h${index}.example`),
      longest,
      'localhost',
      IP,
      'nul\u0000.example',
      'a'.repeat(1_000_000),
    ];
    const many = Array.from(
      { length: 200_000 },
      (_, index) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`,
    );
    // Not ZoneResolver, which holds names to DNS's own rules.
    const hostile: Resolver = {
      resolve: async (_, type) =>
        JSON.parse(
          JSON.stringify({
            kind: 'records',
            records: type === 'PTR' ? names.toReversed() : many,
            ttl: 1,
            authentic: false,
          }),
        ),
    };
    const result = await verifyReverseDns(IP, { resolver: hostile });
    expect(result).toMatchObject({ status: 'fail', reason: 'not-confirmed', malformed: 3, unasked: 4_992 });
    expect(result.names.slice(0, 2)).toEqual(['localhost', longest]);
    expect(JSON.stringify(result).length).toBeLessThan(10_000);
  });

  it('is a temperror where CNAME records lead round in a circle', async () => {
    await using server = await DnsServer.start({
      [PTR]: { PTR: ['a.example.com'] },
      'a.example.com': { CNAME: 'b.example.com' },
      'b.example.com': { CNAME: 'a.example.com' },
    });
    using dns = new DnsClient({ servers: [server.address] });
    expect(await verifyReverseDns(IP, { resolver: dns })).toMatchObject({ status: 'temperror', reason: 'dns' });
  });

  it('leaves no listener behind, and warns of none with 100 names at once', async () => {
    const warned = vi.spyOn(process, 'emitWarning');
    const names = Array.from({ length: 100 }, (_, index) => `h${index}.example`);
    const dns = resolver(names, { 'h7.example': { A: IP } });
    const { signal } = new AbortController();
    expect(await verifyReverseDns(IP, { resolver: dns, maxNames: 100, signal })).toMatchObject({ status: 'pass' });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
    expect(warned).not.toHaveBeenCalled();
    warned.mockRestore();
  });

  it('is authentic when DNSSEC covered both ways', async () => {
    const zone = { [PTR]: { PTR: 'mx.example.com' }, 'mx.example.com': { A: IP } };
    const signed = new ZoneResolver(zone, { authentic: true });
    expect(await verifyReverseDns(IP, { resolver: signed })).toMatchObject({ authentic: true });
    const half: Resolver = {
      resolve: async (name, type, options) => {
        const answer = await signed.resolve(name, type, options);
        return type === 'PTR' && answer.kind !== 'failure' ? { ...answer, authentic: false } : answer;
      },
    };
    expect(await verifyReverseDns(IP, { resolver: half })).toMatchObject({ status: 'pass', authentic: false });
  });

  it('follows the CNAME of a delegated network (RFC 2317)', async () => {
    await using server = await DnsServer.start({
      [PTR]: { CNAME: '7.0-63.100.51.198.in-addr.arpa' },
      '7.0-63.100.51.198.in-addr.arpa': { PTR: 'mx.example.com' },
      'mx.example.com': { CNAME: 'host.example.net' },
      'host.example.net': { A: IP },
    });
    using dns = new DnsClient({ servers: [server.address] });
    expect(await verifyReverseDns(IP, { resolver: dns })).toMatchObject({
      status: 'pass',
      confirmed: ['mx.example.com'],
    });
  });

  it('judges by the name that looks the least generic', async () => {
    const pool = 'dyn-198-51-100-7.isp.example';
    const dns = resolver([pool, 'mx.example.com'], { 'mx.example.com': { A: IP }, [pool]: { A: IP } });
    expect((await verifyReverseDns(IP, { resolver: dns })).generic).toMatchObject({
      name: 'mx.example.com',
      generic: false,
    });
    const only = resolver([pool, 'mx.example.com'], { [pool]: { A: IP } });
    expect((await verifyReverseDns(IP, { resolver: only })).generic).toMatchObject({ name: pool, generic: true });
  });

  it('ends at its deadline, and with its signal', async () => {
    vi.useFakeTimers();
    const dns = resolver(['mx.example.com']);
    dns.hold('mx.example.com');
    const late = verifyReverseDns(IP, { resolver: dns, timeoutMs: 1_000 });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await late).toMatchObject({ status: 'temperror', failure: 'timeout', names: ['mx.example.com'] });
    const controller = new AbortController();
    const given = verifyReverseDns(IP, { resolver: dns, signal: controller.signal });
    controller.abort();
    expect(await given).toMatchObject({ status: 'temperror', failure: 'aborted' });
    expect(vi.getTimerCount()).toBe(0);
  });

  it('never rejects, whatever the records hold', async () => {
    const text = fc.oneof(fc.string({ maxLength: 30 }), fc.domain(), fc.constantFrom('', '.', '*', '\u0000', 'a..b'));
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 8 }), fc.string({ maxLength: 20 }), async (names, addresses) => {
        const hostile: Resolver = {
          // What a resolver of somebody else's could hand over.
          resolve: async (_, type) =>
            JSON.parse(
              JSON.stringify({
                kind: 'records',
                records: type === 'PTR' ? names : [addresses],
                ttl: 1,
                authentic: false,
              }),
            ),
        };
        const result = await verifyReverseDns(IP, { resolver: hostile });
        // An answer of no records is none.
        expect(names.length > 0 ? ['permerror', 'fail', 'pass'] : ['temperror']).toContain(result.status);
        expect(result.names.length + result.malformed + result.unasked).toBeLessThanOrEqual(names.length);
      }),
    );
  });

  it.each([
    [undefined, TypeError, /"resolver"/],
    [{ resolver: resolver([]), maxNames: 0 }, RangeError, /"maxNames"/],
    [{ resolver: resolver([]), timeoutMs: 0 }, RangeError, /"timeoutMs"/],
    [{ resolver: resolver([]), maxName: 1 }, TypeError, /unknown option "maxName"/],
  ])('rejects wrong options %#', async (options, error, message) => {
    // @ts-expect-error what JavaScript can pass
    const rejected = verifyReverseDns(IP, options);
    await expect(rejected).rejects.toThrow(error);
    await expect(rejected).rejects.toThrow(message);
  });
});
