import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readListEntry } from './read-list-entry.ts';

describe('readListEntry', () => {
  it('puts in the defaults', () => {
    const plain = { action: 'block', reason: '', source: '', expiresAt: undefined, evidence: undefined };
    expect(readListEntry('add', undefined)).toEqual(plain);
    expect(readListEntry('add', {})).toEqual(plain);
    expect(readListEntry('add', { expiresAt: undefined, evidence: undefined })).toEqual(plain);
  });

  it('keeps what is given, and freezes it', () => {
    const input = { action: 'allow', reason: 'ours', source: 'file', expiresAt: 5, evidence: { count: 3 } };
    const entry = readListEntry('add', input);
    expect(entry).toEqual(input);
    expect(Object.isFrozen(entry)).toBe(true);
  });

  it('leaves out the key that a list adds to what it gives back', () => {
    expect(readListEntry('add', { prefix: '192.0.2.0/24', pattern: '.example.com', reason: 'spam' })).toEqual(
      readListEntry('add', { reason: 'spam' }),
    );
  });

  it.each([
    [null, 'an object'],
    ['block', 'an object'],
    [['block'], 'an object'],
    [{ acton: 'allow' }, 'no property "acton"'],
    [{ action: 'deny' }, '"action"'],
    [{ reason: 7 }, '"reason"'],
    [{ source: null }, '"source"'],
    [{ expiresAt: '5' }, '"expiresAt"'],
    [{ expiresAt: Number.NaN }, '"expiresAt"'],
    [{ expiresAt: Number.POSITIVE_INFINITY }, '"expiresAt"'],
    [{ expiresAt: new Date(5) }, '"expiresAt"'],
    [{ evidence: 'seen' }, '"evidence"'],
    [{ evidence: ['seen'] }, '"evidence"'],
    [{ evidence: { run: Symbol.iterator } }, '"evidence"'],
    [{ evidence: { at: new Date(5) } }, '"evidence"'],
    [{ evidence: { seen: [() => 1] } }, '"evidence"'],
    [{ evidence: { seen: [undefined] } }, '"evidence"'],
    [{ evidence: { rate: Number.NaN } }, '"evidence"'],
  ])('throws a TypeError on %j that names the fault', (input, named) => {
    expect(() => readListEntry('IpList.add', input)).toThrow(TypeError);
    expect(() => readListEntry('IpList.add', input)).toThrow(named);
    expect(() => readListEntry('IpList.add', input)).toThrow('IpList.add: ');
  });

  it('refuses evidence that has no end', () => {
    const evidence: Record<string, unknown> = {};
    evidence['self'] = evidence;
    expect(() => readListEntry('add', { evidence })).toThrow(TypeError);
  });

  it('takes what JSON gives, to the depth that is said', () => {
    const { evidence: json } = fc.letrec((tie) => ({
      evidence: fc.dictionary(fc.string(), fc.oneof({ maxDepth: 5 }, fc.string(), fc.integer(), tie('evidence'))),
    }));
    fc.assert(
      fc.property(json, (evidence) => {
        expect(readListEntry('add', { evidence: JSON.parse(JSON.stringify(evidence)) }).evidence).toEqual(evidence);
      }),
    );
  });
});
