import { generateKeyPair, type KeyObject } from 'node:crypto';
import { promisify } from 'node:util';
import { abortable, OptionReader, toAsciiDomain } from '@postern/core';
import { keyRecordName } from './key-record-name.ts';
import type { DkimAlgorithm } from './signing-key.ts';

/** Which key to make, and where its record is to stand. */
export interface DkimKeyOptions {
  readonly domain: string;
  /** A new one for each key, so that mail signed with the one before it still verifies: `s2026`, `202611`. */
  readonly selector: string;
  /**
   * Default `rsa-sha256`, which every receiver knows. Sign with an `ed25519-sha256` key besides it, not instead of it: many
   * receivers do not know it yet.
   */
  readonly algorithm?: DkimAlgorithm;
  /** Of an RSA key: 1,024 to 8,192. Default 2,048; receivers need not take more than 4,096 (RFC 8301 §3.2). */
  readonly bits?: number;
  /** `t=y`: receivers treat mail whose signature fails as unsigned. Default `false`. */
  readonly testing?: boolean;
  /** `t=s`: the domain of `i=` is `domain`, and no subdomain of it. Default `false`. */
  readonly strict?: boolean;
  /** Ends the wait: rejects with its reason. The key that is being made is thrown away. */
  readonly signal?: AbortSignal;
}

/** A new key, and what to publish of it. */
export interface GeneratedDkimKey {
  /** PKCS #8 in PEM. To be kept secret. */
  readonly privateKey: string;
  /** Where the record stands: `s2026._domainkey.example.com`. */
  readonly name: string;
  /** The text of the TXT record. */
  readonly record: string;
  /** The same in parts of at most 255 octets, which is what a character-string of the DNS can hold (RFC 1035 §3.3). */
  readonly strings: readonly string[];
  /** The record as a line for a zone file (RFC 1035 §5.1). */
  readonly zoneLine: string;
}

const generatePair = promisify(generateKeyPair);
const LONGEST_STRING = 255;
/** What stands before the 32 bytes of an Ed25519 key in its SubjectPublicKeyInfo (RFC 8410 §4), in bytes. */
const ED25519_PREFIX_BYTES = 12;

/**
 * Makes a key for DKIM, in the thread pool: an RSA key of 2,048 bits takes a tenth of a second, one of 8,192 minutes.
 *
 * @throws TypeError or RangeError that names the option (as a rejection)
 *
 * @example
 * ```ts
 * import { generateDkimKey } from '@postern/spf-dmarc';
 *
 * const key = await generateDkimKey({ domain: 'example.com', selector: 's2026' });
 * key.zoneLine; // 's2026._domainkey.example.com. IN TXT ( "v=DKIM1; k=rsa; p=MIIB…" "…AQAB" )'
 * ```
 */
export async function generateDkimKey(options: DkimKeyOptions): Promise<GeneratedDkimKey> {
  const read = new OptionReader('generateDkimKey', options);
  const domain = toAsciiDomain(read.required('domain', isText, 'a domain'));
  if (domain === undefined) return read.refuse('domain', 'a domain');
  const name = keyRecordName(read.required('selector', isText, 'a selector'), domain);
  if (name === undefined) return read.refuse('selector', 'labels of letters, digits and inner hyphens');
  const algorithm = read.oneOf('algorithm', ['rsa-sha256', 'ed25519-sha256'], 'rsa-sha256');
  if (algorithm !== 'rsa-sha256' && options.bits !== undefined)
    return read.refuse('bits', 'left out: the size of an Ed25519 key is fixed');
  const bits = read.integer('bits', 2_048, { min: 1_024, max: 8_192 });
  const flags = [read.boolean('testing', false) ? 'y' : '', read.boolean('strict', false) ? 's' : ''].filter(Boolean);
  const signal = read.signal('signal');
  read.done();
  signal?.throwIfAborted();

  const { privateKey, publicKey } = await abortable(generate(algorithm, bits), signal);
  const bytes = publicKey.export({ format: 'der', type: 'spki' });
  const data = algorithm === 'rsa-sha256' ? bytes : bytes.subarray(ED25519_PREFIX_BYTES);
  const t = flags.length > 0 ? ` t=${flags.join(':')};` : '';
  const k = algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519';
  const record = `v=DKIM1; k=${k};${t} p=${data.toString('base64')}`;
  const strings: string[] = [];
  for (let from = 0; from < record.length; from += LONGEST_STRING)
    strings.push(record.slice(from, from + LONGEST_STRING));
  const quoted = strings.map((string) => `"${string}"`).join(' ');
  return {
    privateKey: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    name,
    record,
    strings,
    zoneLine: `${name}. IN TXT ${strings.length > 1 ? `( ${quoted} )` : quoted}`,
  };
}

interface KeyPair {
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

function generate(algorithm: DkimAlgorithm, bits: number): Promise<KeyPair> {
  return algorithm === 'rsa-sha256' ? generatePair('rsa', { modulusLength: bits }) : generatePair('ed25519', {});
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
