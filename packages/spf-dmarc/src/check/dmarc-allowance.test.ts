import { OptionReader } from '@postern/core';
import { sampleSession, sampleTransaction } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import type { ArcEvaluation } from '../message/arc-evaluation.ts';
import { headerOf } from '../message/test-header.ts';
import { type AllowanceOptions, readAllowances } from './dmarc-allowance.ts';
import type { SenderFindings } from './sender-findings.ts';
import { dkimOf, findingsOf, spfOf } from './test-findings.ts';

function find(findings: Partial<SenderFindings>, options: AllowanceOptions) {
  return readAllowances(new OptionReader('test', options)).find(findingsOf(findings));
}

function from(address: string): Partial<SenderFindings> {
  return { transaction: sampleTransaction({ session: sampleSession(address) }) };
}

const list = headerOf('From: ann@example.org', 'List-Id: <talk.lists.example>');

/** A chain whose sets say, oldest first, that each of these sealers saw this DMARC result. */
function chain(...sets: readonly (readonly [sealer: string, dmarc: string, author?: string])[]): ArcEvaluation {
  return {
    result: 'pass',
    summary: 'Every seal of the chain holds.',
    sealer: sets.at(-1)?.[0],
    sets: sets.map(([sealer, result, author = 'example.org'], index) => ({
      instance: index + 1,
      sealer,
      selector: 's',
      authservId: sealer,
      results: [{ method: 'dmarc', result, properties: [{ ptype: 'header', property: 'from', value: author }] }],
    })),
  };
}

describe('readAllowances', () => {
  it('finds nothing when nobody is trusted', () => {
    expect(find({ header: list, dkim: [dkimOf('pass', 'lists.example')], arc: chain(['a.example', 'pass']) }, {})).toBe(
      undefined,
    );
  });

  it('takes what trusted forwarders bring', () => {
    const options = { trustedForwarders: ['198.51.100.0/24', '2001:db8::1'] };
    expect(find(from('198.51.100.7'), options)).toEqual({ type: 'trusted_forwarder', comment: undefined });
    expect(find(from('::ffff:198.51.100.7'), options)).toMatchObject({ type: 'trusted_forwarder' });
    expect(find(from('2001:db8::1'), options)).toMatchObject({ type: 'trusted_forwarder' });
    expect(find(from('198.51.101.7'), options)).toBeUndefined();
    expect(find(from('not an address'), options)).toBeUndefined();
  });

  it('takes what a mailing list signed or sent, and nothing that only says so', () => {
    const options = { mailingLists: ['lists.example', '.groups.example'] };
    const signed = { header: list, dkim: [dkimOf('fail'), dkimOf('pass', 'lists.example')] };
    expect(find(signed, options)).toEqual({ type: 'mailing_list', comment: 'signed by lists.example' });
    expect(find({ header: list, spf: spfOf('pass', 'a.groups.example') }, options)).toEqual({
      type: 'mailing_list',
      comment: 'sent by a.groups.example',
    });
    expect(find({ header: list }, options)).toBeUndefined();
    expect(find({ header: list, dkim: [dkimOf('fail', 'lists.example')] }, options)).toBeUndefined();
    expect(find({ header: list, spf: spfOf('softfail', 'a.groups.example') }, options)).toBeUndefined();
    expect(find({ dkim: [dkimOf('pass', 'lists.example')] }, options)).toBeUndefined();
  });

  it('believes trusted sealers who saw the message pass', () => {
    const options = { trustedSealers: ['list.example', '.hub.example'] };
    expect(find({ arc: chain(['list.example', 'pass']) }, options)).toEqual({
      type: 'local_policy',
      comment: 'arc=pass as[1].d=list.example as[1].s=s',
    });
    const two = chain(['list.example', 'pass'], ['mx.hub.example', 'fail']);
    expect(find({ arc: two }, options)).toEqual({
      type: 'local_policy',
      comment: 'arc=pass as[2].d=mx.hub.example as[2].s=s as[1].d=list.example as[1].s=s',
    });
  });

  it('believes nobody below a sealer whom nobody knows', () => {
    const options = { trustedSealers: ['list.example', 'hub.example'] };
    expect(find({ arc: chain(['list.example', 'fail']) }, options)).toBeUndefined();
    expect(find({ arc: chain(['unknown.example', 'pass']) }, options)).toBeUndefined();
    expect(find({ arc: chain(['list.example', 'pass'], ['unknown.example', 'fail']) }, options)).toBeUndefined();
    expect(find({ arc: chain(['unknown.example', 'pass'], ['hub.example', 'fail']) }, options)).toBeUndefined();
    expect(find({ arc: chain(['list.example', 'pass', 'bank.example']) }, options)).toBeUndefined();
    expect(find({ arc: { ...chain(['list.example', 'pass']), result: 'fail' } }, options)).toBeUndefined();
    expect(find({ arc: { ...chain(['list.example', 'pass']), result: 'temperror' } }, options)).toBeUndefined();
  });

  it.each([
    { trustedForwarders: ['nonsense'] },
    { trustedForwarders: '192.0.2.1' },
    { mailingLists: ['a b'] },
    { mailingLists: 'lists.example' },
    { trustedSealers: [''] },
    { trustedSealers: [1] },
  ])('refuses %j', (options) => {
    expect(() => readAllowances(new OptionReader('test', options))).toThrow(/^test: option/);
  });
});
