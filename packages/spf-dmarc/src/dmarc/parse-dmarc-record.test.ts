import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DmarcRecord, DmarcRecordNoteCode } from './dmarc-record.ts';
import { parseDmarcRecord } from './parse-dmarc-record.ts';

function read(text: string): DmarcRecord {
  const record = parseDmarcRecord(text);
  if (record === undefined) throw new Error(`no record: ${text}`);
  return record;
}

function notes(text: string): readonly string[] {
  return read(text).notes.map(({ code, at }) => `${code} ${at}`);
}

const rua = 'rua=mailto:d@example.com';

describe('parseDmarcRecord', () => {
  it('reads every tag of RFC 9989 §4.7', () => {
    const text =
      'v=DMARC1; p=reject; sp=quarantine; np=none; psd=n; t=y; adkim=s; aspf=s; fo=1:d:s; rua=mailto:a@example.com, mailto:b@Example.net; ruf=mailto:c@example.org';
    expect(read(text)).toEqual({
      text,
      p: 'reject',
      sp: 'quarantine',
      np: 'none',
      psd: 'n',
      testing: true,
      adkim: 's',
      aspf: 's',
      fo: ['1', 'd', 's'],
      rua: [
        { uri: 'mailto:a@example.com', address: 'a@example.com', domain: 'example.com' },
        { uri: 'mailto:b@Example.net', address: 'b@Example.net', domain: 'example.net' },
      ],
      ruf: [{ uri: 'mailto:c@example.org', address: 'c@example.org', domain: 'example.org' }],
      notes: [],
    });
  });

  it('has the defaults of RFC 9989 §4.7', () => {
    const text = 'v=DMARC1; p=none';
    expect(read(text)).toEqual({
      text,
      p: 'none',
      sp: undefined,
      np: undefined,
      psd: 'u',
      testing: false,
      adkim: 'r',
      aspf: 'r',
      fo: ['0'],
      rua: [],
      ruf: [],
      notes: [],
    });
  });

  it.each([
    'v=DMARC1;p=none',
    'V=DMARC1;p=none',
    'v = DMARC1 ; p = none ; ',
    '\tv=DMARC1\t;\tp\t=\tnone\t;',
    ' v=DMARC1; p=NONE',
    'v=DMARC1; p=None;',
  ])('takes space and case where the grammar does: %j', (text) => {
    expect(read(text)).toMatchObject({ p: 'none', notes: [] });
  });

  it.each([
    '',
    'v=DMARC1x; p=none',
    'v=dmarc1; p=none',
    'v=DMARC1 p=none',
    'v="DMARC1"; p=none',
    'p=none; v=DMARC1',
    'v=DMARC2; p=none',
    'v=spf1 -all',
    ';v=DMARC1; p=none',
    'v DMARC1',
    'vv=DMARC1; p=none',
  ])('takes %j for no record (RFC 9989 §4.7 "v")', (text) => {
    expect(parseDmarcRecord(text)).toBeUndefined();
  });

  it.each<[string, Partial<DmarcRecord>]>([
    // RFC 9989 §4.10.1
    [`v=DMARC1; p=rejected; ${rua}`, { p: 'none', sp: undefined, np: undefined }],
    [`v=DMARC1; ${rua}`, { p: 'none' }],
    [`v=DMARC1; p=; ${rua}`, { p: 'none' }],
    [`v=DMARC1; p=reject; sp=all; np=reject; ${rua}`, { p: 'none', sp: undefined, np: undefined }],
    [`v=DMARC1; p=reject; np=x; ${rua}`, { p: 'none' }],
    ['v=DMARC1; p=rejected', { p: undefined }],
    ['v=DMARC1; p=rejected; rua=d@example.com', { p: undefined }],
    ['v=DMARC1; p=rejected; ruf=mailto:d@example.com', { p: undefined }],
    ['v=DMARC1; p=reject; sp=all', { p: undefined }],
    ['v=DMARC1', { p: undefined }],
    ['v=DMARC1;', { p: undefined }],
    // An https address is a valid URI (§4.7 "rua"), though nobody sends reports there.
    ['v=DMARC1; rua=https://example.com/dmarc', { p: 'none' }],
  ])('knows what an invalid policy comes to: %s', (text, expected) => {
    expect(read(text)).toMatchObject(expected);
  });

  it.each<[string, DmarcRecordNoteCode, string]>([
    ['pct=50', 'removed-tag', 'pct'],
    ['rf=afrf', 'removed-tag', 'rf'],
    ['ri=86400', 'removed-tag', 'ri'],
    ['x=1', 'unknown-tag', 'x'],
    ['P=reject', 'unknown-tag', 'P'],
    ['adkim=strict', 'invalid-value', 'adkim'],
    ['aspf=', 'invalid-value', 'aspf'],
    ['t=yes', 'invalid-value', 't'],
    ['psd=maybe', 'invalid-value', 'psd'],
    ['fo=2', 'invalid-value', 'fo'],
    ['fo=0:1', 'invalid-value', 'fo'],
    ['fo=d:d', 'invalid-value', 'fo'],
    ['fo=d:s:0:1:d:s', 'invalid-value', 'fo'],
    ['fo=', 'invalid-value', 'fo'],
    ['adkim=s\u00a0', 'invalid-value', 'adkim'],
    ['t=y\r\n', 'invalid-value', 't'],
    ['rejectall', 'syntax', 'rejectall'],
    ['=x', 'syntax', '=x'],
    ['; adkim=r', 'syntax', ''],
    ['p=none', 'duplicate-tag', 'p'],
    ['rua=d@example.com', 'invalid-uri', 'd@example.com'],
    ['rua=mailto:d@example.com!10m', 'removed-size', 'mailto:d@example.com!10m'],
  ])('notes %s', (tag, code, at) => {
    const record = read(`v=DMARC1; p=reject; ${tag}`);
    expect(record.notes).toEqual([{ code, at }]);
    expect(record).toMatchObject({ psd: 'u', testing: false, adkim: 'r', aspf: 'r', fo: ['0'] });
  });

  it('leaves out what it cannot read and nothing else (RFC 9989 §4.8)', () => {
    expect(read('v=DMARC1; nonsense; p=reject;; t=y; aspf=x')).toMatchObject({ p: 'reject', testing: true, aspf: 'r' });
  });

  it('takes a tag that is given twice with two values for invalid (RFC 6376 §3.2)', () => {
    expect(read(`v=DMARC1; p=reject; p=none; ${rua}`).p).toBe('none');
    expect(read('v=DMARC1; p=reject; p=none').p).toBeUndefined();
    expect(read('v=DMARC1; p=reject; p=reject')).toMatchObject({ p: 'reject', notes: [] });
  });

  it.each<[string, { address?: string | undefined; domain?: string | undefined }]>([
    ['mailto:d@example.com', { address: 'd@example.com', domain: 'example.com' }],
    ['MAILTO:d@example.com', { address: 'd@example.com', domain: 'example.com' }],
    ['mailto:d+x%2Cy@example.com', { address: undefined, domain: undefined }],
    ['mailto:d%2Bx@example.com', { address: 'd+x@example.com', domain: 'example.com' }],
    ['mailto:d@b%C3%BCcher.example', { address: 'd@bücher.example', domain: 'xn--bcher-kva.example' }],
    ['mailto:d@example.com?subject=x', { address: 'd@example.com', domain: 'example.com' }],
    ['mailto:d@[192.0.2.1]', { address: undefined, domain: undefined }],
    ['mailto:a@example.com%0d%0aBcc:b@example.com', { address: undefined, domain: undefined }],
    ['mailto:%ff@example.com', { address: undefined, domain: undefined }],
    ['mailto:', { address: undefined, domain: undefined }],
    ['https://example.com/reports?x=1', { address: undefined, domain: undefined }],
  ])('reads the URI %s', (uri, expected) => {
    expect(read(`v=DMARC1; p=none; rua=${uri}`).rua).toEqual([
      { uri, address: undefined, domain: undefined, ...expected },
    ]);
  });

  it.each([
    '',
    'd@example.com',
    ':x',
    '1x:y',
    'mailto:d@exa mple.com',
    'mailto:%4',
    'mailto:d!',
    'mailto:d!10x',
    'm"x:y',
  ])('takes %j for no URI', (uri) => {
    expect(read(`v=DMARC1; p=none; rua=${uri},${rua.slice(4)}`).rua).toHaveLength(1);
  });

  it.each(['k', 'm', 'g', 't', '', 'M'])('ignores an obsolete size !10%s (RFC 9989 §4.8)', (unit) => {
    expect(read(`v=DMARC1; p=none; rua=mailto:d@example.com!10${unit}`).rua[0]?.uri).toBe('mailto:d@example.com');
  });

  it('is bounded', () => {
    const many = read(`v=DMARC1; p=none; rua=${Array(30).fill('mailto:d@example.com').join(',')}`);
    expect(many.rua).toHaveLength(20);
    expect(many.notes).toEqual([{ code: 'too-many', at: 'mailto:d@example.com' }]);
    expect(read(`v=DMARC1; ${'x=1; '.repeat(64)} p=reject`).p).toBeUndefined();
    expect(read(`v=DMARC1; p=none; rua=${'!,'.repeat(30_000)}`).notes).toHaveLength(21);
    expect(read(`v=DMARC1; p=none; ${'y'.repeat(60_000)}`).notes[0]?.at).toHaveLength(64);
    expect(read(`v=DMARC1; p=none; rua=mailto:${'d'.repeat(3_000)}@example.com`).rua).toEqual([]);
    // Rows of spaces and of signs are read once.
    for (const piece of [' ', '\t', ';', '=', ',', '!', 'a=', '%', 'mailto:', ' ,', 'x ']) {
      parseDmarcRecord(`v=DMARC1; p=none; rua=x${piece.repeat(60_000)}y`);
      parseDmarcRecord(`${piece.repeat(60_000)}v=DMARC1`);
      parseDmarcRecord(`v=DMARC1${piece.repeat(60_000)}`);
    }
  });

  it('notes what has no policy', () => {
    expect(notes(`v=DMARC1; ${rua}`)).toEqual(['no-policy p']);
  });

  it('gives frozen records, since they are shared', () => {
    const record = read(`v=DMARC1; p=none; ${rua}; fo=1; x=1`);
    for (const part of [record, record.rua, record.rua[0], record.ruf, record.fo, record.notes, record.notes[0]]) {
      expect(Object.isFrozen(part)).toBe(true);
    }
  });

  it('takes any text', () => {
    const pieces = [
      'v=DMARC1',
      ';',
      ' ',
      '=',
      'p',
      'reject',
      'rua=',
      'mailto:',
      'a@b.example',
      ',',
      '!',
      '1m',
      '\0',
      '\u00ff',
      'é',
    ];
    const any = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...pieces)).map((parts) => `v=DMARC1;${parts.join('')}`),
    );
    fc.assert(
      fc.property(any, (text) => {
        const record = parseDmarcRecord(text);
        if (record === undefined) return;
        expect(record.text).toBe(text);
        expect([undefined, 'none', 'reject']).toContain(record.p);
        if (record.p === undefined) expect(record.rua).toEqual([]);
      }),
    );
  });

  it('gives back what a record was made of', () => {
    const policy = fc.constantFrom('none', 'quarantine', 'reject');
    const tags = fc.record(
      { p: policy, sp: policy, np: policy, psd: fc.constantFrom('y', 'n', 'u'), adkim: fc.constantFrom('r', 's') },
      { requiredKeys: ['p'] },
    );
    fc.assert(
      fc.property(tags, fc.constantFrom(';', '; ', ' ; '), (values, separator) => {
        const text = ['v=DMARC1', ...Object.entries(values).map(([name, value]) => `${name}=${value}`)].join(separator);
        expect(read(text)).toMatchObject({ ...values, notes: [] });
      }),
    );
  });

  it('throws for what is no string', () => {
    // @ts-expect-error: what JavaScript may pass
    expect(() => parseDmarcRecord(undefined)).toThrow(TypeError);
  });
});
