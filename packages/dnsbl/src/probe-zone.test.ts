import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { type CompiledZone, compileZones } from './compiled-zone.ts';
import type { DnsblZone } from './dnsbl-zone.ts';
import { probeZone } from './probe-zone.ts';

function compile(zone: string | DnsblZone): CompiledZone {
  const [compiled] = compileZones('test', [zone]);
  if (compiled === undefined) throw new Error('no zone');
  return compiled;
}

const bl: DnsblZone = { name: 'bl.example', ipv6: false, answers: [{ code: '127.0.0.2', reason: 'spam' }] };

async function probe(
  data: ConstructorParameters<typeof ZoneResolver>[0],
  zone: string | DnsblZone = bl,
): Promise<object> {
  return await probeZone(compile(zone), new ZoneResolver(data));
}

describe('probeZone', () => {
  it('passes a list that has its test point and nothing else', async () => {
    const pass = { outcome: 'pass', reason: undefined, testPoint: undefined };
    expect(await probe({ '2.0.0.127.bl.example': { A: '127.0.0.2' } })).toEqual(pass);
    // RFC 5782 §2.1: no A record, no listing.
    expect(await probe({ '2.0.0.127.bl.example': { A: '127.0.0.2' }, '1.0.0.127.bl.example': { TXT: 'no' } })).toEqual(
      pass,
    );
  });

  it('takes a code of its own for the test point', async () => {
    expect(await probe({ '2.0.0.127.bl.example': { A: '127.0.0.254' } })).toMatchObject({ outcome: 'pass' });
  });

  it.each([
    ['an empty list', {}, 'test-point-missing', '127.0.0.2'],
    ['one that lists the world', { '*.bl.example': { A: '127.0.0.2' } }, 'lists-everything', '127.0.0.1'],
    ['one that answers anything at all', { '*.bl.example': { A: '127.0.0.77' } }, 'lists-everything', '127.0.0.1'],
    ['a domain that was sold', { '*.bl.example': { A: '203.0.113.80' } }, 'rewritten', '127.0.0.2'],
    ['one that was asked too often', { '*.bl.example': { A: '127.255.255.255' } }, 'over-quota', '127.0.0.2'],
    ['one that refuses public resolvers', { '*.bl.example': { A: '127.255.255.254' } }, 'open-resolver', '127.0.0.2'],
    ['one that answers 127.0.0.1', { '2.0.0.127.bl.example': { A: '127.0.0.1' } }, 'reserved-code', '127.0.0.2'],
  ] as const)('finds fault with %s', async (_what, data, reason, testPoint) => {
    expect(await probe(data)).toEqual({ outcome: 'fault', reason, testPoint });
  });

  it.each(['timeout', 'servfail', 'refused', 'network', 'malformed'] as const)(
    'takes %s for silence',
    async (failure) => {
      expect(await probe({ '2.0.0.127.bl.example': failure })).toEqual({
        outcome: 'silent',
        reason: failure,
        testPoint: '127.0.0.2',
      });
    },
  );

  it('lets the gravest word decide', async () => {
    const world = { '1.0.0.127.bl.example': { A: '127.0.0.2' } };
    expect(await probe({ '2.0.0.127.bl.example': 'timeout', ...world })).toMatchObject({ reason: 'lists-everything' });
    expect(await probe(world)).toMatchObject({ reason: 'lists-everything' });
    expect(await probe({ '1.0.0.127.bl.example': 'timeout' })).toMatchObject({ reason: 'test-point-missing' });
  });

  it('asks a list of domains about names, and an IPv6 list about nibbles', async () => {
    expect(
      await probe({ 'test.dbl.example': { A: '127.0.1.2' } }, { name: 'dbl.example', lists: 'domains' }),
    ).toMatchObject({ outcome: 'pass' });
    const name = `2.0.0.0.0.0.f.7.f.f.f.f${'.0'.repeat(20)}.six.example`;
    expect(await probe({ [name]: { A: '127.0.0.2' } }, { name: 'six.example', ipv4: false })).toMatchObject({
      outcome: 'pass',
    });
  });

  it('goes past caches and stale answers, and shows no key', async () => {
    const asked: [string, ResolveOptions | undefined][] = [];
    const resolver: Resolver = {
      resolve: async <T extends RecordType>(
        name: string,
        _type: T,
        options?: ResolveOptions,
      ): Promise<DnsAnswer<T>> => {
        asked.push([name, options]);
        return { kind: 'nxdomain', ttl: 60, authentic: false };
      },
    };
    const outcome = await probeZone(compile({ ...bl, key: 'sesame' }), resolver);
    expect(asked).toEqual([
      ['2.0.0.127.sesame.bl.example', { fresh: true, staleMs: 0, shownAs: '2.0.0.127.[key].bl.example' }],
      ['1.0.0.127.sesame.bl.example', { fresh: true, staleMs: 0, shownAs: '1.0.0.127.[key].bl.example' }],
    ]);
    expect(JSON.stringify(outcome)).not.toContain('sesame');
  });
});
