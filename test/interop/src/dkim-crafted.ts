import { createHash, createPrivateKey, sign } from 'node:crypto';
import type { DkimKeyPair } from './dkim-peer.ts';

/** A signature written by hand: right in every hash, odd in whatever a test wants it to be. */
export interface Craft {
  readonly key: DkimKeyPair;
  readonly header?: 'simple' | 'relaxed';
  readonly body?: 'simple' | 'relaxed';
  /** In place of the usual tags, or beside them; `undefined`: without. */
  readonly tags?: Readonly<Record<string, string | undefined>>;
  /** What the field is to look like before it is signed; it ends in `b=`. */
  readonly rewrite?: (field: string) => string;
  /** What stands behind the signature in the field. */
  readonly tail?: string;
  /** Octets of the canonical body that are signed, for `l=`. */
  readonly length?: number;
}

/**
 * Signs as RFC 6376 §3 reads, without regard to speed or to hostile input: another pair of eyes beside the peers. Lines end
 * in CRLF, and `b=` is the last tag.
 */
export function craft(message: string, { key, header = 'relaxed', body = 'relaxed', ...how }: Craft): Buffer {
  const end = message.indexOf('\r\n\r\n');
  const fields = message.slice(0, end).split(/\r\n(?![ \t])/);
  const canonical = canonicalBody(message.slice(end + 4), body).slice(0, how.length);
  const tags: Record<string, string | undefined> = {
    v: '1',
    a: key.algorithm,
    c: `${header}/${body}`,
    d: key.domain,
    s: key.selector,
    h: 'from:to:subject',
    bh: createHash('sha256').update(canonical, 'latin1').digest('base64'),
    ...how.tags,
  };
  const text = Object.entries(tags).flatMap(([name, value]) => (value === undefined ? [] : [`${name}=${value}; `]));
  const unsigned = (how.rewrite ?? String)(`DKIM-Signature: ${text.join('')}b=`);
  const signed = pick(fields, tags['h'] ?? '').map((field) => `${canonicalField(field, header)}\r\n`);
  const { tail = '' } = how;
  // §3.7: what is hashed of the field has no signature, nor the white space around it.
  const input = signed.join('') + canonicalField(unsigned.trimEnd() + tail.trimStart(), header);
  return Buffer.from(`${unsigned}${signatureOf(input, key)}${tail}\r\n${message}`, 'latin1');
}

/** RFC 8463 §3: Ed25519 signs the SHA-256 hash of the data. */
function signatureOf(input: string, { algorithm, privateKey }: DkimKeyPair): string {
  const bytes = Buffer.from(input, 'latin1');
  const key = createPrivateKey(privateKey);
  if (algorithm === 'rsa-sha256') return sign('sha256', bytes, key).toString('base64');
  return sign(null, createHash('sha256').update(bytes).digest(), key).toString('base64');
}

/** §5.4.2: of fields of one name, the last one first; a name without a field left stands for nothing. */
function pick(fields: readonly string[], names: string): readonly string[] {
  const left = [...fields];
  return names.split(':').flatMap((name) => {
    const wanted = name.trim().toLowerCase();
    const at = left.findLastIndex((field) => field.split(':', 1).join().trim().toLowerCase() === wanted);
    return at === -1 ? [] : left.splice(at, 1);
  });
}

/** §3.4.1, §3.4.2 */
function canonicalField(field: string, canonicalization: 'simple' | 'relaxed'): string {
  if (canonicalization === 'simple') return field;
  const colon = field.indexOf(':');
  const value = field.slice(colon + 1).replaceAll('\r\n', '');
  return `${field.slice(0, colon).trimEnd().toLowerCase()}:${value.replaceAll(/[ \t]+/g, ' ').replaceAll(/^ | $/g, '')}`;
}

/** §3.4.3, §3.4.4 */
function canonicalBody(body: string, canonicalization: 'simple' | 'relaxed'): string {
  const lines = body.split('\r\n');
  const own =
    canonicalization === 'simple' ? lines : lines.map((line) => line.replaceAll(/[ \t]+/g, ' ').replace(/ $/, ''));
  while (own.at(-1) === '') own.pop();
  if (own.length === 0) return canonicalization === 'simple' ? '\r\n' : '';
  return `${own.join('\r\n')}\r\n`;
}
