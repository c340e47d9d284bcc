import { describe, expect, it } from 'vitest';
import type { Alignment } from '../dmarc/dmarc-evaluation.ts';
import { requestedFailures } from './failure-request.ts';
import { evaluationOf } from './test-evaluation.ts';

const record = (fo: string): string => `v=DMARC1; p=none; fo=${fo}; ruf=mailto:f@example.com`;
const aligned = ['pass', 'example.com', 'strict'] as const;
const foreign = ['pass', 'other.example', 'none'] as const;
const broken: readonly ['fail', string, Alignment] = ['fail', 'other.example', 'none'];

describe('requestedFailures', () => {
  it.each([
    ['0', { spf: aligned, dkim: [aligned] }, []],
    ['0', { spf: aligned, dkim: [broken] }, []],
    ['0', { spf: foreign, dkim: [foreign] }, ['dmarc']],
    ['1', { spf: aligned, dkim: [aligned] }, []],
    ['1', { spf: aligned, dkim: [foreign] }, ['dmarc']],
    ['1', { spf: aligned }, ['dmarc']],
    ['d', { spf: foreign, dkim: [foreign] }, []],
    ['d', { spf: aligned, dkim: [aligned, broken] }, ['signature']],
    ['s', { spf: ['softfail', 'other.example', 'none'] as const, dkim: [aligned] }, ['spf']],
    ['s', { spf: ['temperror', 'other.example', 'none'] as const, dkim: [aligned] }, []],
    ['s', { spf: ['neutral', 'other.example', 'none'] as const, dkim: [aligned] }, []],
    ['d:s', { spf: broken, dkim: [broken, broken] }, ['signature', 'spf']],
  ])('follows fo=%s', (fo, parts, failures) => {
    expect(requestedFailures(evaluationOf({ ...parts, record: record(fo) }))).toEqual(failures);
  });

  it('asks for all to fail by default', () => {
    const without = 'v=DMARC1; p=none; ruf=mailto:f@example.com';
    expect(requestedFailures(evaluationOf({ record: without }))).toEqual(['dmarc']);
    expect(requestedFailures(evaluationOf({ record: without, spf: aligned }))).toEqual([]);
  });

  it('reports nothing to those who do not ask, nor to public suffixes', () => {
    expect(requestedFailures(evaluationOf({ record: 'v=DMARC1; p=none; fo=1' }))).toEqual([]);
    expect(requestedFailures(evaluationOf({ record: `${record('1')}; psd=y` }))).toEqual([]);
    expect(requestedFailures({ ...evaluationOf(), record: undefined })).toEqual([]);
  });

  it('takes what is not known for no failure', () => {
    for (const result of ['temperror', 'permerror', 'none'] as const) {
      expect(requestedFailures(evaluationOf({ result, record: record('0:1') }))).toEqual([]);
    }
  });
});
