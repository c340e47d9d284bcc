import { createPublicKey, createSecretKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { isPrivateKeyInput, readSigningKey } from './signing-key.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey;
const ed25519 = generateKeyPairSync('ed25519').privateKey;
const pem = { format: 'pem', type: 'pkcs8' } as const;
const der = { format: 'der', type: 'pkcs8' } as const;

describe('readSigningKey', () => {
  it.each([
    ['PKCS #8 in PEM', rsa.export(pem)],
    ['PKCS #1 in PEM', rsa.export({ format: 'pem', type: 'pkcs1' })],
    ['PKCS #8 in DER', rsa.export(der)],
    ['PKCS #1 in DER', rsa.export({ format: 'der', type: 'pkcs1' })],
    ['PEM as bytes', Buffer.from(rsa.export(pem))],
    ['bytes that are no Buffer', new Uint8Array(rsa.export(der))],
    ['a KeyObject', rsa],
  ])('reads an RSA key: %s', (_what, input) => {
    const { key, algorithm } = readSigningKey('x', input);
    expect(algorithm).toBe('rsa-sha256');
    expect(key.equals(rsa)).toBe(true);
  });

  it.each([
    ['PEM', ed25519.export(pem)],
    ['DER', ed25519.export(der)],
    ['a KeyObject', ed25519],
  ])('reads an Ed25519 key: %s', (_what, input) => {
    const { key, algorithm } = readSigningKey('x', input);
    expect(algorithm).toBe('ed25519-sha256');
    expect(key.equals(ed25519)).toBe(true);
  });

  it.each([
    ['no key', 'nonsense'],
    ['no bytes', Buffer.alloc(0)],
    ['a public key', createPublicKey(rsa)],
    ['a public key in PEM', createPublicKey(rsa).export({ format: 'pem', type: 'spki' })],
    ['a secret', createSecretKey(Buffer.alloc(32))],
    ['an encrypted key', rsa.export({ ...pem, cipher: 'aes-128-cbc', passphrase: 'p' })],
    ['a key of P-256', generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey],
    ['an RSA-PSS key', generateKeyPairSync('rsa-pss', { modulusLength: 1024 }).privateKey],
    ['an X25519 key', generateKeyPairSync('x25519').privateKey],
  ])('refuses %s', (_what, input) => {
    expect(() => readSigningKey('x', input)).toThrow(TypeError);
  });

  it('refuses RSA of less than 1,024 bits', () => {
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1016 });
    expect(() => readSigningKey('x', privateKey)).toThrow(RangeError);
    expect(() => readSigningKey('x', privateKey)).toThrow('got 1016');
  });

  it('tells nothing of what it read', () => {
    const secret = 'MC4CAQAwBQYDK2VwBCIEI-secret';
    expect(() => readSigningKey('x', `-----BEGIN PRIVATE KEY-----\n${secret}\n-----END PRIVATE KEY-----`)).toThrow(
      expect.objectContaining({ message: expect.not.stringContaining('secret') }),
    );
  });
});

describe('isPrivateKeyInput', () => {
  it('takes text, bytes and KeyObjects', () => {
    expect([pem.format, Buffer.alloc(1), rsa].every(isPrivateKeyInput)).toBe(true);
    expect([undefined, null, 5, {}, [1]].some(isPrivateKeyInput)).toBe(false);
  });
});
