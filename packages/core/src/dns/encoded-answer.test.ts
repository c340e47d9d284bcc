import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { KnownAnswer } from './cached-answer.ts';
import { decodeAnswer, encodeAnswer } from './encoded-answer.ts';
import type { RecordData, RecordType } from './resolver.ts';

const STORED_AT = 1_767_225_600_123;

const uint8 = fc.nat(0xff);
const uint16 = fc.nat(0xffff);
const uint32 = fc.nat(0xffffffff);
const name = fc.constantFrom(
  '',
  'mx.example.com',
  '_dmarc.example',
  'a\\.b\\032c.example',
  `${'a'.repeat(63)}.example`,
);
const octets = fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes).toString('latin1'));
const records: { readonly [T in RecordType]: fc.Arbitrary<RecordData[T]> } = {
  A: fc.ipV4(),
  AAAA: fc.ipV6(),
  TXT: octets,
  PTR: name,
  CNAME: name,
  NS: name,
  MX: fc.record({ preference: uint16, exchange: name }),
  SOA: fc.record({
    primary: name,
    mailbox: name,
    serial: uint32,
    refresh: uint32,
    retry: uint32,
    expire: uint32,
    minimum: uint32,
  }),
  SRV: fc.record({ priority: uint16, weight: uint16, port: uint16, target: name }),
  TLSA: fc.record({ usage: uint8, selector: uint8, matchingType: uint8, data: fc.constantFrom('', '00ff'.repeat(16)) }),
  CAA: fc.record({ critical: fc.boolean(), tag: octets, value: octets }),
};
const ttl = fc.nat(0x7fffffff);

function answers<T extends RecordType>(type: T): fc.Arbitrary<KnownAnswer<T>> {
  return fc.oneof(
    fc.record({ kind: fc.constantFrom('nodata' as const, 'nxdomain' as const), ttl, authentic: fc.boolean() }),
    fc.record(
      {
        kind: fc.constant('records' as const),
        records: fc.array(records[type], { minLength: 1, maxLength: 5 }),
        ttl,
        authentic: fc.boolean(),
        canonicalName: name,
      },
      { requiredKeys: ['kind', 'records', 'ttl', 'authentic'] },
    ),
  );
}

const TYPES: readonly RecordType[] = ['A', 'AAAA', 'TXT', 'MX', 'PTR', 'CNAME', 'NS', 'SOA', 'SRV', 'TLSA', 'CAA'];

describe.each(TYPES)('an encoded %s answer', (type) => {
  it('is read as it was written, frozen', () => {
    fc.assert(
      fc.property(answers(type), (answer) => {
        const decoded = decodeAnswer(type, encodeAnswer({ answer, storedAt: STORED_AT }));
        expect(decoded).toEqual({ answer, storedAt: STORED_AT });
        const parts: unknown[] = [decoded?.answer];
        if (decoded?.answer.kind === 'records') parts.push(decoded.answer.records, ...decoded.answer.records);
        for (const part of parts) expect(Object.isFrozen(part)).toBe(true);
      }),
    );
  });

  it('is nothing when a byte of it is another, or reads as a valid answer', () => {
    fc.assert(
      fc.property(answers(type), fc.nat(), fc.nat(255), (answer, at, byte) => {
        const bytes = Uint8Array.from(encodeAnswer({ answer, storedAt: STORED_AT }));
        bytes[at % bytes.length] = byte;
        const decoded = decodeAnswer(type, bytes);
        if (decoded !== undefined) expect(decodeAnswer(type, encodeAnswer(decoded))).toEqual(decoded);
      }),
    );
  });
});

describe('decodeAnswer', () => {
  it('never throws, whatever the bytes', () => {
    fc.assert(
      fc.property(
        fc.constantFrom(...TYPES),
        fc.oneof(
          fc.uint8Array(),
          fc.json().map((text) => Buffer.from(text)),
        ),
        (type, bytes) => {
          expect(decodeAnswer(type, bytes)).toBeUndefined();
        },
      ),
    );
  });

  const right = { kind: 'records', records: ['192.0.2.1'], ttl: 60, authentic: false };
  const encoded = (value: unknown) => Buffer.from(JSON.stringify(value));

  it('is exact about what an answer is', () => {
    expect(decodeAnswer('A', encoded({ storedAt: 1, answer: right }))).toEqual({ storedAt: 1, answer: right });
    // What it does not know is left out.
    expect(decodeAnswer('A', encoded({ storedAt: 1, answer: { ...right, stale: true, x: 1 } }))?.answer).toEqual(right);
    for (const wrong of [
      null,
      [],
      { ...right, kind: 'failure' },
      { ...right, kind: 'other' },
      { ...right, records: [] },
      { ...right, records: {} },
      { ...right, records: ['192.0.2.1', 'evil.example'] },
      { ...right, records: ['2001:db8::1'] },
      { ...right, records: [5] },
      { ...right, ttl: -1 },
      { ...right, ttl: 1.5 },
      { ...right, ttl: 0x80000000 },
      { ...right, ttl: '60' },
      { ...right, authentic: 1 },
      { ...right, canonicalName: 5 },
      { ...right, canonicalName: 'Capital.example' },
      { ...right, canonicalName: 'x'.repeat(1_021) },
    ]) {
      expect(decodeAnswer('A', encoded({ storedAt: 1, answer: wrong })), JSON.stringify(wrong)).toBeUndefined();
    }
    for (const storedAt of [undefined, null, '1', Number.NaN]) {
      expect(decodeAnswer('A', encoded({ storedAt, answer: right }))).toBeUndefined();
    }
  });

  it.each([
    ['AAAA', '192.0.2.1'],
    ['AAAA', 'fe80::1%eth0'],
    ['TXT', '\u0100'],
    ['MX', { preference: 65_536, exchange: 'a.example' }],
    ['MX', { preference: 10 }],
    ['MX', 'a.example'],
    ['MX', null],
    ['PTR', 'A.example'],
    ['SRV', { priority: 0, weight: 0, port: -1, target: 'a.example' }],
    ['SOA', { primary: 'a.example' }],
    ['TLSA', { usage: 3, selector: 1, matchingType: 1, data: 'AB' }],
    ['CAA', { critical: 128, tag: 'issue', value: '' }],
  ] as const)('%s: %j is no record', (type, record) => {
    expect(decodeAnswer(type, encoded({ storedAt: 1, answer: { ...right, records: [record] } }))).toBeUndefined();
  });

  it('takes neither text nor more bytes than an answer can have', () => {
    const text = JSON.stringify({ storedAt: 1, answer: right });
    expect(decodeAnswer('A', text)).toBeUndefined();
    expect(decodeAnswer('A', Buffer.from(text + ' '.repeat(1_100_000)))).toBeUndefined();
  });

  it('holds the longest TXT record that DNS can carry, whatever its octets', () => {
    const answer = { kind: 'records', records: ['\u0001'.repeat(65_000)], ttl: 60, authentic: false } as const;
    expect(decodeAnswer('TXT', encodeAnswer({ answer, storedAt: 1 }))?.answer).toEqual(answer);
  });
});
