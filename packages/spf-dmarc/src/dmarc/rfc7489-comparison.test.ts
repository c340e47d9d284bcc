import { getDomain } from 'tldts';
import { describe, expect, it } from 'vitest';
import type { Rfc7489Comparison } from './dmarc-evaluation.ts';
import { type Case, dkim, evaluate, spf, zone } from './test-evaluation.ts';

describe('what RFC 7489 would have said', () => {
  const options = { registrableDomain: (name: string) => getDomain(name) };

  it.each<[string, Case, Partial<Rfc7489Comparison>]>([
    ['the same, mostly', { spf: spf('a.example.com') }, { result: 'pass', policy: 'reject', differs: false }],
    [
      'another organization, where a domain says psd=n',
      {
        headerFrom: 'a@x.example.com',
        records: { 'x.example.com': 'v=DMARC1; p=none; psd=n' },
        dkim: dkim('example.com'),
      },
      { result: 'pass', organizationalDomain: 'example.com', policyDomain: 'x.example.com', differs: true },
    ],
    [
      'nothing, where only a domain between has a record',
      { headerFrom: 'a@x.y.example.com', records: { 'y.example.com': 'v=DMARC1; p=reject' } },
      { result: 'none', policyDomain: undefined, differs: true },
    ],
    [
      'nothing of a public suffix',
      { records: { com: 'v=DMARC1; p=reject; psd=y' } },
      { result: 'none', organizationalDomain: 'example.com', differs: true },
    ],
    [
      'the policy of those that exist, and without tests',
      {
        headerFrom: 'a@x.example.com',
        records: { 'example.com': 'v=DMARC1; p=reject; sp=quarantine; np=reject; t=y' },
      },
      { result: 'fail', policy: 'quarantine', differs: false },
    ],
    [
      'that DNS failed',
      { zone: zone({}, { '_dmarc.example.com': 'servfail' }) },
      { result: 'temperror', differs: false },
    ],
    ['that a domain is its own organization', { headerFrom: 'a@com', records: {} }, { organizationalDomain: 'com' }],
  ])('is %s', async (_, input, expected) => {
    expect((await evaluate({ ...input, options })).rfc7489).toMatchObject(expected);
  });

  it('changes nothing', async () => {
    const input: Case = { spf: spf('a.example.com') };
    const { rfc7489, ...rest } = await evaluate({ ...input, options });
    expect(rfc7489).toBeDefined();
    expect({ ...rest, rfc7489: undefined }).toEqual(await evaluate(input));
    const odd = await evaluate({ ...input, options: { registrableDomain: () => 'elsewhere.example' } });
    expect(odd.rfc7489).toMatchObject({ organizationalDomain: 'example.com' });
  });
});
