import { OptionReader } from '@postern/core';
import { describe, expect, it } from 'vitest';
import type { DmarcRuling } from '../dmarc/dmarc-local-policy.ts';
import { judgeDmarc } from './judge-dmarc.ts';
import type { SenderAction } from './sender-action.ts';
import { readSenderPolicy, type SenderPolicyOptions } from './sender-policy.ts';
import { dmarcOf, findingsOf } from './test-findings.ts';

async function judge(findings = findingsOf(), options: SenderPolicyOptions = {}, ruling?: DmarcRuling) {
  return judgeDmarc(findings, readSenderPolicy(new OptionReader('test', options)), ruling);
}

const quarantined = {
  type: 'local_policy',
  comment: 'reject is asked for, quarantine is done (RFC 9989 section 7.4)',
};

describe('judgeDmarc', () => {
  it('quarantines what is to be rejected, and says so to the owner', async () => {
    expect(await judge()).toEqual({ action: 'quarantine', disposition: 'quarantine', overrides: [quarantined] });
  });

  it('rejects when told to', async () => {
    const verdict = { action: 'reject', disposition: 'reject', overrides: [] };
    expect(await judge(findingsOf(), { onReject: 'reject' })).toEqual(verdict);
    expect(await judge(findingsOf(), { onReject: () => 'reject' })).toEqual(verdict);
    expect(await judge(findingsOf(), { onReject: async (): Promise<SenderAction> => 'reject' })).toEqual(verdict);
  });

  it('gives a function all that is known', async () => {
    const findings = findingsOf();
    let given: unknown;
    await judge(findings, {
      onReject: (all) => {
        given = all;
        return 'ignore';
      },
    });
    expect(given).toBe(findings);
  });

  it('does not take rubbish of a function for silence', async () => {
    const rubbish: SenderPolicyOptions = JSON.parse('{}');
    await expect(judge(findingsOf(), { ...rubbish, onReject: () => JSON.parse('"accept"') })).rejects.toThrow(
      TypeError,
    );
  });

  it.each([
    ['quarantine', 'quarantine', 'quarantine', []],
    ['none', 'ignore', 'none', []],
    [undefined, 'ignore', 'none', []],
  ] as const)('does what %s asks for', async (policy, action, disposition, overrides) => {
    const dmarc = dmarcOf({ policy, publishedPolicy: policy });
    expect(await judge(findingsOf({ dmarc }))).toEqual({ action, disposition, overrides });
  });

  it('names the test mode of the owner', async () => {
    const dmarc = dmarcOf({ policy: 'quarantine', publishedPolicy: 'reject' });
    expect(await judge(findingsOf({ dmarc }))).toEqual({
      action: 'quarantine',
      disposition: 'quarantine',
      overrides: [{ type: 'policy_test_mode', comment: undefined }],
    });
    const lowered = dmarcOf({ policy: 'none', publishedPolicy: 'quarantine' });
    expect(await judge(findingsOf({ dmarc: lowered }))).toMatchObject({ action: 'ignore', disposition: 'none' });
  });

  it('does not name the test mode when what is published happens all the same', async () => {
    const findings = findingsOf({ dmarc: dmarcOf({ policy: 'quarantine', publishedPolicy: 'reject' }) });
    const override = { type: 'local_policy', comment: 'known to be forged' } as const;
    expect(await judge(findings, {}, { disposition: 'reject', override })).toEqual({
      action: 'reject',
      disposition: 'reject',
      overrides: [override],
    });
    const comment = 'quarantine is asked for, reject is done (RFC 9989 section 7.4)';
    expect(await judge(findings, { onQuarantine: 'reject' })).toEqual({
      action: 'reject',
      disposition: 'reject',
      overrides: [{ type: 'local_policy', comment }],
    });
    // Both are reasons for what neither the test mode nor the owner asks for.
    expect(await judge(findings, {}, { disposition: 'none', override })).toMatchObject({
      overrides: [{ type: 'policy_test_mode' }, override],
    });
    expect(await judge(findings, {}, { disposition: 'quarantine', override })).toMatchObject({
      overrides: [{ type: 'policy_test_mode' }],
    });
  });

  it('goes by rules of its own before it does what the owner asks for', async () => {
    const override = { type: 'mailing_list', comment: 'lists.example' } as const;
    expect(await judge(findingsOf(), { onReject: 'reject' }, { disposition: 'none', override })).toEqual({
      action: 'ignore',
      disposition: 'none',
      overrides: [override],
    });
    const strict = { disposition: 'reject', override: { type: 'local_policy', comment: undefined } } as const;
    const dmarc = dmarcOf({ policy: 'none', publishedPolicy: 'none' });
    expect(await judge(findingsOf({ dmarc }), {}, strict)).toMatchObject({ action: 'reject', disposition: 'reject' });
    // Rules are for mail that fails.
    const passed = findingsOf({ dmarc: dmarcOf({ result: 'pass' }) });
    expect(await judge(passed, {}, strict)).toMatchObject({ action: 'ignore', overrides: [] });
  });

  it('holds nothing against a message that passes, or of which nothing is known', async () => {
    for (const result of ['pass', 'none'] as const) {
      expect(await judge(findingsOf({ dmarc: dmarcOf({ result }) }))).toMatchObject({ action: 'ignore' });
    }
    const dmarc = dmarcOf({ result: 'permerror', reason: 'unusable-record' });
    expect(await judge(findingsOf({ dmarc }))).toMatchObject({ action: 'ignore', disposition: 'none' });
  });

  it('defers what hangs on DNS', async () => {
    const dmarc = dmarcOf({ result: 'temperror', reason: 'dns' });
    expect(await judge(findingsOf({ dmarc }))).toEqual({ action: 'defer', disposition: 'none', overrides: [] });
    for (const action of ['ignore', 'quarantine'] as const) {
      expect(await judge(findingsOf({ dmarc }), { onDmarcTempError: action })).toMatchObject({ action });
    }
  });

  it('does not defer what a rule of its own takes anyhow', async () => {
    const dmarc = dmarcOf({ result: 'temperror', reason: 'dns' });
    const override = { type: 'trusted_forwarder', comment: undefined } as const;
    expect(await judge(findingsOf({ dmarc }), {}, { disposition: 'none', override })).toEqual({
      action: 'ignore',
      disposition: 'none',
      overrides: [],
    });
    // It may still pass.
    expect(await judge(findingsOf({ dmarc }), {}, { disposition: 'reject', override })).toMatchObject({
      action: 'defer',
    });
  });

  it.each([
    'no-from',
    'several-from',
    'several-author-domains',
    'bad-from',
    'bad-author-domain',
    'no-author-domain',
  ] as const)('quarantines a message for which no policy can be found: %s', async (reason) => {
    const dmarc = dmarcOf({ result: 'permerror', reason, policy: undefined });
    expect(await judge(findingsOf({ dmarc }))).toMatchObject({ action: 'quarantine' });
    expect(await judge(findingsOf({ dmarc }), { onBadFrom: 'reject' })).toMatchObject({ action: 'reject' });
  });
});

describe('readSenderPolicy', () => {
  it.each([
    { onReject: 'drop' },
    { onQuarantine: 1 },
    { onSpfTempError: 'reject' },
    { scores: 1 },
    { scores: { spf: { fail: Number.NaN } } },
    { scores: { spf: { failed: 1 } } },
    { scores: { arc: { fail: 1 } } },
    { scores: { dmarc: { fail: 2_000_000 } } },
  ])('refuses %j', (options) => {
    expect(() => readSenderPolicy(new OptionReader('test', options))).toThrow(TypeError);
  });

  it('takes scores', () => {
    const scores = { spf: { fail: 1, softfail: 0.5 }, dkim: { none: 1 }, dmarc: { pass: -1 } };
    expect(readSenderPolicy(new OptionReader('test', { scores })).scores).toEqual(scores);
  });
});
