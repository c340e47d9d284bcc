import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { parseDkimKeyRecord } from './dkim-key-record.ts';
import { publicKeyOf } from './dkim-public-key.ts';
import { generateDkimKey } from './generate-dkim-key.ts';
import { readSigningKey } from './signing-key.ts';

const at = { domain: 'Example.com', selector: 'S2026' };

describe('generateDkimKey', () => {
  it('makes an RSA key of 2,048 bits', async () => {
    const key = await generateDkimKey(at);
    expect(key.name).toBe('s2026._domainkey.example.com');
    expect(key.record).toMatch(/^v=DKIM1; k=rsa; p=[A-Za-z0-9+/]{392}$/);
    expect(key.strings).toHaveLength(2);
    expect(key.strings.join('')).toBe(key.record);
    expect(key.strings.every((string) => string.length <= 255)).toBe(true);
    expect(key.zoneLine).toBe(`s2026._domainkey.example.com. IN TXT ( "${key.strings[0]}" "${key.strings[1]}" )`);
    const parsed = parseDkimKeyRecord(key.record);
    const published = parsed.ok ? publicKeyOf(parsed.record) : undefined;
    expect(published).toMatchObject({ ok: true, bits: 2048, format: 'spki' });
    expect(readSigningKey('x', key.privateKey).algorithm).toBe('rsa-sha256');
  }, 60_000);

  it('makes one of as many bits as it is told', async () => {
    const parsed = parseDkimKeyRecord(
      (await generateDkimKey({ ...at, bits: 1024, testing: true, strict: true })).record,
    );
    expect(parsed.ok && publicKeyOf(parsed.record)).toMatchObject({ bits: 1024 });
    expect(parsed).toMatchObject({ record: { flags: ['y', 's'], testing: true, strict: true } });
  }, 60_000);

  it('makes an Ed25519 key', async () => {
    const key = await generateDkimKey({ ...at, algorithm: 'ed25519-sha256' });
    expect(key.record).toMatch(/^v=DKIM1; k=ed25519; p=[A-Za-z0-9+/]{43}=$/);
    expect(key.strings).toEqual([key.record]);
    expect(key.zoneLine).toBe(`s2026._domainkey.example.com. IN TXT "${key.record}"`);
    const parsed = parseDkimKeyRecord(key.record);
    expect(parsed.ok && publicKeyOf(parsed.record).ok).toBe(true);
    expect(readSigningKey('x', key.privateKey).algorithm).toBe('ed25519-sha256');
  });

  it('gives each its own', async () => {
    const options = { ...at, algorithm: 'ed25519-sha256' } as const;
    expect((await generateDkimKey(options)).privateKey).not.toBe((await generateDkimKey(options)).privateKey);
  });

  it.each([
    [{ domain: '' }, RangeError],
    [{ domain: 5 }, TypeError],
    [{ selector: 'a b' }, RangeError],
    [{ selector: undefined }, TypeError],
    [{ bits: 1023 }, RangeError],
    [{ bits: 8193 }, RangeError],
    [{ algorithm: 'rsa' }, TypeError],
    [{ algorithm: 'ed25519-sha256', bits: 2048 }, RangeError],
    [{ size: 5 }, TypeError],
  ])('refuses %j', async (options, kind) => {
    // @ts-expect-error: from JavaScript
    await expect(generateDkimKey({ ...at, ...options })).rejects.toThrow(kind);
  });

  it('gives up when it is told to', async () => {
    const abort = new AbortController();
    const making = generateDkimKey({ ...at, bits: 1024, signal: abort.signal });
    abort.abort();
    await expect(making).rejects.toMatchObject({ name: 'AbortError' });
    await expect(generateDkimKey({ ...at, bits: 1024, signal: abort.signal })).rejects.toMatchObject({
      name: 'AbortError',
    });
  });

  it('makes keys that Node agrees with', async () => {
    const { publicKey } = generateKeyPairSync('ed25519');
    const raw = publicKey.export({ format: 'jwk' }).x ?? '';
    expect(publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64url')).toBe(raw);
  });
});
