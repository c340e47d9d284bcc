import { describe, expect, it } from 'vitest';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import { DmarcLocalPolicy } from './dmarc-local-policy.ts';
import type { DmarcOptions } from './dmarc-settings.ts';
import { type Case, dkim, evaluate, spf, zone } from './test-evaluation.ts';

describe('the disposition (RFC 9989 §5.4, §7.4)', () => {
  it.each<[string, DmarcOptions['onReject'], Partial<DmarcEvaluation>]>([
    ['v=DMARC1; p=none', 'reject', { disposition: 'none', overrides: [] }],
    ['v=DMARC1; p=quarantine', 'reject', { disposition: 'quarantine', overrides: [] }],
    ['v=DMARC1; p=reject', 'reject', { disposition: 'reject', overrides: [] }],
    ['v=DMARC1; p=reject', 'quarantine', { disposition: 'quarantine' }],
    ['v=DMARC1; p=reject', () => 'none', { disposition: 'none' }],
    ['v=DMARC1; p=reject', () => 'reject', { disposition: 'reject', overrides: [] }],
    ['v=DMARC1; p=reject; t=y', 'reject', { disposition: 'quarantine' }],
  ])('of %s with onReject %s', async (text, onReject = 'quarantine', expected) => {
    const evaluation = await evaluate({ records: { 'example.com': text }, options: { onReject } });
    expect(evaluation).toMatchObject({ result: 'fail', ...expected });
    const deviates = evaluation.disposition !== evaluation.publishedPolicy;
    expect(evaluation.overrides.length > 0).toBe(deviates);
    for (const { type } of evaluation.overrides)
      expect(evaluation.summary).toMatch(type === 'policy_test_mode' ? 'tests' : type);
  });

  it('shows a function what it decides about, and asks it about nothing else', async () => {
    const seen: DmarcEvaluation[] = [];
    const onReject = (evaluation: DmarcEvaluation) => {
      seen.push(evaluation);
      return 'reject' as const;
    };
    const evaluation = await evaluate({ options: { onReject } });
    expect(seen).toEqual([evaluation]);
    await evaluate({ options: { onReject }, spf: spf('example.com') });
    await evaluate({ options: { onReject }, records: { 'example.com': 'v=DMARC1; p=quarantine' } });
    expect(seen).toHaveLength(1);
  });

  it('spares no author for what a rule says of another', async () => {
    const localPolicy = new DmarcLocalPolicy([{ type: 'other', authorDomains: ['spared.example'] }]);
    const records = { 'spared.example': 'v=DMARC1; p=reject', 'victim.example': 'v=DMARC1; p=quarantine' };
    for (const headerFrom of ['a@spared.example, b@victim.example', 'b@victim.example, a@spared.example']) {
      expect(await evaluate({ headerFrom, records, options: { localPolicy } })).toMatchObject({
        authorDomain: 'victim.example',
        disposition: 'quarantine',
        overrides: [],
        queries: 2,
      });
    }
    const unknown = await evaluate({
      headerFrom: 'a@spared.example, b@victim.example',
      zone: zone(records, { '_dmarc.victim.example': 'servfail' }),
      options: { localPolicy },
    });
    expect(unknown).toMatchObject({ result: 'temperror', authorDomain: 'victim.example' });
  });

  it('refuses what a function says that is no disposition', async () => {
    // @ts-expect-error: what JavaScript may return
    await expect(evaluate({ options: { onReject: () => 'discard' } })).rejects.toThrow('option "onReject"');
  });

  it('follows the first rule of the receiver that fits', async () => {
    const localPolicy = new DmarcLocalPolicy([
      { type: 'trusted_forwarder', networks: ['192.0.2.0/24'], comment: 'alumni' },
      { type: 'mailing_list', authenticatedDomains: ['lists.example.org'] },
      { type: 'local_policy', authorDomains: ['example.com'], disposition: 'reject' },
    ]);
    const ask = (input: Case) => evaluate({ ...input, options: { localPolicy, ...input.options } });
    expect(await ask({ ip: '192.0.2.7' })).toMatchObject({
      result: 'fail',
      policy: 'reject',
      disposition: 'none',
      overrides: [{ type: 'trusted_forwarder', comment: 'alumni' }],
    });
    expect(await ask({ ip: '198.51.100.1', dkim: dkim('lists.example.org') })).toMatchObject({
      disposition: 'none',
      overrides: [{ type: 'mailing_list', comment: undefined }],
    });
    // What the owner asks for anyway is no override.
    expect(await ask({})).toMatchObject({ disposition: 'reject', overrides: [] });
    expect(await ask({ records: { 'example.com': 'v=DMARC1; p=none' } })).toMatchObject({
      disposition: 'reject',
      overrides: [{ type: 'local_policy' }],
    });
    expect(await ask({ ip: '192.0.2.7', spf: spf('example.com') })).toMatchObject({ result: 'pass', overrides: [] });
    expect(await ask({ ip: '192.0.2.7', records: { 'example.com': 'v=DMARC1; p=reject; t=y' } })).toMatchObject({
      disposition: 'none',
      overrides: [{ type: 'policy_test_mode' }, { type: 'trusted_forwarder' }],
    });
    // What is published happens: that the owner tests it is no reason for that.
    const tested = { 'example.com': 'v=DMARC1; p=reject; t=y' };
    const strict = await ask({ records: tested });
    expect(strict).toMatchObject({ publishedPolicy: 'reject', policy: 'quarantine', disposition: 'reject' });
    expect(strict.overrides).toEqual([{ type: 'local_policy', comment: undefined }]);
  });
});
