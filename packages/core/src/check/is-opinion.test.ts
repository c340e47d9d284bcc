import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isLoginOpinion, isOpinion, isRecipientOpinion, opinionDefect } from './is-opinion.ts';

const finding = { kind: 'test/something', summary: 'Something was found.' };
const permanent = { code: 550, enhanced: '5.7.1', text: 'no' };
const transient = { code: 451, enhanced: '4.3.0', text: 'later' };

describe('isOpinion', () => {
  it.each([
    { finding },
    { finding: { ...finding, more: ['facts'] }, score: -1.5, delayMs: 0, trust: true },
    { finding, verdict: undefined, reply: undefined, score: undefined },
    { finding, verdict: 'reject' },
    { finding, verdict: 'reject', reply: permanent },
    { finding, verdict: 'defer', reply: transient },
    { finding, verdict: 'quarantine' },
    {
      finding,
      headerEdits: [
        { action: 'add', name: 'X-A', value: '' },
        { action: 'remove', name: 'X-B', index: 0 },
      ],
    },
    { finding, headerEdits: [{ action: 'remove', name: 'X-B' }], authResults: [{ method: 'spf', result: 'pass' }] },
  ])('takes %j', (value) => {
    for (const kind of ['opinion', 'recipient', 'login'] as const) expect(opinionDefect(value, kind)).toBeUndefined();
  });

  it.each([
    ['not an object', undefined],
    ['not an object', null],
    ['not an object', true],
    ['not an object', 'reject'],
    ['not an object', [{ finding }]],
    ['no finding', {}],
    ['no finding', { verdict: 'reject' }],
    ['finding', { finding: 'x' }],
    ['finding', { finding: null }],
    ['finding', { finding: { kind: 'x', summary: 'x' } }],
    ['finding', { finding: { kind: '/x', summary: 'x' } }],
    ['finding', { finding: { kind: 'x/', summary: 'x' } }],
    ['finding', { finding: { kind: 'x/y' } }],
    ['finding', { finding: { kind: 'x/y', summary: '' } }],
    ['verdict', { finding, verdict: 'accept' }],
    ['verdict', { finding, verdict: null }],
    ['verdict', { finding, verdict: true }],
    ['"verdit"', { finding, verdit: 'reject' }],
    ['5yz', { finding, verdict: 'reject', reply: { code: 250, enhanced: '2.0.0', text: 'ok' } }],
    ['5yz', { finding, verdict: 'reject', reply: transient }],
    ['5yz', { finding, verdict: 'reject', reply: '550 no' }],
    ['5yz', { finding, verdict: 'reject', reply: null }],
    ['4yz', { finding, verdict: 'defer', reply: permanent }],
    ['reply', { finding, reply: permanent }],
    ['reply', { finding, verdict: 'quarantine', reply: permanent }],
    ['score', { finding, score: Number.NaN }],
    ['score', { finding, score: Number.POSITIVE_INFINITY }],
    ['score', { finding, score: '5' }],
    ['delayMs', { finding, delayMs: -1 }],
    ['delayMs', { finding, delayMs: Number.NaN }],
    ['trust', { finding, trust: false }],
    ['trust', { finding, trust: 'yes' }],
    ['permit', { finding, permit: 'local' }],
    ['user', { finding, user: 'alice' }],
    ['headerEdits', { finding, headerEdits: {} }],
    ['headerEdits', { finding, headerEdits: [{ action: 'add', name: 'A:', value: '' }] }],
    ['headerEdits', { finding, headerEdits: [{ action: 'add', name: 'A' }] }],
    ['headerEdits', { finding, headerEdits: [{ action: 'replace', name: 'A', value: '' }] }],
    ['headerEdits', { finding, headerEdits: [{ action: 'remove', name: 'A', index: -1 }] }],
    ['authResults', { finding, authResults: ['spf=pass'] }],
  ])('names the defect: %s in %j', (word, value) => {
    expect(opinionDefect(value, 'opinion')).toContain(word);
    expect(isOpinion(value)).toBe(false);
  });

  it('refuses a property that has a name of Object.prototype', () => {
    expect(isOpinion({ finding, toString: () => 'x' })).toBe(false);
    expect(isOpinion({ finding, constructor: 1 })).toBe(false);
  });

  it('sees a verdict that a class inherits', () => {
    class Own {
      readonly finding = finding;
      get verdict(): string {
        return 'accept';
      }
    }
    expect(opinionDefect(new Own(), 'opinion')).toContain('verdict');
  });

  it('takes permits only about recipients', () => {
    expect(isRecipientOpinion({ finding, permit: 'local' })).toBe(true);
    expect(isRecipientOpinion({ finding, permit: 'relay', verdict: 'quarantine' })).toBe(true);
    expect(isRecipientOpinion({ finding, permit: 'yes' })).toBe(false);
    expect(isRecipientOpinion({ finding, permit: true })).toBe(false);
    expect(isRecipientOpinion({ finding, permit: null })).toBe(false);
    expect(isRecipientOpinion({ finding, user: 'alice' })).toBe(false);
  });

  it('takes users only about logins', () => {
    expect(isLoginOpinion({ finding, user: 'alice' })).toBe(true);
    expect(isLoginOpinion({ finding, user: '' })).toBe(false);
    expect(isLoginOpinion({ finding, user: true })).toBe(false);
    expect(isLoginOpinion({ finding, permit: 'local' })).toBe(false);
  });

  it('throws at nothing', () => {
    const names = fc.constantFrom(
      'finding',
      'verdict',
      'reply',
      'score',
      'headerEdits',
      'authResults',
      'permit',
      'kind',
    );
    fc.assert(
      fc.property(fc.oneof(fc.anything(), fc.dictionary(names, fc.anything())), (value) => {
        expect(typeof isOpinion(value)).toBe('boolean');
        expect(typeof isRecipientOpinion(value)).toBe('boolean');
      }),
    );
  });
});
