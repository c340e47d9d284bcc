import { describe, expect, it } from 'vitest';
import { isMethodResult } from './is-method-result.ts';

describe('isMethodResult', () => {
  it.each([
    { method: 'spf', result: 'pass' },
    { method: 'x-own', result: 'none', version: 2, reason: 'because\r\n', properties: [] },
    { method: 'dkim', result: 'pass', properties: [{ ptype: 'header', property: 'd', value: 'any;\r\nthing' }] },
    { method: 'spf', result: 'pass', version: undefined, reason: undefined, properties: undefined },
  ])('takes %j', (value) => {
    expect(isMethodResult(value)).toBe(true);
  });

  it.each([
    null,
    'spf=pass',
    { method: 'spf' },
    { method: '', result: 'pass' },
    { method: 'spf', result: 'pass; dkim=pass' },
    { method: 'spf-', result: 'pass' },
    { method: 's'.repeat(64), result: 'pass' },
    { method: 'spf', result: 'pass\n' },
    { method: 'spf', result: 'pass', version: -1 },
    { method: 'spf', result: 'pass', version: 1.5 },
    { method: 'spf', result: 'pass', reason: 1 },
    { method: 'spf', result: 'pass', properties: {} },
    { method: 'spf', result: 'pass', properties: [null] },
    { method: 'spf', result: 'pass', properties: [{ ptype: 'smtp', property: 'mail from', value: '' }] },
    { method: 'spf', result: 'pass', properties: [{ ptype: 'smtp', property: 'mailfrom' }] },
  ])('refuses %j', (value) => {
    expect(isMethodResult(value)).toBe(false);
  });
});
