import { describe, expect, it } from 'vitest';
import { isPermanentReply, isTransientReply } from './reply-class.ts';

const permanent = { code: 550, enhanced: '5.7.1', text: 'no' };
const transient = { code: 451, enhanced: '4.3.0', text: 'later' };

describe('the class of a reply', () => {
  it('tells 4yz from 5yz', () => {
    expect(isPermanentReply(permanent)).toBe(true);
    expect(isTransientReply(permanent)).toBe(false);
    expect(isTransientReply(transient)).toBe(true);
    expect(isPermanentReply(transient)).toBe(false);
  });

  it.each([
    ['2yz', { ...permanent, code: 250 }],
    ['a code that SMTP does not have', { ...permanent, code: 599 }],
    ['a code that is text', { ...permanent, code: '550' }],
    ['a name of Object.prototype for a code', { ...permanent, code: 'toString' }],
    ['NaN', { ...permanent, code: Number.NaN }],
    ['an enhanced code of the other class', { ...permanent, enhanced: '4.7.1' }],
    ['an enhanced code with more behind', { ...permanent, enhanced: '5.7.1\r\n250 ok' }],
    ['a line break behind the enhanced code', { ...permanent, enhanced: '5.7.1\n' }],
    ['no enhanced code', { ...permanent, enhanced: '' }],
    ['a part too long', { ...permanent, enhanced: '5.7.1000' }],
    ['no text', { code: 550, enhanced: '5.7.1' }],
    ['null', null],
    ['text', '550 5.7.1 no'],
  ])('refuses %s', (_, value) => {
    expect(isPermanentReply(value)).toBe(false);
    expect(isTransientReply(value)).toBe(false);
  });
});
