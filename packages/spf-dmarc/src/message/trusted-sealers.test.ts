import { OptionReader } from '@postern/core';
import { describe, expect, it } from 'vitest';
import type { ArcEvaluation } from './arc-evaluation.ts';
import { readTrustedSealers, sealersOverride } from './trusted-sealers.ts';

function override(arc: ArcEvaluation, trustedSealers: readonly string[], author: string | undefined = 'example.org') {
  return sealersOverride(arc, author, readTrustedSealers(new OptionReader('test', { trustedSealers }), 'test'));
}

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

describe('sealersOverride', () => {
  it('believes trusted sealers who saw the message pass', () => {
    const sealers = ['list.example', '.hub.example'];
    expect(override(chain(['list.example', 'pass']), sealers)).toEqual({
      type: 'local_policy',
      comment: 'arc=pass as[1].d=list.example as[1].s=s',
    });
    expect(override(chain(['list.example', 'pass'], ['mx.hub.example', 'fail']), sealers)).toEqual({
      type: 'local_policy',
      comment: 'arc=pass as[2].d=mx.hub.example as[2].s=s as[1].d=list.example as[1].s=s',
    });
    expect(override(chain(['list.example', 'pass', 'Ann@Example.Org']), sealers)).toBeDefined();
  });

  it.each<[string, ArcEvaluation]>([
    ['a sealer who saw it fail', chain(['list.example', 'fail'])],
    ['a sealer whom nobody knows', chain(['unknown.example', 'pass'])],
    ['a known one below an unknown one', chain(['list.example', 'pass'], ['unknown.example', 'fail'])],
    ['an unknown one below a known one', chain(['unknown.example', 'pass'], ['hub.example', 'fail'])],
    ['one who saw another author pass', chain(['list.example', 'pass', 'bank.example'])],
    ['a chain that fails', { ...chain(['list.example', 'pass']), result: 'fail' }],
    ['a chain of which nothing is known', { ...chain(['list.example', 'pass']), result: 'temperror' }],
  ])('does not believe %s', (_, arc) => {
    expect(override(arc, ['list.example', 'hub.example'])).toBeUndefined();
  });

  it('believes nobody when nobody is named, and of no author nothing', () => {
    const arc = chain(['list.example', 'pass']);
    expect(override(arc, [])).toBeUndefined();
    expect(sealersOverride(arc, undefined, undefined)).toBeUndefined();
    const sealers = readTrustedSealers(new OptionReader('test', { trustedSealers: ['list.example'] }), 'test');
    expect(sealersOverride(arc, undefined, sealers)).toBeUndefined();
    expect(sealersOverride(undefined, 'example.org', sealers)).toBeUndefined();
  });

  it.each([[['']], [[1]], ['list.example'], [['a b']]])('refuses %j', (trustedSealers) => {
    expect(() => readTrustedSealers(new OptionReader('test', { trustedSealers }), 'test')).toThrow(/trustedSealers/);
  });
});
