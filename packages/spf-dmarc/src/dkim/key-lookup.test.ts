import { createPublicKey, generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { DkimKeyCache } from './dkim-key-cache.ts';
import { ed25519, keyRecord, rsa, signedMessage } from './test-signature.ts';
import { input, verify, words, zone } from './test-verification.ts';

const name = 'rsa._domainkey.example.com';

/** RFC 8017 §A.1.1: a key of which nobody has the other half. */
function bareKeyRecord(modulusBytes: number, exponent: number): string {
  const jwk = {
    kty: 'RSA',
    n: Buffer.alloc(modulusBytes, 0xc1).toString('base64url'),
    e: Buffer.of(exponent).toString('base64url'),
  };
  return keyRecord(createPublicKey({ key: jwk, format: 'jwk' }));
}

describe('the key', () => {
  const small = generateKeyPairSync('rsa', { modulusLength: 1_023 });
  const other = generateKeyPairSync('rsa', { modulusLength: 2_048 });
  const big = generateKeyPairSync('rsa', { modulusLength: 3_072 });
  const good = keyRecord(rsa.publicKey);

  it.each([
    ['t=y', keyRecord(rsa.publicKey, 't=y; '), 'pass/verified'],
    ['s=email', keyRecord(rsa.publicKey, 's=tlsrpt:email; '), 'pass/verified'],
    ['s=tlsrpt', keyRecord(rsa.publicKey, 's=tlsrpt; '), 'permerror/key-restricted'],
    ['h=sha256', keyRecord(rsa.publicKey, 'h=sha1:sha256; '), 'pass/verified'],
    ['h=sha1', keyRecord(rsa.publicKey, 'h=sha1; '), 'permerror/key-restricted'],
    ['t=s', keyRecord(rsa.publicKey, 't=s; '), 'pass/verified'],
    ['an empty p=', 'v=DKIM1; p=', 'permerror/key-revoked'],
    ['no p=', 'v=DKIM1; k=rsa', 'permerror/key-syntax'],
    ['an unknown type', good.replace('k=rsa', 'k=dsa'), 'permerror/key-syntax'],
    ['rubbish for p=', 'v=DKIM1; p=AAAA', 'permerror/key-syntax'],
    ['another type', keyRecord(ed25519.publicKey), 'permerror/key-type'],
    ['8,200 bits', bareKeyRecord(1_025, 3), 'permerror/key-size'],
    ['an exponent of 1', bareKeyRecord(256, 1), 'permerror/key-unusable'],
    ['another key', keyRecord(other.publicKey), 'fail/signature-mismatch'],
    ['no key at all', 'v=spf1 -all', 'permerror/no-key'],
    ['another key and the key', [keyRecord(other.publicKey), good], 'pass/verified'],
    ['a revoked key and the key', ['v=DKIM1; p=', good], 'pass/verified'],
    ['two that do not fit', [keyRecord(ed25519.publicKey), keyRecord(other.publicKey)], 'fail/signature-mismatch'],
    ['other records and the key', ['site=1; p', 'site-2', 'v=spf1 -all', 'a=b', 'c', 'd', good], 'pass/verified'],
  ] as const)('with %s: %s', async (_, text, expected) => {
    expect(await words(signedMessage([{}], input), { resolver: zone({ 'rsa._domainkey.example.com': text }) })).toEqual(
      [expected],
    );
  });

  it('does not take an Ed25519 key for which anybody can sign', async () => {
    const resolver = zone({
      'ed._domainkey.example.com': `v=DKIM1; k=ed25519; p=${Buffer.alloc(32).toString('base64')}`,
    });
    const [result] = await verify(signedMessage([{ privateKey: ed25519.privateKey }], input), { resolver });
    expect(result).toMatchObject({ result: 'permerror', reason: 'key-unusable' });
  });

  it('tries at most four of a name', async () => {
    const bad = Array.from({ length: 4 }, (_, n) => keyRecord(other.publicKey, `n=${n}; `));
    const resolver = zone({ 'rsa._domainkey.example.com': [...bad, good] });
    expect(await words(signedMessage([{}], input), { resolver })).toEqual(['fail/signature-mismatch']);
  });

  it('builds no more of them, however many there are', async () => {
    const keys = new DkimKeyCache();
    const bad = Array.from({ length: 100 }, (_, n) => keyRecord(other.publicKey, `n=${n}; `));
    const resolver = zone({ 'rsa._domainkey.example.com': ['v=DKIM1; p=%', ...bad] });
    expect(await words(signedMessage([{}], input), { resolver, keys })).toEqual(['fail/signature-mismatch']);
    expect(keys.size).toBe(4);
  });

  it('says that a domain tests, and which key it was', async () => {
    const resolver = zone({ 'rsa._domainkey.example.com': keyRecord(rsa.publicKey, 't=y; ') });
    const [result] = await verify(signedMessage([{}], input), { resolver });
    expect(result).toMatchObject({ result: 'pass', testing: true, keyBits: 2_048 });
  });

  it('keeps subdomains away from a strict key', async () => {
    const resolver = zone({ 'rsa._domainkey.example.com': keyRecord(rsa.publicKey, 't=s; ') });
    const message = signedMessage([{ tags: { i: '@sub.example.com' } }], input);
    expect(await words(message, { resolver })).toEqual(['permerror/key-restricted']);
  });

  it('does not take an RSA key of less than 1,024 bits', async () => {
    const resolver = zone({ 'rsa._domainkey.example.com': keyRecord(small.publicKey) });
    const [result] = await verify(signedMessage([{ privateKey: small.privateKey }], input), { resolver });
    expect(result).toMatchObject({ result: 'policy', reason: 'weak-key', keyBits: 1_023 });
  });

  it('takes larger keys', async () => {
    const resolver = zone({ 'rsa._domainkey.example.com': keyRecord(big.publicKey) });
    const message = signedMessage([{ privateKey: big.privateKey }], input);
    expect(await words(message, { resolver })).toEqual(['pass/verified']);
    expect(await words(message.replace('Ann', 'Eve'), { resolver })).toEqual(['fail/signature-mismatch']);
  });

  it('is built once', async () => {
    const keys = new DkimKeyCache({ maxKeys: 1 });
    expect(keys.size).toBe(0);
    for (const _ of [1, 2]) expect(await words(signedMessage([{}], input), { keys })).toEqual(['pass/verified']);
    expect(keys.size).toBe(1);
    const read = keys.read(good);
    expect(keys.read(good)).toBe(read);
    expect(await words(signedMessage([{ privateKey: ed25519.privateKey }], input), { keys })).toEqual([
      'pass/verified',
    ]);
    expect(keys.size).toBe(1);
    expect(keys.read(good)).not.toBe(read);
    expect(() => new DkimKeyCache({ maxKeys: 0 })).toThrow(RangeError);
  });

  it('is kept for whoever asks, unless its record is long', async () => {
    const keys = new DkimKeyCache();
    const long = keyRecord(rsa.publicKey, `n=${'x'.repeat(2_000)}; `);
    expect(await words(signedMessage([{}], input), { keys, resolver: zone({ [name]: long }) })).toEqual([
      'pass/verified',
    ]);
    expect(keys.size).toBe(0);
  });
});

describe('the DNS', () => {
  const message = signedMessage([{}], input);
  it('may not know for now', async () => {
    for (const failure of ['timeout', 'servfail', 'refused'] as const) {
      const resolver = zone();
      resolver.set(name, failure);
      expect(await words(message, { resolver })).toEqual(['temperror/dns']);
      // Whatever the key is, this cannot pass.
      expect(await words(`${message}x`, { resolver })).toEqual(['fail/body-altered']);
    }
  });

  it('has until the deadline', async () => {
    const resolver = zone();
    const letGo = resolver.hold(name);
    expect(await words(message, { resolver, timeoutMs: 20 })).toEqual(['temperror/dns']);
    letGo();
  });

  it('is asked once for a key', async () => {
    const resolver = zone();
    const results = await words(signedMessage([{}, {}, { tags: { c: 'simple/simple' } }], input), { resolver });
    expect(results).toEqual(['pass/verified', 'pass/verified', 'pass/verified']);
    expect(resolver.queries.count(name, 'TXT')).toBe(1);
  });

  it('is not asked about signatures that cannot be judged', async () => {
    const resolver = zone();
    await verify(signedMessage([{ tags: { v: '3' } }, { tags: { x: '1' } }, { tags: { h: 'to' } }], input), {
      resolver,
    });
    await verify('From: a@example.com\r\n\r\nbody', { resolver });
    expect(resolver.queries.count()).toBe(0);
  });

  it('answers nothing that counts when the resolver is broken', async () => {
    const rubbish = { resolve: () => Promise.reject(new Error('broken')) };
    expect(await words(message, { resolver: rubbish })).toEqual(['temperror/dns']);
    const good = keyRecord(rsa.publicKey);
    for (const [answer, expected] of [
      [undefined, 'temperror/dns'],
      [{ kind: 'records', records: good }, 'temperror/dns'],
      [{ kind: 'failure', reason: 'odd' }, 'temperror/dns'],
      [{ kind: 'nodata' }, 'permerror/no-key'],
      [{ kind: 'records', records: [null, 1, {}, ['v=DKIM1']] }, 'permerror/no-key'],
      [{ kind: 'records', records: [null, good] }, 'pass/verified'],
    ] as const) {
      // What JavaScript may hand in.
      const resolver = { resolve: async () => JSON.parse(JSON.stringify(answer ?? null)) };
      const [result] = await verify(message, { resolver });
      expect(`${result?.result}/${result?.reason}`).toBe(expected);
      expect(result?.authentic).toBe(false);
    }
    const record = Object.defineProperty(JSON.parse('{"kind":"records","records":[""]}'), 'authentic', {
      get: () => {
        throw new Error('broken');
      },
    });
    expect(await words(message, { resolver: { resolve: async () => record } })).toEqual(['temperror/dns']);
  });
});
