import fc from 'fast-check';
import { dmarc } from 'mailauth/lib/dmarc/index.js';
import { describe, expect, it } from 'vitest';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import { type Case, dkim, evaluate, type Records, spf, type ZoneData, zone } from './test-evaluation.ts';

/** As `node:dns` answers. */
function nodeResolver(records: Records, rest: ZoneData): (name: string, type: string) => Promise<string[][]> {
  const resolver = zone(records, rest);
  return async (name, type) => {
    const answer = await resolver.resolve(name, type === 'TXT' ? 'TXT' : type === 'A' ? 'A' : 'CNAME');
    if (answer.kind === 'records') return answer.records.map((record) => [record]);
    const codes = { nxdomain: 'ENOTFOUND', nodata: 'ENODATA', failure: 'ESERVFAIL' } as const;
    throw Object.assign(new Error(answer.kind), { code: codes[answer.kind] });
  };
}

interface Verdict {
  readonly result: string;
  readonly policyDomain: string | undefined;
  readonly policy: string | undefined;
}

interface Message {
  readonly author: string;
  readonly records: Records;
  readonly rest?: ZoneData;
  readonly spfDomain?: string | undefined;
  readonly dkimDomains?: readonly string[];
}

async function ours({ author, records, rest = {}, spfDomain, dkimDomains = [] }: Message): Promise<DmarcEvaluation> {
  const input: Case = { headerFrom: `a@${author}`, zone: zone(records, rest), dkim: dkim(...dkimDomains) };
  return evaluate(spfDomain === undefined ? input : { ...input, spf: spf(spfDomain) });
}

async function theirs({ author, records, rest = {}, spfDomain, dkimDomains = [] }: Message): Promise<Verdict> {
  const response = await dmarc({
    headerFrom: `a@${author}`.split(', '),
    spfDomains: spfDomain === undefined ? [] : [spfDomain],
    dkimDomains: dkimDomains.map((domain) => ({ domain })),
    resolver: nodeResolver(records, rest),
    strict: true,
  });
  if (response === false) return { result: 'false', policyDomain: undefined, policy: undefined };
  const { status, policyDomain, policy } = response;
  return { result: status.result, policyDomain, policy };
}

const label = fc.constantFrom('a', 'b', 'example');
const name = fc
  .tuple(fc.array(label, { maxLength: 4 }), fc.constantFrom('com', 'net'))
  .map(([labels, top]) => [...labels, top].join('.'));
const deepName = fc
  .tuple(fc.array(label, { minLength: 5, maxLength: 12 }), fc.constantFrom('example.com'))
  .map(([labels, top]) => [...labels, top].join('.'));
const policy = fc.constantFrom('none', 'quarantine', 'reject', 'REJECT', 'bad');
const record = fc
  .record(
    {
      p: policy,
      sp: policy,
      np: policy,
      psd: fc.constantFrom('y', 'n', 'u', 'x'),
      t: fc.constantFrom('y', 'n', 'x'),
      adkim: fc.constantFrom('r', 's'),
      aspf: fc.constantFrom('r', 's', 'strict'),
      pct: fc.constant('0'),
      x: fc.constant('y'),
    },
    { requiredKeys: [] },
  )
  .map((tags) => [
    'v=DMARC1',
    ...Object.entries(tags).map(([tag, value]) => `${tag}=${value}`),
    'rua=mailto:d@example.com',
  ])
  .map((parts) => parts.join('; '));
const message = fc.record({
  author: fc.oneof(name, deepName),
  records: fc.dictionary(fc.oneof(name, deepName), record, { maxKeys: 5 }),
  rest: fc.dictionary(name, fc.constant({ A: '192.0.2.1' }), { maxKeys: 2 }),
  spfDomain: fc.option(name, { nil: undefined }),
  dkimDomains: fc.array(fc.oneof(name, deepName), { maxLength: 3 }),
});

describe('beside mailauth', () => {
  it('finds the same record, policy and result for whatever is published', async () => {
    await fc.assert(
      fc.asyncProperty(message, async (each) => {
        const { result, policyDomain, policy: asked } = await ours(each);
        expect({ result, policyDomain, policy: asked }).toEqual(await theirs(each));
      }),
      { numRuns: 400 },
    );
  });

  it('comes to the same result where DNS fails', async () => {
    const faults = fc
      .uniqueArray(name, { maxLength: 2 })
      .map((names) => Object.fromEntries(names.map((each) => [`_dmarc.${each}`, 'servfail'] as const)));
    await fc.assert(
      fc.asyncProperty(message, faults, async (each, rest) => {
        const failing = { ...each, rest: { ...each.rest, ...rest } };
        expect((await ours(failing)).result).toBe((await theirs(failing)).result);
      }),
      { numRuns: 400 },
    );
  });

  it.each<[string, Message, Partial<DmarcEvaluation>, Partial<Verdict>]>([
    [
      // §4.10.1 has no DMARC processing for it, and §9.2 calls an improperly formatted record a permanent error.
      'a record with neither a policy nor an address, §9.2',
      { author: 'example.com', records: { 'example.com': 'v=DMARC1; p=bad' } },
      { result: 'permerror' },
      { result: 'none' },
    ],
    [
      // §4.8: what is wrong in the remainder of a record is left out, not the record.
      'a tag that is given twice, §4.8',
      { author: 'example.com', records: { 'example.com': 'v=DMARC1; p=reject; t=y; t=n' } },
      { result: 'fail', policy: 'reject' },
      { result: 'none' },
    ],
    [
      // §5.3.1 lets a receiver go on; §11.5 says how.
      'two authors, §11.5',
      {
        author: 'example.com, b@example.net',
        records: { 'example.com': 'v=DMARC1; p=reject', 'example.net': 'v=DMARC1; p=none' },
        spfDomain: 'example.net',
      },
      { result: 'fail', policy: 'reject' },
      { result: 'false' },
    ],
    [
      // The policy of a domain of which nobody knows whether it exists is not known either (§4.10.1, §5.3.6).
      'a pass whose policy is not known, §4.10.1',
      {
        author: 'a.example.com',
        records: { 'example.com': 'v=DMARC1; p=reject; np=none' },
        rest: { 'a.example.com': 'servfail' },
        spfDomain: 'a.example.com',
      },
      { result: 'pass', policy: undefined },
      { result: 'pass', policy: 'none' },
    ],
  ])('differs in %s', async (_, each, own, other) => {
    expect(await ours(each)).toMatchObject(own);
    expect(await theirs(each)).toMatchObject(other);
  });
});
