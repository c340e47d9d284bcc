import { generateKeyPairSync } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DkimKeyRecord, DkimKeyType } from './dkim-key-record.ts';
import { publicKeyOf } from './dkim-public-key.ts';

function recordWith(keyType: DkimKeyType, keyData: Uint8Array): DkimKeyRecord {
  const rest = { hashes: undefined, services: ['*'], flags: [], testing: false, strict: false, notes: undefined };
  return { keyType, keyData, ...rest };
}

/** A DER integer or sequence (X.690 §8.1). */
function der(tag: number, content: Buffer): Buffer {
  const length = content.length < 0x80 ? [content.length] : [0x82, content.length >> 8, content.length & 0xff];
  return Buffer.concat([Buffer.from([tag, ...length]), content]);
}

function bareKey(modulus: Buffer, exponent: Buffer): Buffer {
  return der(0x30, Buffer.concat([der(0x02, modulus), der(0x02, exponent)]));
}

/** Not of two primes, which nobody can see. */
const modulus = Buffer.concat([Buffer.from([0x00, 0xc1]), Buffer.alloc(127, 0x55)]);
const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
const ed25519 = generateKeyPairSync('ed25519').publicKey;
const rawEd25519 = ed25519.export({ format: 'der', type: 'spki' }).subarray(12);

describe('publicKeyOf', () => {
  it.each(['spki', 'pkcs1'] as const)('reads an RSA key as %s', (format) => {
    const key = publicKeyOf(recordWith('rsa', rsa.export({ format: 'der', type: format })));
    expect(key).toMatchObject({ ok: true, bits: 1024, format });
    expect(key.ok && key.key.equals(rsa)).toBe(true);
  });

  it('reads the 32 bytes of an Ed25519 key', () => {
    const key = publicKeyOf(recordWith('ed25519', rawEd25519));
    expect(key).toMatchObject({ ok: true, bits: 256, format: 'raw' });
    expect(key.ok && key.key.equals(ed25519)).toBe(true);
  });

  it('tells a revoked key', () => {
    for (const type of ['rsa', 'ed25519'] as const) {
      expect(publicKeyOf(recordWith(type, Buffer.alloc(0)))).toMatchObject({ ok: false, fault: 'revoked' });
    }
  });

  it.each([
    ['an Ed25519 key in its wrapping', 'ed25519', ed25519.export({ format: 'der', type: 'spki' })],
    ['31 bytes', 'ed25519', Buffer.alloc(31)],
    ['an Ed25519 key as RSA', 'rsa', ed25519.export({ format: 'der', type: 'spki' })],
    ['a bare Ed25519 key as RSA', 'rsa', rawEd25519],
    [
      'a key of P-256 as RSA',
      'rsa',
      generateKeyPairSync('ec', { namedCurve: 'P-256' }).publicKey.export({ format: 'der', type: 'spki' }),
    ],
    ['a truncated key', 'rsa', rsa.export({ format: 'der', type: 'spki' }).subarray(0, 100)],
    ['one byte', 'rsa', Buffer.from([0x30])],
  ] as const)('finds %s unreadable', (_what, type, bytes) => {
    expect(publicKeyOf(recordWith(type, bytes))).toMatchObject({ ok: false, fault: 'unreadable' });
  });

  it.each([
    ['an exponent of 1', modulus, Buffer.from([1])],
    ['an even exponent', modulus, Buffer.from([4])],
    ['an exponent of 65 bits', modulus, Buffer.from('010000000000000001', 'hex')],
  ])('does not use %s', (_what, n, e) => {
    expect(publicKeyOf(recordWith('rsa', bareKey(n, e)))).toMatchObject({ ok: false, fault: 'unusable' });
  });

  it('does not use a modulus of 8,200 bits', () => {
    const n = Buffer.concat([Buffer.from([0x00]), Buffer.alloc(1025, 0xc1)]);
    const key = publicKeyOf(recordWith('rsa', bareKey(n, Buffer.from([3]))));
    expect(key).toMatchObject({ ok: false, fault: 'too-large' });
  });

  it.each([
    ['order 1', `01${'00'.repeat(31)}`],
    ['order 1, with the sign of x set', `01${'00'.repeat(30)}80`],
    ['order 1, not reduced', `ee${'ff'.repeat(30)}7f`],
    ['order 2', `ec${'ff'.repeat(30)}7f`],
    ['order 4', '00'.repeat(32)],
    ['order 4, with the sign of x set', `${'00'.repeat(31)}80`],
    ['order 4, not reduced', `ed${'ff'.repeat(30)}7f`],
    ['order 8', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05'],
    ['order 8, with the sign of x set', '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc85'],
    ['order 8, -y', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'],
  ])('does not use an Ed25519 point of %s, whatever this OpenSSL makes of it', (_what, hex) => {
    expect(publicKeyOf(recordWith('ed25519', Buffer.from(hex, 'hex')))).toMatchObject({ ok: false, fault: 'unusable' });
  });

  it('uses a modulus of 8,192 bits and an exponent of 64', () => {
    const n = Buffer.concat([Buffer.from([0x00]), Buffer.alloc(1024, 0xc1)]);
    expect(publicKeyOf(recordWith('rsa', bareKey(n, Buffer.from([3]))))).toMatchObject({ ok: true, bits: 8192 });
    const e = Buffer.from('00ffffffffffffffff', 'hex');
    expect(publicKeyOf(recordWith('rsa', bareKey(modulus, e)))).toMatchObject({ ok: true, bits: 1024 });
  });

  it('never throws', () => {
    fc.assert(
      fc.property(fc.constantFrom<DkimKeyType>('rsa', 'ed25519'), fc.uint8Array({ maxLength: 80 }), (type, bytes) => {
        expect(typeof publicKeyOf(recordWith(type, bytes)).ok).toBe('boolean');
      }),
    );
  });
});
