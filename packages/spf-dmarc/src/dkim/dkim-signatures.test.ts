import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { type DkimSignatureOptions, DkimSignatures } from './dkim-signatures.ts';

const key = generateKeyPairSync('ed25519').privateKey;
const plain: DkimSignatureOptions = { domain: 'example.com', selector: 's', key };

function make(options: object): DkimSignatures {
  return new DkimSignatures([{ ...plain, ...options }]);
}

describe('DkimSignatures', () => {
  it('reads what it is given, and puts defaults for the rest', () => {
    expect(make({ domain: 'Bücher.Example.', selector: 'S.1' }).planned).toEqual([
      {
        key,
        algorithm: 'ed25519-sha256',
        domain: 'xn--bcher-kva.example',
        selector: 's.1',
        header: 'relaxed',
        body: 'relaxed',
        names: expect.arrayContaining(['from', 'subject', 'list-unsubscribe-post']),
        oversign: undefined,
        identity: undefined,
        timestamp: true,
        expiresIn: undefined,
      },
    ]);
    const all = {
      algorithm: 'ed25519-sha256',
      canonicalization: 'simple/relaxed',
      headers: ['From', 'X-Y', 'from'],
      oversign: ['X-Y'],
      identity: 'a@b.example.com',
      timestamp: false,
      expiresInMs: 1_500,
    };
    expect(make(all).planned[0]).toMatchObject({
      header: 'simple',
      body: 'relaxed',
      names: ['from', 'x-y'],
      oversign: new Set(['x-y']),
      identity: 'a@b.example.com',
      timestamp: false,
      expiresIn: 2,
    });
  });

  it.each<[object, new () => Error, string]>([
    [{ domain: undefined }, TypeError, 'domain'],
    [{ domain: 'exa mple.com' }, RangeError, 'domain'],
    [{ selector: 5 }, TypeError, 'selector'],
    [{ selector: 'a;b' }, RangeError, 'selector'],
    [{ selector: 'x'.repeat(64) }, RangeError, 'selector'],
    [{ key: 5 }, TypeError, 'key'],
    [{ algorithm: 'rsa-sha256' }, TypeError, 'algorithm'],
    [{ algorithm: 'rsa-sha1' }, TypeError, 'algorithm'],
    [{ canonicalization: 'simple' }, TypeError, 'canonicalization'],
    [{ headers: 'from' }, TypeError, 'headers'],
    [{ headers: ['from', 'a;b'] }, TypeError, 'headers'],
    [{ headers: ['from', 'a:b'] }, TypeError, 'headers'],
    [{ headers: ['from', ''] }, TypeError, 'headers'],
    [{ headers: Array.from({ length: 101 }, () => 'from') }, TypeError, 'headers'],
    [{ headers: ['to'] }, RangeError, 'headers'],
    [{ headers: ['from'], oversign: ['to'] }, RangeError, 'oversign'],
    [{ identity: 'example.com' }, RangeError, 'identity'],
    [{ identity: 'a@example.org' }, RangeError, 'identity'],
    [{ identity: 'a@notexample.com' }, RangeError, 'identity'],
    [{ identity: 'a@b@example.com' }, RangeError, 'identity'],
    [{ headers: ['From', 'DKIM-Signature'], oversign: ['Dkim-Signature'] }, RangeError, 'oversign'],
    [{ identity: 'a b@example.com' }, RangeError, 'identity'],
    [{ identity: 'a;b\r\nBcc: c@example.com' }, RangeError, 'identity'],
    [{ identity: 'a@[192.0.2.1]' }, RangeError, 'identity'],
    [{ identity: `${'a'.repeat(65)}@example.com` }, RangeError, 'identity'],
    [{ timestamp: 1 }, TypeError, 'timestamp'],
    [{ expiresInMs: 0 }, RangeError, 'expiresInMs'],
    [{ expiresInMs: 999 }, RangeError, 'expiresInMs'],
    [{ expiresInMs: '1' }, TypeError, 'expiresInMs'],
    [{ l: 5 }, TypeError, 'unknown option "l"'],
  ])('refuses %j', (options, kind, text) => {
    expect(() => make(options)).toThrow(kind);
    expect(() => make(options)).toThrow(text);
  });

  it('says which of several it is about', () => {
    expect(() => new DkimSignatures([plain, { ...plain, selector: '' }])).toThrow('signatures[1]');
  });

  it('takes 1 to 10', () => {
    expect(() => new DkimSignatures([])).toThrow(RangeError);
    expect(() => new DkimSignatures(Array.from({ length: 11 }, () => plain))).toThrow(RangeError);
    expect(new DkimSignatures(Array.from({ length: 10 }, () => plain)).planned).toHaveLength(10);
    // @ts-expect-error: from JavaScript
    expect(() => new DkimSignatures(plain)).toThrow(TypeError);
  });
});
