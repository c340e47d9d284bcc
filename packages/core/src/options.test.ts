import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { OptionReader } from './options.ts';

const isStringList = (value: unknown): value is string[] =>
  Array.isArray(value) && value.every((each) => typeof each === 'string');

/** What an action throws, as its class and its sentence. */
function thrownBy(action: () => unknown): { type: unknown; message: string } {
  try {
    action();
  } catch (error) {
    if (error instanceof Error) return { type: error.constructor, message: error.message };
  }
  throw new Error('nothing was thrown');
}

describe('OptionReader', () => {
  it('gives defaults for what is absent or undefined', () => {
    for (const options of [undefined, {}, { count: undefined, flag: undefined, text: undefined, word: undefined }]) {
      const read = new OptionReader('Owner', options);
      expect(read.integer('count', 5)).toBe(5);
      expect(read.number('ratio', 0.5)).toBe(0.5);
      expect(read.boolean('flag', true)).toBe(true);
      expect(read.text('text', 'x')).toBe('x');
      expect(read.oneOf('word', ['a', 'b'], 'b')).toBe('b');
      expect(read.value('list', isStringList, 'a list of strings')).toBeUndefined();
      read.done();
    }
  });

  it('takes an AbortSignal for what ends a wait, and nothing else', () => {
    const { signal } = new AbortController();
    expect(new OptionReader('Owner', { signal }).signal('signal')).toBe(signal);
    expect(new OptionReader('Owner', {}).signal('signal')).toBeUndefined();
    expect(() => new OptionReader('Owner', { signal: { aborted: false } }).signal('signal')).toThrow(
      /option "signal" must be an AbortSignal, got an object/,
    );
  });

  it('gives what stands there', () => {
    const list = ['a'];
    const read = new OptionReader('Owner', { count: 0, ratio: -1.5, flag: false, text: '', word: 'a', list });
    expect(read.integer('count', 5)).toBe(0);
    expect(read.number('ratio', 0.5)).toBe(-1.5);
    expect(read.boolean('flag', true)).toBe(false);
    expect(read.text('text', 'x')).toBe('');
    expect(read.oneOf('word', ['a', 'b'], 'b')).toBe('a');
    expect(read.required('list', isStringList, 'a list of strings')).toBe(list);
    read.done();
  });

  it.each([null, 'text', 5, true, [], () => undefined])('refuses %s as the options object', (options) => {
    const { type, message } = thrownBy(() => new OptionReader('Owner', options));
    expect(type).toBe(TypeError);
    expect(message).toMatch(/^Owner: options must be an object, got /);
  });

  it('names the owner, the option, what it takes and what it got when the type is wrong', () => {
    const read = new OptionReader('Owner', {
      count: '5',
      flag: 1,
      text: null,
      word: 'c',
      list: [1],
      big: 'x'.repeat(999),
    });
    const refused = (action: () => unknown) => {
      const { type, message } = thrownBy(action);
      expect(type).toBe(TypeError);
      return message;
    };
    expect(refused(() => read.integer('count', 1, { min: 1, max: 9 }))).toBe(
      'Owner: option "count" must be a whole number from 1 to 9, got "5"',
    );
    expect(refused(() => read.number('count', 1, { min: 1 }))).toBe(
      'Owner: option "count" must be a finite number ≥ 1, got "5"',
    );
    expect(refused(() => read.boolean('flag', true))).toBe('Owner: option "flag" must be true or false, got 1');
    expect(refused(() => read.text('text', ''))).toBe('Owner: option "text" must be a string, got null');
    expect(refused(() => read.oneOf('word', ['a', 'b'], 'a'))).toBe(
      'Owner: option "word" must be one of "a", "b", got "c"',
    );
    expect(refused(() => read.value('list', isStringList, 'a list of strings'))).toBe(
      'Owner: option "list" must be a list of strings, got an array of 1',
    );
    expect(refused(() => read.required('missing', isStringList, 'a list of strings'))).toBe(
      'Owner: option "missing" must be a list of strings, got undefined',
    );
    // A value is repeated only as far as a person needs it.
    expect(refused(() => read.boolean('big', true)).length).toBeLessThan(150);
  });

  it('is a RangeError when the type is right and the value is not', () => {
    const bounds = { min: 1, max: 9 };
    for (const count of [0, 10, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53]) {
      const { type, message } = thrownBy(() => new OptionReader('Owner', { count }).integer('count', 1, bounds));
      expect(type).toBe(RangeError);
      expect(message).toBe(`Owner: option "count" must be a whole number from 1 to 9, got ${count}`);
    }
    for (const ratio of [Number.NaN, Number.NEGATIVE_INFINITY, 2]) {
      const { type, message } = thrownBy(() => new OptionReader('Owner', { ratio }).number('ratio', 1, { max: 1 }));
      expect(type).toBe(RangeError);
      expect(message).toBe(`Owner: option "ratio" must be a finite number ≤ 1, got ${ratio}`);
    }
    const read = new OptionReader('Owner', { servers: [] });
    expect(thrownBy(() => read.refuse('servers', 'at least one address'))).toEqual({
      type: RangeError,
      message: 'Owner: option "servers" must be at least one address, got an array of 0',
    });
  });

  it('takes exactly the whole numbers within the bounds', () => {
    fc.assert(
      fc.property(
        fc.integer(),
        fc.nat(),
        fc.oneof(fc.double(), fc.integer(), fc.maxSafeInteger()),
        (low, span, value) => {
          const bounds = { min: low, max: low + span };
          const right = Number.isSafeInteger(value) && value >= bounds.min && value <= bounds.max;
          const read = new OptionReader('Owner', { value });
          if (right) expect(read.integer('value', 0, bounds)).toBe(value);
          else expect(() => read.integer('value', 0, bounds)).toThrow(RangeError);
        },
      ),
    );
  });

  it('refuses a name that nobody read, and says which there are', () => {
    const read = new OptionReader('Owner', { timeoutMs: 1, timeOutMs: 1 });
    read.integer('timeoutMs', 5);
    read.boolean('fresh', false);
    expect(thrownBy(() => read.done())).toEqual({
      type: TypeError,
      message: 'Owner: unknown option "timeOutMs"; it takes "timeoutMs", "fresh"',
    });
  });

  it('refuses an unknown name even when its value is undefined: the misspelling is the same', () => {
    const read = new OptionReader('Owner', { timeOutMs: undefined });
    read.integer('timeoutMs', 5);
    expect(() => read.done()).toThrow(TypeError);
  });

  it('shows no private key that stands in a wrong place', () => {
    const pem = '-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIA==\n-----END PRIVATE KEY-----\n';
    const read = new OptionReader('Owner', { domain: pem, count: pem, [pem]: 1 });
    read.text('domain', '');
    for (const wrong of [
      () => read.refuse('domain', 'a domain'),
      () => read.integer('count', 5),
      () => read.done(),
      () => new OptionReader('Owner', pem),
    ]) {
      expect(wrong).toThrow(/the text of a private key/);
      expect(wrong).not.toThrow(/MC4CAQ/);
    }
  });

  it('takes nothing from the prototype', () => {
    const read = new OptionReader('Owner', Object.create({ count: 7, foreign: 1 }));
    expect(read.integer('count', 5)).toBe(5);
    expect(read.value('constructor', isStringList, 'a list of strings')).toBeUndefined();
    read.done();
  });
});
