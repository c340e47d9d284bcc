import { isRecordType } from '@postern/core';
import { type NameData, type ZoneData, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { spf } from 'mailauth';
import { describe, expect, it } from 'vitest';
import { checkSpfMailFrom, type SpfInput } from './check-spf.ts';
import type { SpfEvaluation } from './spf-evaluation.ts';

/** What mailauth says to the same zone: in its strict mode, which means to follow RFC 7208 to the letter, or as it comes. */
async function askMailauth(input: SpfInput, zone: ZoneResolver, strict: boolean): Promise<string> {
  const resolver = async (name: string, type: string): Promise<string[][] | string[]> => {
    const answer = isRecordType(type) ? await zone.resolve(name, type) : undefined;
    if (answer?.kind === 'records') {
      // @ts-expect-error its declaration knows no MX records
      return answer.records.map((record) =>
        type === 'TXT' ? [record] : typeof record === 'object' ? { ...record, priority: 0 } : record,
      );
    }
    const code = answer === undefined || answer.kind === 'failure' ? 'ESERVFAIL' : 'ENOTFOUND';
    throw Object.assign(new Error(code), { code });
  };
  const { helo, ip, mailFrom: sender } = input;
  const { status } = await spf({ sender, ip, helo, resolver, strict, mta: 'mx.example.org' });
  return status.result;
}

const names = ['example.com', 'a.example.com', 'b.example.net', 'c.example.org'] as const;
const name = fc.constantFrom(...names);
const addresses = ['192.0.2.1', '192.0.2.2', '198.51.100.1', '203.0.113.129'] as const;
const addresses6 = ['2001:db8::1', '2001:db8:1::1', '2001:db8::ffff'] as const;

const target = fc.oneof(
  { weight: 12, arbitrary: name },
  {
    weight: 6,
    arbitrary: fc.constantFrom(
      'gone.example',
      '%{p}.x.example',
      '%{d}',
      '%{o}',
      '%{l}.%{d}',
      '%{ir}.%{v}.example.net',
      '%{h}',
      'x..example',
      'a.example.com.',
    ),
  },
  fc.constantFrom('', 'museum', '%{x}', '%{d2r}', '%%.example', 'a.b-', '192.0.2.1'),
);
const length4 = fc.constantFrom('', '', '', '/0', '/8', '/24', '/25', '/32', '/25', '/24', '/33', '/024');
const length6 = fc.constantFrom('', '', '', '', '', '', '//0', '//32', '//64', '//129');
const qualifier = fc.constantFrom('', '', '+', '-', '~', '?');
const mechanism = fc.oneof(
  fc.constant('all'),
  fc
    .tuple(fc.constantFrom('a', 'mx'), fc.option(target, { nil: undefined }), length4, length6)
    .map(([kind, domain, four, six]) => `${kind}${domain === undefined ? '' : `:${domain}`}${four}${six}`),
  fc
    .tuple(fc.constantFrom(...addresses, ...addresses, ...addresses, '192.0.2', '1.2.3.04'), length4)
    .map(([ip, length]) => `ip4:${ip}${length}`),
  fc
    .tuple(
      fc.constantFrom(...addresses6, ...addresses6, '::ffff:192.0.2.1', '::', '2001:db8'),
      fc.constantFrom('', '', '/0', '/32', '/33', '/129'),
    )
    .map(([ip, length]) => `ip6:${ip}${length}`),
  fc.tuple(fc.constantFrom('include', 'exists', 'ptr'), target).map(([kind, domain]) => `${kind}:${domain}`),
  fc.constantFrom('ptr', 'ptr', 'ptr', 'ptr', 'ptr', 'ptr/8', 'exists', 'include', 'alll', 'all:x'),
);
const directive = fc.tuple(qualifier, mechanism).map((parts) => parts.join(''));
const modifier = fc.oneof(
  target.map((domain) => `redirect=${domain}`),
  fc.constantFrom(
    'x=y',
    'x=',
    'x=%{d}',
    'x=y',
    'x=',
    'x=%{d}',
    'x=%',
    '1x=y',
    'exp=a.example.com',
    'exp=a.example.com',
    'exp=',
  ),
);
const term = fc.oneof({ weight: 8, arbitrary: directive }, modifier);
const record = fc.array(term, { maxLength: 7 }).map((terms) => ['v=spf1', ...terms].join(' '));
const several = <T>(one: fc.Arbitrary<T>): fc.Arbitrary<T[]> => fc.uniqueArray(one, { maxLength: 3 });
const data: fc.Arbitrary<NameData> = fc.record({
  TXT: fc.oneof(
    { weight: 8, arbitrary: record.map((text) => [text]) },
    fc.constant([]),
    fc.constant({ failure: 'servfail' as const }),
  ),
  A: fc.oneof(
    { weight: 6, arbitrary: several(fc.constantFrom(...addresses)) },
    fc.constant({ failure: 'timeout' as const }),
  ),
  AAAA: several(fc.constantFrom(...addresses6)),
  MX: several(name.map((host) => `10 ${host}`)),
});
const zone: fc.Arbitrary<ZoneData> = fc
  .record({
    'example.com': data,
    'a.example.com': data,
    'b.example.net': data,
    'c.example.org': data,
    names: several(name),
  })
  .map(({ names: PTR, ...rest }) => ({
    ...rest,
    '1.2.0.192.in-addr.arpa': { PTR },
    'ann.example.com': { A: '127.0.0.2' },
  }));
const input: fc.Arbitrary<SpfInput> = fc.record({
  ip: fc.constantFrom('192.0.2.1', '203.0.113.200', '2001:db8::1', '2001:db8:2::1'),
  helo: fc.constantFrom('a.example.com', 'mail'),
  mailFrom: fc.constantFrom('ann@example.com', 'ann@a.example.com'),
});

/** In which section of RFC 7208 the difference to mailauth's strict mode is decided; `undefined`: in none that is known. */
function sectionOf(ours: SpfEvaluation, theirs: string): string | undefined {
  const looksUp = (purpose: string): boolean => ours.lookups.some((lookup) => lookup.purpose === purpose);
  if (theirs === 'temperror' && looksUp('mx-address')) return '5.4';
  if (theirs === 'permerror' && looksUp('ptr')) return '4.6.4';
  if (ours.result === 'permerror' && ours.lookups.some(({ name, void: isVoid }) => isVoid && !name.includes('.')))
    return '4.8';
  return undefined;
}

interface Difference {
  readonly section: string;
  readonly what: string;
  readonly record: string;
  readonly zone?: ZoneData;
  readonly ip?: string;
  readonly strict: boolean;
  readonly ours: string;
  readonly theirs: string;
}

const differences: readonly Difference[] = [
  {
    section: '5.4',
    what: 'the exchangers have no order: one that matches counts, though another cannot be looked up',
    record: 'v=spf1 mx -all',
    zone: {
      'example.com': { MX: ['1 slow.example', '2 good.example'] },
      'slow.example': 'timeout',
      'good.example': { A: '192.0.2.1' },
    },
    strict: true,
    ours: 'pass',
    theirs: 'temperror',
  },
  {
    section: '4.6.4',
    what: 'void are terms, and the query of %{p} is none of its own',
    record: 'v=spf1 exists:%{p}.x.example a:gone.example +all',
    strict: true,
    ours: 'pass',
    theirs: 'permerror',
  },
  {
    section: '4.8',
    what: 'a name of one label can be asked for, and be void',
    record: 'v=spf1 a:%{h} a:gone.example exists:gone.example +all',
    strict: true,
    ours: 'permerror',
    theirs: 'pass',
  },
  {
    section: '4.6',
    what: 'an error behind the term that matches is an error',
    record: 'v=spf1 ip4:192.0.2.1 ip4:192.0.2',
    strict: false,
    ours: 'permerror',
    theirs: 'pass',
  },
  {
    section: '5.6',
    what: 'an IPv4 address is no ip6 network',
    record: 'v=spf1 ip6:192.0.2.1 -all',
    strict: false,
    ours: 'permerror',
    theirs: 'fail',
  },
  {
    section: '4.6.4',
    what: 'void is what the family of the client has not',
    record: 'v=spf1 a:a.example a:b.example a:c.example -all',
    zone: { 'a.example': { A: '192.0.2.9' }, 'b.example': { A: '192.0.2.9' }, 'c.example': { A: '192.0.2.9' } },
    ip: '2001:db8::1',
    strict: false,
    ours: 'permerror',
    theirs: 'fail',
  },
];

describe('SPF beside mailauth', () => {
  it.each(differences)(
    'RFC 7208 §$section: $what',
    async ({ record, zone: more, ip = '192.0.2.1', strict, ...expected }) => {
      const { 'example.com': own, ...others } = more ?? {};
      const resolver = new ZoneResolver({
        ...others,
        'example.com': { TXT: record, ...(typeof own === 'object' ? own : {}) },
      });
      const client = { ip, helo: 'mail', mailFrom: 'ann@example.com' };
      const { result } = await checkSpfMailFrom(client, { resolver });
      expect({ ours: result, theirs: await askMailauth(client, resolver, strict) }).toEqual({
        ours: expected.ours,
        theirs: expected.theirs,
      });
    },
  );

  // The draws are always the same: a new difference is for a person to judge, and not for whoever runs the tests next.
  it('agrees with its strict mode on all else', async () => {
    const found = new Map<string, number>();
    const compare = async (given: ZoneData, client: SpfInput): Promise<void> => {
      const resolver = new ZoneResolver(given);
      const ours = await checkSpfMailFrom(client, { resolver });
      found.set(ours.result, (found.get(ours.result) ?? 0) + 1);
      const theirs = await askMailauth(client, resolver, true);
      if (ours.result !== theirs) expect([sectionOf(ours, theirs), ours.result, theirs, ours.problem][0]).toBeDefined();
    };
    await fc.assert(fc.asyncProperty(zone, input, compare), { seed: 7208, numRuns: 1_500 });
    // All words came up.
    expect([...found.keys()].sort()).toEqual(['fail', 'neutral', 'none', 'pass', 'permerror', 'softfail', 'temperror']);
  });
});
