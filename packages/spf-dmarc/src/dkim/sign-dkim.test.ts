import { createHash, generateKeyPairSync, type KeyObject } from 'node:crypto';
import { Readable } from 'node:stream';
import { formatHeaderField } from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { dkimSign } from 'mailauth/lib/dkim/sign.js';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { describe, expect, it } from 'vitest';
import { type DkimCanonicalizations, type DkimSignatureOptions, DkimSignatures } from './dkim-signatures.ts';
import type { DkimSigning } from './message-signing.ts';
import { signDkim } from './sign-dkim.ts';
import { verifyDkim } from './verify-dkim.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const ed25519 = generateKeyPairSync('ed25519');
const rsaSignature: DkimSignatureOptions = { domain: 'example.com', selector: 'r', key: rsa.privateKey };
const edSignature: DkimSignatureOptions = { domain: 'example.com', selector: 'e', key: ed25519.privateKey };
const canonicalizations: readonly DkimCanonicalizations[] = [
  'relaxed/relaxed',
  'relaxed/simple',
  'simple/relaxed',
  'simple/simple',
];
const message = [
  'Received: from a by b;\r\n\tFri, 20 Nov 2026 10:00:00 +0000',
  'From: Ann  <ann@example.com>',
  'To: Bob <bob@example.org>, \r\n  Carol <carol@example.org>\t',
  'subject:   =?utf-8?q?Hello?= \r\n\t again',
  'Date: Fri, 20 Nov 2026 10:00:00 +0000',
  'Message-ID: <1@example.com>',
  'MIME-Version: 1.0',
  'Content-Type: text/plain; charset=utf-8',
  '',
  'Dear  Bob, \t ',
  '.dotted',
  '',
  'b=\xe4\xff ',
  '',
  '',
  '',
].join('\r\n');

function bytesOf(text: string): Buffer {
  return Buffer.from(text, 'latin1');
}

function recordOf(key: KeyObject): string {
  const data = key.export({ format: 'der', type: 'spki' });
  return key.asymmetricKeyType === 'rsa'
    ? `v=DKIM1; k=rsa; p=${data.toString('base64')}`
    : `v=DKIM1; k=ed25519; p=${data.subarray(12).toString('base64')}`;
}

/** What mailauth says of each signature. */
async function judged(signed: DkimSigning, text: string, keys: Readonly<Record<string, KeyObject>>): Promise<string[]> {
  if (!signed.ok) throw new Error(signed.detail);
  const { results } = await dkimVerify(Buffer.concat([Buffer.from(signed.header), bytesOf(text)]), {
    minBitLength: 1024,
    resolver: async (name: string) => {
      const key = keys[name.slice(0, name.indexOf('.'))];
      return key === undefined ? [] : [[recordOf(key)]];
    },
  });
  return results.map(({ status }) => status.result);
}

/** The tags of a field, unfolded. */
function tagsOf(field: string): Map<string, string> {
  const value = field.slice(field.indexOf(':') + 1).replace(/[\r\n\t ]/g, '');
  return new Map(value.split(';').map((tag) => [tag.slice(0, tag.indexOf('=')), tag.slice(tag.indexOf('=') + 1)]));
}

function headerNames(signed: DkimSigning): readonly string[] {
  return signed.ok ? (signed.signatures[0]?.signedFields ?? []) : [];
}

describe('signDkim', () => {
  it.each(canonicalizations)('makes signatures that mailauth verifies: %s', async (canonicalization) => {
    const signed = await signDkim(bytesOf(message), {
      signatures: [
        { ...rsaSignature, canonicalization },
        { ...edSignature, canonicalization, identity: '"ann b;=\u00e4"@news.example.com', expiresInMs: 86_400_000 },
      ],
    });
    expect(await judged(signed, message, { r: rsa.publicKey, e: ed25519.publicKey })).toEqual(['pass', 'pass']);
    const altered = message.replace('Dear', 'Deer');
    expect(await judged(signed, altered, { r: rsa.publicKey, e: ed25519.publicKey })).not.toContain('pass');
  });

  it('makes signatures that verifyDkim verifies, of each canonicalization', async () => {
    const signatures = canonicalizations.flatMap((canonicalization) => [
      { ...rsaSignature, canonicalization },
      { ...edSignature, canonicalization },
    ]);
    const signed = await signDkim(bytesOf(message), { signatures });
    const resolver = new ZoneResolver({
      'r._domainkey.example.com': { TXT: recordOf(rsa.publicKey) },
      'e._domainkey.example.com': { TXT: recordOf(ed25519.publicKey) },
    });
    const whole = Buffer.concat([Buffer.from(signed.ok ? signed.header : ''), bytesOf(message)]);
    const results = await verifyDkim(whole, { resolver });
    expect(results.map(({ result, oversignedFields }) => [result, oversignedFields.includes('from')])).toEqual(
      signatures.map(() => ['pass', true]),
    );
  });

  it.each([1024, 3072, 4096])(
    'signs with RSA of %i bits',
    async (modulusLength) => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength });
      const signed = await signDkim(bytesOf(message), { signatures: [{ ...rsaSignature, key: privateKey }] });
      expect(await judged(signed, message, { r: publicKey })).toEqual(['pass']);
    },
    60_000,
  );

  it('hashes bodies as mailauth does', async () => {
    const clock = { now: () => 1_700_000_000_000 };
    const headers = ['from', 'to', 'subject', 'date', 'message-id'];
    const privateKey = rsa.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString();
    const theirKey = { signingDomain: 'example.com', selector: 'r', privateKey };
    for (const canonicalization of canonicalizations) {
      const ours = await signDkim(bytesOf(message), {
        signatures: [{ ...rsaSignature, canonicalization, headers, oversign: [] }],
        clock,
      });
      const theirs = await dkimSign(bytesOf(message), {
        canonicalization,
        signTime: new Date(clock.now()),
        ...theirKey,
        signatureData: [theirKey],
        headerList: headers,
      });
      const hash = tagsOf(theirs.signatures).get('bh');
      expect(hash).toMatch(/^[A-Za-z0-9+/]{43}=$/);
      expect(ours.ok && tagsOf(ours.header).get('bh')).toBe(hash);
    }
  });

  it('signs any message whose chunks come in any sizes as if it came at once', async () => {
    const clock = { now: () => 1_700_000_000_000 };
    const whole = await signDkim(bytesOf(message), { signatures: [edSignature], clock });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(message.length), { maxLength: 8 }), fc.boolean(), async (cuts, stream) => {
        const ends = [...cuts, message.length].sort((a, b) => a - b);
        const chunks = ends.map((end, at) => bytesOf(message.slice(ends[at - 1] ?? 0, end)));
        const source = stream ? Readable.from(chunks) : chunks;
        expect(await signDkim(source, { signatures: [edSignature], clock })).toEqual(whole);
      }),
      { numRuns: 30 },
    );
  });

  it('makes fields that a verifier accepts of any header and body', async () => {
    const white = fc.constantFrom(' ', '\t', '\r\n ', '\r\n\t ');
    const word = fc.string({ unit: fc.constantFrom('a', 'B', ':', ';', '=', '\xe9'), minLength: 1, maxLength: 6 });
    const value = fc.array(fc.oneof(word, white), { maxLength: 8 }).map((parts) => `x${parts.join('')}`);
    const name = fc.constantFrom('To', 'cc', 'SUBJECT', 'List-Id', 'X-Other', 'Received');
    const fields = fc.array(
      fc.tuple(name, value).map(([key, text]) => `${key}: ${text}\r\n`),
      { maxLength: 6 },
    );
    const body = fc.array(fc.constantFrom('a', ' ', '\t', '\r\n', '.', '\xff'), { maxLength: 30 });
    const canonicalization = fc.constantFrom(...canonicalizations);
    await fc.assert(
      fc.asyncProperty(fields, body, canonicalization, async (header, lines, how) => {
        const text = `${header.join('')}From: a@example.com\r\n\r\n${lines.join('')}`;
        const signed = await signDkim(bytesOf(text), { signatures: [{ ...edSignature, canonicalization: how }] });
        expect(await judged(signed, text, { e: ed25519.publicKey })).toEqual(['pass']);
      }),
      { numRuns: 40 },
    );
  });

  it('gives the gateway an edit that writes the very field', async () => {
    const signed = await signDkim(bytesOf(message), { signatures: [rsaSignature, edSignature] });
    if (!signed.ok) throw new Error(signed.detail);
    for (const { field, headerEdit } of signed.signatures) {
      if (headerEdit.action !== 'add') throw new Error('the edit adds nothing');
      expect(formatHeaderField(headerEdit.name, headerEdit.value)).toBe(field);
    }
    expect(signed.header).toBe(signed.signatures.map(({ field }) => field).join(''));
  });

  it('says the same of the same message at the same time, in lines of 76 columns', async () => {
    const options = { signatures: [rsaSignature], clock: { now: () => 1_700_000_000_999 } };
    const signed = await signDkim(bytesOf(message), options);
    expect(await signDkim(bytesOf(message), options)).toEqual(signed);
    if (!signed.ok) throw new Error(signed.detail);
    for (const line of signed.header.split('\r\n')) expect(line.length).toBeLessThanOrEqual(76);
    const tags = tagsOf(signed.header);
    expect(Object.fromEntries(tags)).toMatchObject({
      v: '1',
      a: 'rsa-sha256',
      c: 'relaxed/relaxed',
      d: 'example.com',
      s: 'r',
      t: '1700000000',
    });
    expect([...tags.keys()]).toEqual(['v', 'a', 'c', 'd', 's', 't', 'h', 'bh', 'b']);
  });

  it('writes t=, x= and i= as it is told', async () => {
    const clock = { now: () => 1_700_000_000_000 };
    const tags = async (options: Partial<DkimSignatureOptions>): Promise<Map<string, string>> => {
      const signed = await signDkim(bytesOf(message), { signatures: [{ ...edSignature, ...options }], clock });
      return tagsOf(signed.ok ? signed.header : '');
    };
    expect((await tags({ timestamp: false })).has('t')).toBe(false);
    expect((await tags({ expiresInMs: 3_600_400 })).get('x')).toBe('1700003600');
    expect((await tags({ identity: '"a b;c=d"@Mail.Example.COM' })).get('i')).toBe('"a=20b=3Bc=3Dd"@mail.example.com');
    expect((await tags({ identity: '@example.com' })).get('i')).toBe('@example.com');
  });

  it('signs all fields of a name, and seals those that nobody may add', async () => {
    const text = 'From: a@example.com\r\nCc: 1\r\nCc: 2\r\nList-Id: 3\r\nReceived: x\r\nX-Own: y\r\nDate: z\r\n\r\n';
    expect(headerNames(await signDkim(bytesOf(text), { signatures: [edSignature] }))).toEqual([
      'from',
      'from',
      'reply-to',
      'subject',
      'date',
      'date',
      'to',
      'cc',
      'cc',
      'cc',
      'list-id',
    ]);
    const own = { ...edSignature, headers: ['X-Own', 'From', 'x-OWN', 'Cc', 'To'], oversign: ['To', 'FROM'] };
    expect(headerNames(await signDkim(bytesOf(text), { signatures: [own] }))).toEqual([
      'x-own',
      'from',
      'from',
      'cc',
      'cc',
      'to',
    ]);
  });

  it.each<[string, string, string]>([
    ['no From', 'To: a@example.com\r\n\r\nx', 'no-from'],
    ['nothing at all', '', 'no-from'],
    ['two From', 'From: a@example.com\r\nfrom: b@example.com\r\n\r\nx', 'several-from'],
    ['a line that is no field', 'From: a@example.com\r\nhello\r\n\r\nx', 'broken-header'],
    ['a line that is no field, at its end', 'From: a@example.com\r\nhello', 'broken-header'],
    ['a bare LF in its header', 'From: a@example.com\nTo: b\r\n\r\nx', 'bare-line-feed'],
    ['a bare LF in its body', 'From: a@example.com\r\n\r\nx\ny', 'bare-line-feed'],
    ['a bare CR', 'From: a@example.com\r\n\r\nx\ry', 'bare-carriage-return'],
    ['a bare CR at its end', 'From: a@example.com\r\n\r\nx\r', 'bare-carriage-return'],
    ['too large a header', `From: a@example.com\r\nX: ${'x'.repeat(262_144)}\r\n\r\n`, 'header-too-large'],
  ])('does not sign a message with %s', async (_what, text, fault) => {
    expect(await signDkim(bytesOf(text), { signatures: [edSignature] })).toMatchObject({ ok: false, fault });
    const size = Math.ceil(text.length / 1_000);
    const bytes = Array.from({ length: 1_000 }, (_, at) => bytesOf(text.slice(at * size, (at + 1) * size)));
    expect(await signDkim(bytes, { signatures: [edSignature] })).toMatchObject({ ok: false, fault });
  });

  it('signs a message that is all header', async () => {
    const text = 'From: a@example.com\r\n';
    const signed = await signDkim(bytesOf(text), { signatures: [edSignature] });
    expect(await judged(signed, text, { e: ed25519.publicKey })).toEqual(['pass']);
    expect(signed.ok && tagsOf(signed.header).get('bh')).toBe(createHash('sha256').digest('base64'));
  });

  it('takes bare LF and bare CR for CRLF when it is told to', async () => {
    const options = { bareNewlines: 'normalize', clock: { now: () => 0 } } as const;
    for (const canonicalization of canonicalizations) {
      const signatures = [{ ...edSignature, canonicalization }];
      const expected = await signDkim(bytesOf(message), { ...options, signatures });
      for (const newline of ['\n', '\r']) {
        const bare = bytesOf(message.replaceAll('\r\n', newline));
        expect(await signDkim(bare, { ...options, signatures })).toEqual(expected);
      }
    }
  });

  it('tells of a message that breaks off, and lets go of what it reads', async () => {
    const broken = Readable.from(
      (function* () {
        yield bytesOf('From: a@example.com\r\n\r\n');
        throw new Error('the disk is gone');
      })(),
    );
    const signed = await signDkim(broken, { signatures: [edSignature] });
    expect(signed).toMatchObject({
      ok: false,
      fault: 'incomplete',
      detail: expect.stringContaining('the disk is gone'),
    });
    expect(broken.destroyed).toBe(true);
  });

  it('stops reading what it will not sign', async () => {
    let read = 0;
    const endless = Readable.from(
      (function* () {
        yield bytesOf('From: a@example.com\r\n\r\nx\ny');
        for (;;) yield bytesOf(`${read++}`);
      })(),
    );
    expect(await signDkim(endless, { signatures: [edSignature] })).toMatchObject({
      ok: false,
      fault: 'bare-line-feed',
    });
    expect(read).toBeLessThan(100);
  });

  it('gives up when it is told to', async () => {
    const abort = new AbortController();
    const silent = new Readable({ read() {} });
    const signing = signDkim(silent, { signatures: [edSignature], signal: abort.signal });
    abort.abort();
    expect(await signing).toMatchObject({ ok: false, fault: 'incomplete' });
    expect(silent.destroyed).toBe(true);
    expect(await signDkim(bytesOf(message), { signatures: [edSignature], signal: abort.signal })).toMatchObject({
      ok: false,
      fault: 'incomplete',
    });
  });

  it('takes signatures that were read before', async () => {
    const signatures = new DkimSignatures([edSignature]);
    const clock = { now: () => 0 };
    expect(await signDkim(bytesOf(message), { signatures, clock })).toEqual(
      await signDkim(bytesOf(message), { signatures: [edSignature], clock }),
    );
  });

  it('rejects what is no message, and options that it does not know', async () => {
    const options = { signatures: [edSignature] };
    // @ts-expect-error: from JavaScript
    await expect(signDkim(message, options)).rejects.toThrow(TypeError);
    // @ts-expect-error: from JavaScript
    await expect(signDkim([message], options)).rejects.toThrow(TypeError);
    await expect(signDkim(Readable.from([message]), options)).rejects.toThrow(TypeError);
    // @ts-expect-error: from JavaScript
    await expect(signDkim(undefined, options)).rejects.toThrow(TypeError);
    // @ts-expect-error: from JavaScript
    await expect(signDkim(bytesOf(message), {})).rejects.toThrow('signatures');
    // @ts-expect-error: from JavaScript
    await expect(signDkim(bytesOf(message), { ...options, l: 5 })).rejects.toThrow('unknown option "l"');
  });
});
