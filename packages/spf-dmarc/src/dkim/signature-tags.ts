import { type HeaderField, isSubdomainOf, toAsciiDomain } from '@postern/core';
import { parseTagList } from '../tag-list.ts';
import { decodeBase64 } from './base64.ts';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import type { DkimReason, DkimSignatureResult } from './dkim-signature-result.ts';
import { keyRecordName } from './key-record-name.ts';
import type { DkimAlgorithm } from './signing-key.ts';

/** What a DKIM-Signature field says of itself, whether or not it can be judged. What could not be read is empty. */
export type SignatureFacts = Pick<
  DkimSignatureResult,
  | 'domain'
  | 'selector'
  | 'identity'
  | 'algorithm'
  | 'canonicalization'
  | 'signature'
  | 'signedAt'
  | 'expiresAt'
  | 'signedFields'
>;

/** A signature that can be judged once its key and the body are there. */
export interface SignatureTags {
  readonly algorithm: DkimAlgorithm;
  readonly header: DkimCanonicalization;
  readonly body: DkimCanonicalization;
  /** Where the key record stands. */
  readonly keyName: string;
  readonly signature: Uint8Array;
  readonly bodyHash: Uint8Array;
  /** `l=`. */
  readonly bodyLength: number | undefined;
  /** The domain of `i=` is that of `d=`, and no subdomain of it. */
  readonly sameDomain: boolean;
}

/** Why a signature cannot be judged. */
export interface SignatureFault {
  readonly reason: DkimReason;
  readonly detail: string;
}

/** What became of reading a field. */
export type SignatureReading =
  | { readonly ok: true; readonly facts: SignatureFacts; readonly tags: SignatureTags }
  | { readonly ok: false; readonly facts: SignatureFacts; readonly fault: SignatureFault };

/** More names than any header that `HeaderParser` takes by default has fields. */
const MOST_SIGNED_FIELDS = 1_000;
/** RSA of 8,192 bits in base64. */
const LONGEST_SIGNATURE = 1_368;
const LONGEST_QUOTED = 64;
const SHA256_BYTES = 32;

const required = ['a', 'b', 'bh', 'd', 'h', 's'] as const;

/** A DKIM-Signature, or an ARC-Message-Signature: that has no `v=`, and its `i=` is a number (RFC 8617 §4.1.2). */
export type SignatureKind = 'dkim' | 'arc';

/** Of a field that cannot be read, and of a message whose header cannot. */
export const noFacts: SignatureFacts = {
  domain: '',
  selector: '',
  identity: '',
  algorithm: '',
  canonicalization: undefined,
  signature: '',
  signedAt: undefined,
  expiresAt: undefined,
  signedFields: Object.freeze([]),
};

/**
 * Reads a DKIM-Signature field (RFC 6376 §3.5, §6.1.1). Tags that nobody knows are ignored, as are `z=` and what `q=` lists
 * besides `dns/txt`. One pass, at most 64 tags and 1,000 names in `h=`. Never throws.
 */
export function readSignature(field: HeaderField, kind: SignatureKind = 'dkim'): SignatureReading {
  const list = parseTagList(field.value);
  if (!list.ok) {
    const detail = `The signature is no list of tags: ${list.fault} ${JSON.stringify(list.at)}.`;
    return { ok: false, facts: noFacts, fault: { reason: 'syntax', detail } };
  }
  const tag = (name: string): string | undefined => list.tags.get(name);
  const domain = toAsciiDomain(tag('d') ?? '', { underscores: true }) ?? '';
  const selector = readSelector(tag('s') ?? '');
  const keyName = domain === '' ? undefined : keyRecordName(selector, domain);
  const identity = readIdentity(kind === 'arc' ? undefined : tag('i'), domain);
  const signedFields = readNames(tag('h') ?? '');
  const signature = (tag('b') ?? '').replace(/[\t\n\r ]+/g, '');
  const facts: SignatureFacts = {
    domain,
    selector: keyName === undefined ? '' : selector,
    identity: identity?.text ?? '',
    algorithm: (tag('a') ?? '').slice(0, LONGEST_QUOTED).toLowerCase(),
    canonicalization: readCanonicalization(tag('c')),
    signature: signature.slice(0, LONGEST_SIGNATURE),
    signedAt: readNumber(tag('t')),
    expiresAt: readNumber(tag('x')),
    signedFields: signedFields ?? [],
  };
  const bad = (reason: DkimReason, detail: string): SignatureReading => ({
    ok: false,
    facts,
    fault: { reason, detail },
  });

  for (const name of kind === 'arc' ? required : ['v', ...required]) {
    if (!list.tags.has(name)) return bad('missing-tag', `The signature has no ${name}= tag.`);
  }
  // RFC 6376 §3.5: the comparison is of text, "1.0" is another version.
  if (kind === 'dkim' && tag('v') !== '1')
    return bad('version', `No version but 1 of DKIM is known, this is ${quoted(tag('v'))}.`);
  if (domain === '') return bad('syntax', `d= is no domain: ${quoted(tag('d'))}.`);
  if (keyName === undefined) return bad('syntax', `s= is no selector: ${quoted(tag('s'))}.`);
  if (identity === undefined) return bad('syntax', `i= is no identity: ${quoted(tag('i'))}.`);
  if (signedFields === undefined) return bad('syntax', `h= is no list of at most ${MOST_SIGNED_FIELDS} field names.`);
  const { algorithm, canonicalization, signedAt, expiresAt } = facts;
  const bodyHash = decodeBase64(tag('bh') ?? '');
  const signatureBytes = decodeBase64(signature);
  const bodyLength = readNumber(tag('l'));
  if (tag('t') !== undefined && signedAt === undefined) return bad('syntax', 't= is no number.');
  if (tag('x') !== undefined && expiresAt === undefined) return bad('syntax', 'x= is no number.');
  if (tag('l') !== undefined && bodyLength === undefined) return bad('syntax', 'l= is no number.');
  // RFC 6376 §3.5: "The value of the 'x=' tag MUST be greater than the value of the 't=' tag if both are present."
  if (expiresAt !== undefined && expiresAt <= (signedAt ?? -1)) return bad('syntax', 'x= is not later than t=.');
  if (signatureBytes === undefined || signatureBytes.length === 0) return bad('syntax', 'b= is not base64.');

  if (algorithm === 'rsa-sha1') return bad('algorithm', 'RFC 8301 takes rsa-sha1 for no signature.');
  if (!isAlgorithm(algorithm)) return bad('algorithm', `The algorithm ${quoted(algorithm)} is not known.`);
  if (canonicalization === undefined) return bad('canonicalization', `c=${quoted(tag('c'))} is not known.`);
  if (bodyHash?.length !== SHA256_BYTES) return bad('syntax', 'bh= is no hash of SHA-256.');
  if (!asksDns(tag('q'))) return bad('query-method', `None of the query methods ${quoted(tag('q'))} is known.`);
  // RFC 6376 §3.5: i= is in d= or in a subdomain of it.
  if (identity.domain !== domain && !isSubdomainOf(identity.domain, domain)) {
    return bad('identity', `i=${quoted(identity.text)} lies outside of d=${domain}.`);
  }
  // RFC 6376 §5.4: the From field is the one that must be signed.
  if (!signedFields.includes('from')) return bad('from-unsigned', 'The From field is not signed.');
  const { header, body } = canonicalization;
  const sameDomain = identity.domain === domain;
  const tags = { algorithm, header, body, keyName, signature: signatureBytes, bodyHash, bodyLength, sameDomain };
  return { ok: true, facts, tags };
}

function quoted(text: string | undefined): string {
  return JSON.stringify((text ?? '').slice(0, LONGEST_QUOTED));
}

function isAlgorithm(text: string): text is DkimAlgorithm {
  return text === 'rsa-sha256' || text === 'ed25519-sha256';
}

/** RFC 8616 §5: a selector may have U-labels, and DNS is asked for A-labels. `''` when it has and is none. */
function readSelector(text: string): string {
  return /^[\0-\x7f]*$/.test(text) ? text.toLowerCase() : (toAsciiDomain(text, { underscores: true }) ?? '');
}

/** RFC 6376 §3.5: `i=` is an address without a local part, or with one; absent, it is `@` and `d=`. */
function readIdentity(text: string | undefined, domain: string): { text: string; domain: string } | undefined {
  if (text === undefined) return { text: `@${domain}`, domain };
  const at = text.lastIndexOf('@');
  // RFC 5321 §4.1.2: in a local part "@" stands in quotes only.
  if (text.indexOf('@') < at && !text.startsWith('"')) return undefined;
  const ascii = at < 0 || text.length > 512 ? undefined : toAsciiDomain(text.slice(at + 1), { underscores: true });
  return ascii === undefined ? undefined : { text: `${text.slice(0, at)}@${ascii}`, domain: ascii };
}

/** RFC 6376 §3.5: without the part behind the slash the body's is `simple`; without the tag both are. */
function readCanonicalization(text: string | undefined): SignatureFacts['canonicalization'] {
  const [header = '', body = 'simple', more] = (text ?? 'simple/simple').toLowerCase().split('/', 3);
  if (more !== undefined || !isCanonicalization(header) || !isCanonicalization(body)) return undefined;
  return { header, body };
}

function isCanonicalization(text: string): text is DkimCanonicalization {
  return text === 'simple' || text === 'relaxed';
}

/** RFC 6376 §3.5: at most 76 digits of `l=`, 12 of `t=` and `x=`. What is too large for a number is large all the same. */
function readNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^[0-9]{1,76}$/.test(text) ? Number(text) : undefined;
}

/** Names in lower case; `undefined` when one of them is none, or there are too many. */
function readNames(text: string): readonly string[] | undefined {
  // Beyond ASCII there are characters that `toLowerCase` makes ASCII of. White space stands around the colons.
  if (/[^\t\n\r -~]|[^\t\n\r :][\t\n\r ]+[^\t\n\r :]/.test(text)) return undefined;
  const names = text
    .toLowerCase()
    .replace(/[\t\n\r ]+/g, '')
    .split(':', MOST_SIGNED_FIELDS + 1);
  return names.length > MOST_SIGNED_FIELDS || names.includes('') ? undefined : names;
}

/** RFC 6376 §3.5: methods that are not known are passed over. Drafts of it called the one that is known `dns`. */
function asksDns(text: string | undefined): boolean {
  return text === undefined || text.split(':').some((method) => /^[\t\n\r ]*dns(?:\/txt)?[\t\n\r ]*$/i.test(method));
}
