import { createHash, createPublicKey, type KeyObject, verify } from 'node:crypto';
import type { HeaderField } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerOf, headerOfBytes } from '../test-header.ts';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import { selectSignedFields, signedHeaderBytes, withoutSignatureValue } from './header-canonicalization.ts';

function bytesOf(text: string): Uint8Array {
  return Buffer.from(text, 'latin1');
}

function textOf(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

/** What is signed of a header whose last field is the signature. */
function signed(text: string, canonicalization: DkimCanonicalization): string {
  const fields = [...headerOfBytes(bytesOf(text)).fields];
  const own = fields.pop();
  return textOf(signedHeaderBytes(fields, own?.raw ?? bytesOf(''), canonicalization));
}

/** RFC 6376 §3.4.2 as it is written there, step by step. */
function plainlyRelaxed(field: string): string {
  const unfolded = field.replaceAll('\r\n', '');
  const colon = unfolded.indexOf(':');
  const name = unfolded
    .slice(0, colon)
    .toLowerCase()
    .replace(/[ \t]+$/, '');
  const value = unfolded.slice(colon + 1).replace(/[ \t]+/g, ' ');
  return `${name}:${value.replace(/^ /, '').replace(/ $/, '')}\r\n`;
}

describe('signedHeaderBytes', () => {
  it('canonicalizes the example of RFC 6376 §3.4.5', () => {
    const header = 'A: X\r\nB : Y\t\r\n\tZ  \r\nS: b=\r\n';
    expect(signed(header, 'relaxed')).toBe('a:X\r\nb:Y Z\r\ns:b=');
    expect(signed(header, 'simple')).toBe('A: X\r\nB : Y\t\r\n\tZ  \r\nS: b=');
  });

  it.each<[string, string, string]>([
    ['A:\r\nS:b=\r\n', 'a:\r\ns:b=', 'A:\r\nS:b='],
    ['A: \t \r\n \r\n\t\r\nS:b=\r\n', 'a:\r\ns:b=', 'A: \t \r\n \r\n\t\r\nS:b='],
    ['A:x\r\n \r\n y\r\nS:b=\r\n', 'a:x y\r\ns:b=', 'A:x\r\n \r\n y\r\nS:b='],
    ['a : \xe4\xa0\r\nS:b=\r\n', 'a:\xe4\xa0\r\ns:b=', 'a : \xe4\xa0\r\nS:b='],
    ['A: b\0\x0b c\rd \r\nS:b=\r\n', 'a:b\0\x0b c\rd\r\ns:b=', 'A: b\0\x0b c\rd \r\nS:b='],
    // A bare LF ends a line as CRLF does.
    ['A: b\n\tc\nS: d;\n b=x\n', 'a:b c\r\ns:d; b=', 'A: b\r\n\tc\r\nS: d;\r\n b='],
    // Nothing ends the last field.
    ['A:b\r\nS: b=x;', 'a:b\r\ns:b=;', 'A:b\r\nS: b=;'],
    ['A:b\r\nS: b=x; \r', 'a:b\r\ns:b=;', 'A:b\r\nS: b=; \r'],
  ])('canonicalizes %j', (header, relaxed, simple) => {
    expect(signed(header, 'relaxed')).toBe(relaxed);
    expect(signed(header, 'simple')).toBe(simple);
  });

  it('does what the RFC says in words', () => {
    const white = fc.constantFrom(' ', '\t', '  ', '\r\n ', '\r\n\t', ' \r\n ');
    const word = fc.string({
      unit: fc.constantFrom('a', 'B', ':', ';', '=', '\xe9', '\0', '"'),
      minLength: 1,
      maxLength: 5,
    });
    const value = fc.array(fc.oneof(white, word), { maxLength: 12 }).map((parts) => parts.join(''));
    const name = fc.tuple(fc.constantFrom('A', 'b-C', 'X'), fc.constantFrom('', ' ', '\t '));
    const field = fc.tuple(name, value).map(([[text, space], rest]) => `${text}${space}:${rest}\r\n`);
    fc.assert(
      fc.property(fc.array(field, { maxLength: 6 }), (fields) => {
        const header = `${fields.join('')}S: a; b=\r\n`;
        expect(signed(header, 'simple')).toBe(`${fields.join('')}S: a; b=`);
        expect(signed(header, 'relaxed')).toBe(`${fields.map(plainlyRelaxed).join('')}s:a; b=`);
      }),
    );
  });

  it('takes a bare LF for CRLF', () => {
    const part = fc.constantFrom('a', ' ', '\n ', '\n\t', 'B ');
    fc.assert(
      fc.property(fc.array(part, { maxLength: 20 }), (parts) => {
        const bare = `A: ${parts.join('')}\nS: b=\n`;
        for (const canonicalization of ['simple', 'relaxed'] as const) {
          expect(signed(bare, canonicalization)).toBe(signed(bare.replaceAll('\n', '\r\n'), canonicalization));
        }
      }),
    );
  });

  it('is linear in nothing but white space', () => {
    const wide = `A:${' '.repeat(200_000)}\r\n${' \r\n'.repeat(20_000)}`;
    expect(signed(`${wide}S: b=\r\n`, 'relaxed')).toBe('a:\r\ns:b=');
  });
});

describe('withoutSignatureValue', () => {
  it.each([
    ['S: v=1; b=abc; bh=def\r\n', 'S: v=1; b=; bh=def\r\n'],
    ['S: v=1; b=abc\r\n', 'S: v=1; b='],
    ['S: v=1; b= a\r\n b c \r\n ; h=x\r\n', 'S: v=1; b=; h=x\r\n'],
    ['S: v=1;\r\n\tb\r\n\t=\r\n\tabc; h=x\r\n', 'S: v=1;\r\n\tb\r\n\t=; h=x\r\n'],
    ['S:b=a=b==;c\r\n', 'S:b=;c\r\n'],
    ['S: bh=b=c; xb=d; b=e;\r\n', 'S: bh=b=c; xb=d; b=;\r\n'],
    ['S: B=a; b=c;\r\n', 'S: B=a; b=;\r\n'],
    ['S: b=\r\n', 'S: b='],
    ['S: v=1; bh=b\r\n', 'S: v=1; bh=b\r\n'],
    ['S: b\r\n', 'S: b\r\n'],
    ['b=c; b=d\r\n', 'b=c; b=d\r\n'],
  ])('strips %j', (field, stripped) => {
    expect(textOf(withoutSignatureValue(bytesOf(field)))).toBe(stripped);
  });

  it('takes the value and nothing else', () => {
    const space = fc.constantFrom('', ' ', '\t', '\r\n ');
    const other = fc.constantFrom('v=1', 'bh=b=', 'h=b:b', ' t = 1', '\r\n\txb=q');
    const letters = fc.array(fc.constantFrom('a', 'b', '=', ' ', '\r\n\t', '+'), { maxLength: 10 });
    fc.assert(
      fc.property(fc.array(other), fc.array(other), space, space, letters, (before, after, one, two, value) => {
        const start = `S: ${before.map((tag) => `${tag};`).join('')}${one}b${two}=`;
        const end = after.map((tag) => `;${tag}`).join('');
        const field = `${start}${value.join('')}${end}`;
        expect(textOf(withoutSignatureValue(bytesOf(field)))).toBe(start + end);
      }),
    );
  });
});

describe('selectSignedFields', () => {
  const header = headerOf('To: 1\r\nFrom: 2\r\nto: 3\r\nDKIM-Signature: 4\r\nTO: 5\r\nDKIM-Signature: 6\r\n\r\n');
  const values = (names: readonly string[], own?: HeaderField): readonly string[] =>
    selectSignedFields(header, names, own).fields.map((field) => field.value);

  it('picks from the bottom up, each field once', () => {
    expect(values(['To', 'from', 'TO', 'to', 'to', 'subject', 'to'])).toEqual(['5', '2', '3', '1']);
  });

  it('tells which names are over-signed', () => {
    const names = ['from', 'From', 'to', 'To', 'Subject'];
    expect([...selectSignedFields(header, names).oversigned]).toEqual(['from', 'subject']);
  });

  it('leaves the signature that is judged out', () => {
    const [upper, lower] = header.all('dkim-signature');
    expect(values(['dkim-signature', 'dkim-signature'], upper)).toEqual(['6']);
    expect(values(['dkim-signature', 'dkim-signature'], lower)).toEqual(['4']);
    expect(values(['dkim-signature', 'dkim-signature'])).toEqual(['6', '4']);
  });
});

describe('the signatures of RFC 8463 appendix A', () => {
  const message = [
    'From: Joe SixPack <joe@football.example.com>',
    'To: Suzie Q <suzie@shopping.example.net>',
    'Subject: Is dinner ready?',
    'Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)',
    'Message-ID: <20030712040037.46341.5F8J@football.example.com>',
    '',
    '',
  ].join('\r\n');
  const names = ['from', 'to', 'subject', 'date', 'message-id', 'from', 'subject', 'date'];
  const header = headerOfBytes(bytesOf(message));

  function holds(signature: readonly string[], key: KeyObject, algorithm: 'sha256' | null): boolean {
    const field = `DKIM-Signature: ${signature.join('\r\n ')}\r\n`;
    const [before = '', b = ''] = field.split(' b=');
    const { fields, oversigned } = selectSignedFields(header, names);
    expect([...oversigned]).toEqual(['from', 'subject', 'date']);
    const bytes = signedHeaderBytes(fields, bytesOf(`${before} b=${b}`), 'relaxed');
    const data = algorithm === null ? createHash('sha256').update(bytes).digest() : bytes;
    return verify(algorithm, data, key, Buffer.from(b, 'base64'));
  }

  it('holds for Ed25519', () => {
    const raw = Buffer.from('11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=', 'base64').toString('base64url');
    const key = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: raw }, format: 'jwk' });
    const signature = [
      'v=1; a=ed25519-sha256; c=relaxed/relaxed;',
      'd=football.example.com; i=@football.example.com;',
      'q=dns/txt; s=brisbane; t=1528637909; h=from : to :',
      'subject : date : message-id : from : subject : date;',
      'bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;',
      'b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus',
      'Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==',
    ];
    expect(holds(signature, key, null)).toBe(true);
    expect(holds(['v=2;', ...signature.slice(1)], key, null)).toBe(false);
  });

  it('holds for RSA', () => {
    const spki =
      'MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB';
    const key = createPublicKey({ key: Buffer.from(spki, 'base64'), format: 'der', type: 'spki' });
    const signature = [
      'v=1; a=rsa-sha256; c=relaxed/relaxed;',
      'd=football.example.com; i=@football.example.com;',
      'q=dns/txt; s=test; t=1528637909; h=from : to : subject :',
      'date : message-id : from : subject : date;',
      'bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;',
      'b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3',
      'DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz',
      'dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=',
    ];
    expect(holds(signature, key, 'sha256')).toBe(true);
  });
});
