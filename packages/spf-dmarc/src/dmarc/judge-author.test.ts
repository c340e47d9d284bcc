import type { Resolver } from '@postern/core';
import type { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import { type DmarcInput, evaluateDmarc } from './evaluate-dmarc.ts';
import { dkim, evaluate, type Records, spf, type ZoneData, zone } from './test-evaluation.ts';

describe('the policy (RFC 9989 §4.10.1)', () => {
  const record = 'v=DMARC1; p=reject; sp=quarantine; np=none';
  const there = { 'sub.example.com': { A: '192.0.2.1' } } as const;

  it.each<[string, string, Records, ZoneData, Partial<DmarcEvaluation>]>([
    ['p of the author domain', 'example.com', { 'example.com': record }, {}, { policyTag: 'p', policy: 'reject' }],
    [
      'sp of a subdomain',
      'sub.example.com',
      { 'example.com': record },
      there,
      { policyTag: 'sp', policy: 'quarantine' },
    ],
    [
      'np of one that does not exist',
      'sub.example.com',
      { 'example.com': record },
      {},
      { policyTag: 'np', policy: 'none' },
    ],
    [
      'sp without np, which asks for nothing',
      'sub.example.com',
      { 'example.com': 'v=DMARC1; p=reject; sp=none' },
      {},
      { policyTag: 'sp', policy: 'none', queries: 3 },
    ],
    [
      'p without sp and np',
      'sub.example.com',
      { 'example.com': 'v=DMARC1; p=reject' },
      {},
      { policyTag: 'p', policy: 'reject', queries: 3 },
    ],
    [
      'p without sp, of one that exists',
      'sub.example.com',
      { 'example.com': 'v=DMARC1; p=reject; np=none' },
      there,
      { policyTag: 'p', policy: 'reject' },
    ],
    [
      'np that is the same as sp, which asks for nothing',
      'sub.example.com',
      { 'example.com': 'v=DMARC1; p=none; sp=reject; np=reject' },
      {},
      { policyTag: 'sp', policy: 'reject', queries: 3 },
    ],
    [
      'p of the subdomain itself, whose sp means nothing',
      'sub.example.com',
      { 'sub.example.com': 'v=DMARC1; p=none; sp=reject', 'example.com': record },
      {},
      { policyTag: 'p', policy: 'none', policyDomain: 'sub.example.com' },
    ],
    [
      'sp of a public suffix',
      'example.com',
      { com: 'v=DMARC1; p=none; sp=reject; psd=y' },
      {},
      { policyTag: 'sp', policy: 'reject', policyDomain: 'com', organizationalDomain: 'example.com' },
    ],
    [
      'the organization alone, where a public suffix has one too',
      'sub.example.com',
      { 'example.com': 'v=DMARC1; p=none', com: 'v=DMARC1; p=reject; psd=y; rua=mailto:d@com.example' },
      {},
      { policyTag: 'p', policy: 'none', policyDomain: 'example.com' },
    ],
    ['t=y of reject', 'example.com', { 'example.com': 'v=DMARC1; p=reject; t=y' }, {}, { policy: 'quarantine' }],
    ['t=y of quarantine', 'example.com', { 'example.com': 'v=DMARC1; p=quarantine; t=y' }, {}, { policy: 'none' }],
    ['t=y of none', 'example.com', { 'example.com': 'v=DMARC1; p=none; t=y' }, {}, { policy: 'none', overrides: [] }],
    [
      't=y of sp',
      'sub.example.com',
      { 'example.com': 'v=DMARC1; p=none; sp=reject; t=y' },
      {},
      {
        policyTag: 'sp',
        publishedPolicy: 'reject',
        policy: 'quarantine',
        overrides: [{ type: 'policy_test_mode', comment: undefined }],
      },
    ],
  ])('is %s', async (_, domain, records, rest, expected) => {
    const evaluation = await evaluate({ headerFrom: `ann@${domain}`, zone: zone(records, rest) });
    expect(evaluation).toMatchObject({ result: 'fail', ...expected });
  });

  it('is none without a record', async () => {
    expect(await evaluate({ records: {}, spf: spf('example.com') })).toMatchObject({
      result: 'none',
      reason: 'no-record',
      organizationalDomain: 'example.com',
      policy: undefined,
      disposition: 'none',
      record: undefined,
      alignment: { spfAligned: false, spf: { alignment: 'not-compared' } },
      summary: 'There is no DMARC record for example.com.',
    });
  });

  it('is none where several records stand, and says so', async () => {
    const author = { '_dmarc.example.com': { TXT: ['v=DMARC1; p=reject', 'v=DMARC1; p=none'] } } as const;
    expect(await evaluate({ zone: zone({}, author) })).toMatchObject({
      result: 'none',
      reason: 'no-record',
      ambiguousNames: ['_dmarc.example.com'],
      summary:
        'There is no DMARC record for example.com: several stand at _dmarc.example.com, and none of them counts.',
    });
    expect(await evaluate({ zone: zone({}, author), headerFrom: 'a@b.example.com' })).toMatchObject({
      summary: expect.stringContaining('for b.example.com: several stand at _dmarc.example.com,'),
    });
  });

  it.each(['__proto__', 'constructor', 'toString.example'])(
    'is that of %s, whatever objects inherit',
    async (domain) => {
      expect(await evaluate({ headerFrom: `a@${domain}`, records: {} })).toMatchObject({
        result: 'none',
        policy: undefined,
      });
    },
  );

  it('is none of a record that has neither a policy nor an address for reports', async () => {
    expect(await evaluate({ records: { 'example.com': 'v=DMARC1; p=x' }, spf: spf('example.com') })).toMatchObject({
      result: 'permerror',
      reason: 'unusable-record',
      disposition: 'none',
      policyDomain: 'example.com',
    });
    const rua = 'v=DMARC1; p=x; rua=mailto:d@example.com';
    expect(await evaluate({ records: { 'example.com': rua } })).toMatchObject({ result: 'fail', policy: 'none' });
  });
});

describe('when DNS fails for now (RFC 9989 §5.3.6)', () => {
  const author = { '_dmarc.example.com': 'servfail' } as const;
  const top = { '_dmarc.com': 'timeout' } as const;
  const record = { 'example.com': 'v=DMARC1; p=reject' };

  it.each<[string, ZoneResolver, Partial<DmarcInput>, Partial<DmarcEvaluation>]>([
    [
      'at the author domain',
      zone({}, author),
      { spf: spf('example.com') },
      { result: 'temperror', reason: 'dns', failure: 'servfail' },
    ],
    [
      'above one without a record',
      zone({}, top),
      { spf: spf('example.com') },
      { result: 'temperror', reason: 'dns', failure: 'timeout', failedName: '_dmarc.com' },
    ],
    [
      'above, for one who is identical',
      zone(record, top),
      { spf: spf('example.com') },
      { result: 'pass', failure: undefined },
    ],
    [
      'above, for others beside one who is identical',
      zone(record, top),
      { spf: spf('example.com'), dkim: dkim('a.example.com') },
      { result: 'pass', failure: 'timeout' },
    ],
    [
      'above, for one who may be aligned',
      zone(record, top),
      { spf: spf('a.example.com') },
      { result: 'temperror', reason: 'dns' },
    ],
    [
      'above, for one who cannot be',
      zone(record, top),
      { spf: spf('example.net') },
      { result: 'fail', failure: undefined },
    ],
    [
      'at a signing domain',
      zone(record, { '_dmarc.a.example.com': 'refused' }),
      { dkim: dkim('a.example.com') },
      { result: 'temperror', reason: 'dns', failure: 'refused' },
    ],
    [
      'at one of two signing domains',
      zone(record, { '_dmarc.a.example.com': 'refused' }),
      { dkim: dkim('a.example.com', 'b.example.com') },
      { result: 'pass', failure: 'refused' },
    ],
    [
      'for SPF, aligned',
      zone(record),
      { spf: spf('a.example.com', 'temperror') },
      { result: 'temperror', reason: 'authentication' },
    ],
    ['for SPF, not aligned', zone(record), { spf: spf('example.net', 'temperror') }, { result: 'fail' }],
    [
      'for SPF, beside DKIM',
      zone(record),
      { spf: spf('example.com', 'temperror'), dkim: dkim('example.com') },
      { result: 'pass' },
    ],
    [
      'for DKIM',
      zone(record),
      { dkim: [{ result: 'temperror', domain: 'example.com' }] },
      { result: 'temperror', reason: 'authentication', disposition: 'none', policy: 'reject' },
    ],
    [
      'for DKIM and above',
      zone(record, top),
      { dkim: [{ result: 'temperror', domain: 'a.example.com' }] },
      { result: 'temperror', reason: 'authentication', failure: 'timeout' },
    ],
  ])('%s', async (_, own, input, expected) => {
    const evaluation = await evaluate({ zone: own, ...input });
    expect(evaluation).toMatchObject(expected);
    if (evaluation.result === 'temperror') expect(evaluation.disposition).toBe('none');
  });

  it('for the existence of the author domain', async () => {
    const headerFrom = 'ann@sub.example.com';
    const own = zone({ 'example.com': 'v=DMARC1; p=reject; np=none' }, { 'sub.example.com': 'servfail' });
    expect(await evaluate({ headerFrom, zone: own })).toMatchObject({
      result: 'temperror',
      reason: 'dns',
      policy: undefined,
      policyTag: undefined,
      failure: 'servfail',
      failedName: 'sub.example.com',
      summary: 'DMARC could not be evaluated for sub.example.com now: DNS failed for sub.example.com (servfail).',
    });
    // A pass does not hang on it; and nobody is told a policy that is not known.
    expect(await evaluate({ headerFrom, zone: own, spf: spf('example.com') })).toMatchObject({
      result: 'pass',
      policy: undefined,
    });
  });

  it('does what is known by the deadline, or by the time of an abort', async () => {
    const silent: Resolver = { resolve: () => new Promise(() => {}) };
    const late = await evaluateDmarc({ headerFrom: 'a@example.com', dkim: [] }, { resolver: silent, timeoutMs: 5 });
    expect(late).toMatchObject({ result: 'temperror', failure: 'timeout' });
    const controller = new AbortController();
    const waiting = evaluateDmarc(
      { headerFrom: 'a@example.com', dkim: [] },
      { resolver: silent, signal: controller.signal },
    );
    controller.abort();
    expect(await waiting).toMatchObject({ result: 'temperror', failure: 'aborted' });
  });

  it('takes a resolver that throws or answers rubbish for one that fails', async () => {
    const records = (...list: readonly unknown[]) => Promise.resolve({ kind: 'records', records: list, ttl: 1 });
    const broken = [
      () => Promise.reject(new Error('no')),
      () => Promise.resolve(undefined),
      () => records(7),
      () => records('v=DMARC1; p=none', null),
    ];
    for (const resolve of broken) {
      // @ts-expect-error: what others wrote
      const resolver: Resolver = { resolve };
      const evaluation = await evaluateDmarc({ headerFrom: 'a@example.com', dkim: [] }, { resolver });
      expect(evaluation.result).toBe('temperror');
    }
  });
});
