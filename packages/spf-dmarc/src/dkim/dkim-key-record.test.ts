import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { allowsHash, type DkimKeyRecord, isForEmail, parseDkimKeyRecord } from './dkim-key-record.ts';

const data = 'MIGfMA0GCSqGSIb3DQ==';

function recordOf(text: string): DkimKeyRecord {
  const parsed = parseDkimKeyRecord(text);
  if (!parsed.ok) throw new Error(parsed.detail);
  return parsed.record;
}

describe('parseDkimKeyRecord', () => {
  it('takes what is left out for its default', () => {
    expect(recordOf(`p=${data}`)).toEqual({
      keyType: 'rsa',
      keyData: Buffer.from(data, 'base64'),
      hashes: undefined,
      services: ['*'],
      flags: [],
      testing: false,
      strict: false,
      notes: undefined,
    });
  });

  it('reads every tag, white space around it, and ignores unknown ones', () => {
    const text = `v=DKIM1 ; h = sha1 : SHA256; k= ed25519 ;n=a note; p= MIGf\r\n MA0GCSqGSIb3DQ==\t; s=email : other; t=s:y:x; g=*; X_1=;`;
    expect(recordOf(text)).toEqual({
      keyType: 'ed25519',
      keyData: Buffer.from(data, 'base64'),
      hashes: ['sha1', 'sha256'],
      services: ['email', 'other'],
      flags: ['s', 'y', 'x'],
      testing: true,
      strict: true,
      notes: 'a note',
    });
  });

  it('takes an empty p= for a revoked key', () => {
    expect(recordOf('v=DKIM1; p=').keyData).toHaveLength(0);
    expect(recordOf('v=DKIM1; p= \r\n ;').keyData).toHaveLength(0);
  });

  it('lets a list without a word name nothing', () => {
    const record = recordOf(`v=DKIM1; h=; s= : ; t=; p=${data}`);
    expect(record).toMatchObject({ hashes: [], services: [], flags: [] });
    expect(isForEmail(record)).toBe(false);
    expect(allowsHash(record, 'sha256')).toBe(false);
  });

  it.each([
    ['v=spf1 include:_spf.example.com -all', 'not-dkim'],
    ['v=DKIM2; p=AAAA', 'not-dkim'],
    ['v=dkim1; p=AAAA', 'not-dkim'],
    ['k=rsa', 'not-dkim'],
    ['google-site-verification=1', 'bad-syntax'],
    ['', 'not-dkim'],
    ['v=DKIM1;; p=AAAA', 'bad-syntax'],
    ['v=DKIM1; p=AAAA; p=BBBB', 'bad-syntax'],
    ['v=DKIM1\\; p=AAAA', 'not-dkim'],
    ['k=rsa; v=DKIM1; p=AAAA', 'version-not-first'],
    ['v=DKIM1; k=rsa', 'no-key-data'],
    ['v=DKIM1; k=RSA; p=AAAA', 'unknown-key-type'],
    ['v=DKIM1; k=; p=AAAA', 'unknown-key-type'],
    ['v=DKIM1; p="AAAA"', 'bad-base64'],
    ['v=DKIM1; p=AAAAA', 'bad-base64'],
    [`p=AAAA; n=${'x'.repeat(16_384)}`, 'too-long'],
  ])('refuses %.60j', (text, fault) => {
    expect(parseDkimKeyRecord(text)).toMatchObject({ ok: false, fault });
  });

  it('never throws, and quotes no more than a little', () => {
    fc.assert(
      fc.property(fc.string({ maxLength: 200, unit: 'binary' }), (text) => {
        const parsed = parseDkimKeyRecord(`v=DKIM1;${text}`);
        if (!parsed.ok) expect(parsed.detail.length).toBeLessThan(600);
      }),
    );
  });
});

describe('isForEmail', () => {
  it.each([
    ['', true],
    ['s=*;', true],
    ['s=email;', true],
    ['s=tlsrpt:email;', true],
    ['s=tlsrpt;', false],
  ])('%j: %j', (tag, expected) => {
    expect(isForEmail(recordOf(`${tag}p=${data}`))).toBe(expected);
  });
});

describe('allowsHash', () => {
  it.each([
    ['', true],
    ['h=sha256;', true],
    ['h=sha1:sha256;', true],
    ['h=sha1;', false],
  ])('%j: %j', (tag, expected) => {
    expect(allowsHash(recordOf(`${tag}p=${data}`), 'sha256')).toBe(expected);
  });
});
