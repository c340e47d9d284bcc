import { isSubdomainOf, OptionReader, readMailbox, toAsciiDomain } from '@postern/core';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import { keyRecordName } from './key-record-name.ts';
import { defaultSignedNames } from './signed-names.ts';
import {
  type DkimAlgorithm,
  type DkimPrivateKey,
  isPrivateKeyInput,
  readSigningKey,
  type SigningKey,
} from './signing-key.ts';

/** `c=`: of the header, then of the body (RFC 6376 §3.4). */
export type DkimCanonicalizations = `${DkimCanonicalization}/${DkimCanonicalization}`;

/** One signature to make. */
export interface DkimSignatureOptions {
  /** `d=`: who takes responsibility for the message. For DMARC it is the domain of `From`, or one above or below it. */
  readonly domain: string;
  /** `s=`: the key record stands at `selector._domainkey.domain`. */
  readonly selector: string;
  /**
   * The private key: RSA of 1,024 to 8,192 bits (2,048 is what RFC 8301 §3.2 advises, and what fits everywhere), or Ed25519.
   * PEM, DER or a `KeyObject`, which saves reading the key again each time.
   */
  readonly key: DkimPrivateKey;
  /** To have it checked that the key is of the kind that is meant. Default: what the key can do. */
  readonly algorithm?: DkimAlgorithm;
  /** How much the message may be altered on its way. Default `relaxed/relaxed`. */
  readonly canonicalization?: DkimCanonicalizations;
  /**
   * The names of the fields to sign, `From` among them. All fields of each name are signed. Default: those of RFC 6376
   * §5.4.1 and those that came later (MIME, `List-Unsubscribe-Post`, `Feedback-ID`, `CFBL-Address`); never `Received` or
   * `Return-Path`.
   */
  readonly headers?: readonly string[];
  /**
   * The names of which no further field may be added, each one of `headers` (RFC 6376 §8.15), `DKIM-Signature` not among
   * them. Default: `From`, `Reply-To`, `Subject`, `To` and `Cc`, also where the message has none; and where it has one, the
   * others that it may have only one of.
   */
  readonly oversign?: readonly string[];
  /**
   * `i=`: on whose behalf the domain signs: `user@domain` or `@domain`, where the domain is `domain` or below it. Default: not
   * said, which means `@domain`.
   */
  readonly identity?: string;
  /** `t=`: when it was signed. Default `true`. */
  readonly timestamp?: boolean;
  /** `x=`: how long the signature holds, from 1,000 to ten years; rounded to seconds. Default: for ever. */
  readonly expiresInMs?: number;
}

/** The options of one signature, read. */
export interface PlannedSignature extends SigningKey {
  readonly domain: string;
  readonly selector: string;
  readonly header: DkimCanonicalization;
  readonly body: DkimCanonicalization;
  /** In lower case, each once. */
  readonly names: readonly string[];
  readonly oversign: ReadonlySet<string> | undefined;
  /** As it stands in the field. */
  readonly identity: string | undefined;
  readonly timestamp: boolean;
  /** Seconds. */
  readonly expiresIn: number | undefined;
}

const MOST_SIGNATURES = 10;
const MOST_NAMES = 100;
/** Ten years: whoever means longer means for ever. */
const LONGEST_MS = 10 * 366 * 86_400_000;
/** RFC 5321 §4.5.3.1.1, in octets. */
const LONGEST_LOCAL_PART = 64;
const canonicalizations = ['relaxed/relaxed', 'relaxed/simple', 'simple/relaxed', 'simple/simple'] as const;
const algorithms = ['rsa-sha256', 'ed25519-sha256'] as const;
const takesNames = `a list of at most ${MOST_NAMES} names of header fields`;

/**
 * Signatures to make, read once: keys are looked at, names checked. Whoever signs more than one message makes one of it, and
 * gives it to `signDkim` and `DkimSigner` where they take signatures.
 *
 * @example
 * ```ts
 * import { readFileSync } from 'node:fs';
 * import { DkimSignatures } from '@postern/spf-dmarc';
 *
 * const key = readFileSync('s2026.pem');
 * const signatures = new DkimSignatures([{ domain: 'example.com', selector: 's2026', key }]);
 * ```
 */
export class DkimSignatures {
  /**
   * In their order.
   *
   * @internal
   */
  readonly planned: readonly PlannedSignature[];

  /**
   * @param signatures - 1 to 10, in the order in which they come to stand in the header
   * @throws TypeError or RangeError that names the option: a key of another kind, RSA of less than 1,024 bits, `headers`
   * without `From`, an identity outside of the domain
   */
  constructor(signatures: readonly DkimSignatureOptions[]) {
    if (!Array.isArray(signatures)) throw new TypeError('DkimSignatures: it takes a list of signatures');
    if (signatures.length === 0 || signatures.length > MOST_SIGNATURES) {
      throw new RangeError(`DkimSignatures: it takes 1 to ${MOST_SIGNATURES} signatures, got ${signatures.length}`);
    }
    this.planned = signatures.map((each, at) => plannedSignature(`DkimSignatures: signatures[${at}]`, each));
  }
}

function plannedSignature(owner: string, options: unknown): PlannedSignature {
  const read = new OptionReader(owner, options);
  const domain = toAsciiDomain(read.required('domain', isText, 'a domain'));
  if (domain === undefined) return read.refuse('domain', 'a domain');
  const selector = read.required('selector', isText, 'a selector').toLowerCase();
  if (keyRecordName(selector, domain) === undefined) {
    return read.refuse(
      'selector',
      'labels of letters, digits and inner hyphens, in the DNS a name of at most 253 characters',
    );
  }
  const key = readSigningKey(owner, read.required('key', isPrivateKeyInput, 'a private key'));
  const algorithm = read.oneOf('algorithm', algorithms, key.algorithm);
  if (algorithm !== key.algorithm) {
    throw new TypeError(`${owner}: option "algorithm" is ${algorithm}, and the key can do ${key.algorithm} only`);
  }
  const [header, body] = canonicalizationPair(read.oneOf('canonicalization', canonicalizations, 'relaxed/relaxed'));
  const names = read.value('headers', isNameList, takesNames) ?? defaultSignedNames;
  const lower = [...new Set(names.map((name) => name.toLowerCase()))];
  // RFC 6376 §5.4: the From field MUST be signed.
  if (!lower.includes('from')) return read.refuse('headers', 'a list with "From"');
  const sealed = read.value('oversign', isNameList, takesNames)?.map((name) => name.toLowerCase());
  if (sealed?.some((name) => !lower.includes(name)))
    return read.refuse('oversign', 'names that stand in "headers" too');
  // Every further signature is such a field, and to some verifiers this very one is.
  if (sealed?.includes('dkim-signature')) return read.refuse('oversign', 'a list without "DKIM-Signature"');
  const identity = read.value('identity', isText, 'an address');
  const tag = identity === undefined ? undefined : identityTag(identity, domain);
  if (identity !== undefined && tag === undefined) {
    return read.refuse('identity', 'user@domain or @domain, where the domain is that of the signature or below it');
  }
  const expires = read.value('expiresInMs', isNumber, 'a whole number ≥ 1000') !== undefined;
  const expiresInMs = read.integer('expiresInMs', 1_000, { min: 1_000, max: LONGEST_MS });
  const planned: PlannedSignature = {
    ...key,
    domain,
    selector,
    header,
    body,
    names: lower,
    oversign: sealed === undefined ? undefined : new Set(sealed),
    identity: tag,
    timestamp: read.boolean('timestamp', true),
    expiresIn: expires ? Math.round(expiresInMs / 1_000) : undefined,
  };
  read.done();
  return planned;
}

function canonicalizationPair(text: DkimCanonicalizations): readonly [DkimCanonicalization, DkimCanonicalization] {
  switch (text) {
    case 'relaxed/relaxed':
      return ['relaxed', 'relaxed'];
    case 'relaxed/simple':
      return ['relaxed', 'simple'];
    case 'simple/relaxed':
      return ['simple', 'relaxed'];
    case 'simple/simple':
      return ['simple', 'simple'];
  }
}

/**
 * The address as `i=` holds it (RFC 6376 §3.5): its local part, which may be empty and else is one of RFC 5321 §4.1.2, in
 * `dkim-quoted-printable` (§2.11).
 */
function identityTag(identity: string, domain: string): string | undefined {
  const at = identity.lastIndexOf('@');
  const below = toAsciiDomain(identity.slice(at + 1));
  if (at < 0 || below === undefined || (below !== domain && !isSubdomainOf(below, domain))) return undefined;
  if (at > 0 && readMailbox(identity) === undefined) return undefined;
  const local = Buffer.from(identity.slice(0, at));
  if (local.length > LONGEST_LOCAL_PART) return undefined;
  let text = '';
  for (const byte of local) {
    const plain = byte > 0x20 && byte < 0x7f && byte !== 0x3b && byte !== 0x3d;
    text += plain ? String.fromCharCode(byte) : `=${byte.toString(16).toUpperCase().padStart(2, '0')}`;
  }
  return `${text}@${below}`;
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

/** RFC 5322 §3.6.8: printable ASCII without the colon; a semicolon would end `h=` (RFC 6376 §3.2). */
function isNameList(value: unknown): value is readonly string[] {
  if (!Array.isArray(value) || value.length > MOST_NAMES) return false;
  return value.every((name) => typeof name === 'string' && /^[!-9<-~]{1,76}$/.test(name));
}
