import { describe, expect, it } from 'vitest';
import { isSmtpReply, type PermanentReply, replyOf, type TransientReply } from './smtp-reply.ts';

describe('isSmtpReply', () => {
  it.each([
    { code: 250, enhanced: '2.1.0', text: '' },
    { code: 550, enhanced: '5.7.1', text: 'No\nNo' },
    { code: 451, enhanced: '4.999.999', text: 'x' },
    { code: 354, enhanced: '', text: 'Go on' },
    { code: 550, enhanced: '', text: 'No' },
    { code: 571, enhanced: '5.7.1', text: 'No' },
  ])('takes %j', (reply) => {
    expect(isSmtpReply(reply)).toBe(true);
  });

  it.each([
    undefined,
    null,
    550,
    '550 5.7.1 No',
    [],
    {},
    { code: 550, enhanced: '5.7.1' },
    { code: 550, text: 'No' },
    { enhanced: '5.7.1', text: 'No' },
    { code: '550', enhanced: '5.7.1', text: 'No' },
    { code: 550, enhanced: '5.7.1', text: 7 },
    { code: 550, enhanced: 5.7, text: 'No' },
    { code: 199, enhanced: '', text: '' },
    { code: 600, enhanced: '', text: '' },
    { code: 550.5, enhanced: '5.7.1', text: '' },
    { code: Number.NaN, enhanced: '', text: '' },
    { code: 550, enhanced: '4.7.1', text: '' },
    { code: 250, enhanced: '5.7.1', text: '' },
    { code: 354, enhanced: '3.0.0', text: '' },
    { code: 550, enhanced: '5.7', text: '' },
    { code: 550, enhanced: '5.7.', text: '' },
    { code: 550, enhanced: '5..1', text: '' },
    { code: 550, enhanced: '5.7.1.1', text: '' },
    { code: 550, enhanced: '5.7.1000', text: '' },
    { code: 550, enhanced: '5.1000.1', text: '' },
    { code: 550, enhanced: '5.7.1 ', text: '' },
    { code: 550, enhanced: '5.7.1\r\n250 2.0.0', text: '' },
  ])('refuses %j', (value) => {
    expect(isSmtpReply(value)).toBe(false);
  });
});

describe('replyOf', () => {
  it('makes replies of the type that their code has', () => {
    const permanent: PermanentReply = replyOf(550, '5.7.1', 'No');
    const transient: TransientReply = replyOf(451, '4.3.0', 'Later');
    expect([permanent, transient, replyOf(354, '', 'Go on')]).toEqual([
      { code: 550, enhanced: '5.7.1', text: 'No' },
      { code: 451, enhanced: '4.3.0', text: 'Later' },
      { code: 354, enhanced: '', text: 'Go on' },
    ]);
  });

  it.each<[number, string]>([
    [550, '4.7.1'],
    [450, '5.7.1'],
    [250, '2.1'],
    [354, '3.0.0'],
    [550, '5.7.1\n'],
    [99, ''],
    [600, ''],
    [Number.NaN, ''],
  ])('throws a RangeError on %s %j', (code, enhanced) => {
    expect(() => replyOf(code, enhanced, 'text')).toThrow(RangeError);
  });
});
