import { describe, expect, it } from 'vitest';
import { checkQuestion, isRecordType } from './question.ts';

describe('isRecordType', () => {
  it('knows the types of RecordData and nothing else', () => {
    const types = ['A', 'AAAA', 'TXT', 'MX', 'PTR', 'CNAME', 'NS', 'SOA', 'SRV', 'TLSA', 'CAA'];
    for (const type of types) expect(isRecordType(type)).toBe(true);
    for (const value of ['a', 'ANY', '', 'constructor', 1, undefined, null, ['A']])
      expect(isRecordType(value)).toBe(false);
  });
});

describe('checkQuestion', () => {
  it('takes every question that a resolver can answer, if only with malformed', () => {
    for (const options of [
      undefined,
      {},
      { signal: undefined },
      { signal: new AbortController().signal, fresh: true },
    ]) {
      expect(() => checkQuestion('', 'A', options)).not.toThrow();
      expect(() => checkQuestion('a..b', 'TLSA', options)).not.toThrow();
    }
  });

  it.each([
    [undefined, 'A', undefined, /name must be a string, got undefined/],
    [['a.example'], 'A', undefined, /name must be a string, got object/],
    ['a.example', 'a', undefined, /"a" is not a record type/],
    ['a.example', undefined, undefined, /undefined is not a record type/],
    ['a.example', 'A', null, /options must be an object/],
    ['a.example', 'A', 5, /options must be an object/],
    ['a.example', 'A', { signal: {} }, /"signal" must be an AbortSignal/],
    ['a.example', 'A', { shownAs: 1 }, /"shownAs" must be a string/],
  ])('is a TypeError about resolve(%j, %j, %j)', (name, type, options, message) => {
    expect(() => checkQuestion(name, type, options)).toThrow(TypeError);
    expect(() => checkQuestion(name, type, options)).toThrow(message);
  });
});
