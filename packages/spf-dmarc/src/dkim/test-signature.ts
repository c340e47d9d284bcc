import {
  createHash,
  createSign,
  generateKeyPairSync,
  type KeyObject,
  type KeyPairKeyObjectResult,
  sign,
} from 'node:crypto';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';

/** For tests: canonicalization and signing as RFC 6376 words them, over whole strings, each character one byte. */
export function canonicalBody(body: string, canonicalization: DkimCanonicalization): string {
  const lines = body.replace(/\r?\n/g, '\r\n').split('\r\n');
  const reduced =
    canonicalization === 'simple' ? lines : lines.map((line) => line.replace(/[\t ]+/g, ' ').replace(/ $/, ''));
  while (reduced.at(-1) === '') reduced.pop();
  if (reduced.length === 0) return canonicalization === 'simple' ? '\r\n' : '';
  return `${reduced.join('\r\n')}\r\n`;
}

function canonicalField(field: string, canonicalization: DkimCanonicalization): string {
  if (canonicalization === 'simple') return field;
  const colon = field.indexOf(':');
  const value = field
    .slice(colon + 1)
    .replace(/\r\n/g, '')
    .replace(/[\t ]+/g, ' ')
    .trim();
  return `${field.slice(0, colon).trimEnd().toLowerCase()}:${value}`;
}

export const rsa: KeyPairKeyObjectResult = generateKeyPairSync('rsa', { modulusLength: 2_048 });
export const ed25519: KeyPairKeyObjectResult = generateKeyPairSync('ed25519');

/** The TXT record of a public key. */
export function keyRecord(publicKey: KeyObject, tags = ''): string {
  const der = publicKey.export({ format: 'der', type: 'spki' });
  const own = publicKey.asymmetricKeyType === 'ed25519';
  const data = (own ? der.subarray(der.length - 32) : der).toString('base64');
  return `v=DKIM1; k=${own ? 'ed25519' : 'rsa'}; ${tags}p=${data}`;
}

export interface TestSignature {
  /** `v`, `a`, `bh` and others are set unless they stand here; `undefined` leaves one out. */
  readonly tags?: Readonly<Record<string, string | undefined>>;
  readonly privateKey?: KeyObject;
  /** The fields to sign, each with its CRLF but the last. */
  readonly fields: readonly string[];
  readonly body: string;
}

/** A DKIM-Signature field over all `fields` from bottom to top, with its CRLF. */
export function signatureField({ tags = {}, privateKey = rsa.privateKey, fields, body }: TestSignature): string {
  const own = privateKey.asymmetricKeyType === 'ed25519';
  const c = tags['c'] ?? 'relaxed/relaxed';
  const headerMode = c.startsWith('relaxed') ? 'relaxed' : 'simple';
  const bodyMode = c.endsWith('/relaxed') ? 'relaxed' : 'simple';
  const length = tags['l'] === undefined ? undefined : Number(tags['l']);
  const bh = createHash('sha256').update(canonicalBody(body, bodyMode).slice(0, length), 'latin1').digest('base64');
  const reversed = [...fields].reverse();
  const all = {
    v: '1',
    a: own ? 'ed25519-sha256' : 'rsa-sha256',
    c,
    d: 'example.com',
    s: own ? 'ed' : 'rsa',
    h: reversed.map((field) => field.slice(0, field.indexOf(':'))).join(':'),
    bh,
    ...tags,
  };
  const text = Object.entries(all)
    .flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}`]))
    .join('; ');
  const unsigned = `DKIM-Signature: ${text}; b=`;
  const signed = [...reversed, unsigned].map((field) => canonicalField(field, headerMode)).join('\r\n');
  const bytes = Buffer.from(signed, 'latin1');
  const signature = own
    ? sign(null, createHash('sha256').update(bytes).digest(), privateKey)
    : createSign('sha256').update(bytes).sign(privateKey);
  return `${unsigned}${signature.toString('base64')}\r\n`;
}

/** A message with signatures on top of its fields. */
export function signedMessage(
  signatures: readonly Omit<TestSignature, 'fields' | 'body'>[],
  input: TestSignature,
): string {
  const on = signatures.map((each) => signatureField({ ...input, ...each })).join('');
  return `${on}${input.fields.map((field) => `${field}\r\n`).join('')}\r\n${input.body}`;
}
