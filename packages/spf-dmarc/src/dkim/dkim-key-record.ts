import { shownText } from '../shown-text.ts';
import { parseTagList } from '../tag-list.ts';
import { decodeBase64 } from './base64.ts';

/** The key types of RFC 6376 §3.6.1 and RFC 8463 §4. */
export type DkimKeyType = 'rsa' | 'ed25519';

/** What a DKIM key record says (RFC 6376 §3.6.1). Tags that are not listed here are ignored, as the RFC asks. */
export interface DkimKeyRecord {
  /** `k=`; `rsa` where the tag is absent. */
  readonly keyType: DkimKeyType;
  /**
   * `p=`, decoded: a SubjectPublicKeyInfo or a bare RSAPublicKey, or the 32 bytes of an Ed25519 key. No bytes at all: the
   * key has been revoked. What the bytes are worth only `publicKeyOf` knows.
   */
  readonly keyData: Uint8Array;
  /** `h=`: the hash algorithms that signatures by this key may use, in lower case; `undefined`: all of them. */
  readonly hashes: readonly string[] | undefined;
  /** `s=`: the services that the key is for, in lower case; `*` is any. */
  readonly services: readonly string[];
  /** `t=`, in lower case. */
  readonly flags: readonly string[];
  /** `t=y`: the domain tests DKIM. Its mail is to be treated as if it were not signed when the signature fails. */
  readonly testing: boolean;
  /** `t=s`: the domain of `i=` must be that of `d=`, and no subdomain of it. */
  readonly strict: boolean;
  /** `n=`, as it stands there. For people; nothing may depend on it. */
  readonly notes: string | undefined;
}

/**
 * Why a TXT record is no DKIM key.
 *
 * - `too-long`: more than 16,384 characters.
 * - `not-dkim`: it begins with the version of something else, such as `v=spf1`, or has neither `v=` nor `p=`.
 * - `bad-syntax`: no tag list (RFC 6376 §3.2): an empty or repeated tag, a tag without a value.
 * - `version-not-first`: `v=` stands behind another tag, against RFC 6376 §3.6.1.
 * - `no-key-data`: there is no `p=`. (One that is empty revokes the key, and is no fault.)
 * - `bad-base64`: `p=` is not base64.
 * - `unknown-key-type`: `k=` is neither `rsa` nor `ed25519`.
 */
export type DkimKeyRecordFault =
  | 'too-long'
  | 'not-dkim'
  | 'bad-syntax'
  | 'version-not-first'
  | 'no-key-data'
  | 'bad-base64'
  | 'unknown-key-type';

/** What became of reading a record. `detail` is one sentence for a person, without the full stop. */
export type ParsedDkimKeyRecord =
  | { readonly ok: true; readonly record: DkimKeyRecord }
  | { readonly ok: false; readonly fault: DkimKeyRecordFault; readonly detail: string };

/** An RSA key of 16,384 bits, which is twice the most that is accepted, has 2,800 characters. */
const LONGEST_RECORD = 16_384;
/** What of a bad value a person gets to see. */
const LONGEST_QUOTED = 64;

/**
 * Reads a DKIM key record (RFC 6376 §3.6.1, RFC 8463 §4): the text of the TXT record at `selector._domainkey.domain`.
 *
 * One pass over at most 16,384 characters. Never throws on a string.
 *
 * @param text - the character-strings of the record, joined
 *
 * @example
 * ```ts
 * import { parseDkimKeyRecord } from '@postern/spf-dmarc';
 *
 * const parsed = parseDkimKeyRecord('v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=');
 * parsed.ok && parsed.record.keyType; // 'ed25519'
 * ```
 */
export function parseDkimKeyRecord(text: string): ParsedDkimKeyRecord {
  if (text.length > LONGEST_RECORD) {
    return bad('too-long', `the record has ${text.length} characters, more than ${LONGEST_RECORD}`);
  }
  const list = parseTagList(text);
  if (!list.ok) return bad('bad-syntax', `the record is no list of tags: ${list.fault} ${quoted(list.at)}`.trimEnd());
  const { tags } = list;

  // RFC 6376 §3.6.1: "This tag MUST be the first tag in the record. Records beginning with a 'v=' tag with any other value
  // MUST be discarded." The comparison is of plain text, with regard to case.
  const version = tags.get('v');
  if (version !== undefined && version !== 'DKIM1') return bad('not-dkim', `its version is ${quoted(version)}`);
  if (version !== undefined && tags.keys().next().value !== 'v') {
    return bad('version-not-first', 'the tag v= is not the first one');
  }

  const p = tags.get('p');
  if (p === undefined) {
    return version === undefined
      ? bad('not-dkim', 'the record has neither v= nor p=')
      : bad('no-key-data', 'the record has no p=');
  }
  const keyType = tags.get('k') ?? 'rsa';
  if (keyType !== 'rsa' && keyType !== 'ed25519') {
    return bad('unknown-key-type', `the type of the key is ${quoted(keyType)}`);
  }
  const keyData = decodeBase64(p);
  if (keyData === undefined) return bad('bad-base64', 'p= is not base64');

  const flags = wordList(tags.get('t') ?? '');
  const hashes = tags.get('h');
  const record: DkimKeyRecord = {
    keyType,
    keyData,
    hashes: hashes === undefined ? undefined : wordList(hashes),
    services: wordList(tags.get('s') ?? '*'),
    flags,
    testing: flags.includes('y'),
    strict: flags.includes('s'),
    notes: tags.get('n'),
  };
  return { ok: true, record };
}

/** Whether the key may be used for mail (RFC 6376 §3.6.1, `s=`). */
export function isForEmail(record: DkimKeyRecord): boolean {
  return record.services.includes('*') || record.services.includes('email');
}

/** Whether signatures by this key may use the hash (RFC 6376 §3.6.1, `h=`). */
export function allowsHash(record: DkimKeyRecord, hash: string): boolean {
  return record.hashes === undefined || record.hashes.includes(hash);
}

function bad(fault: DkimKeyRecordFault, detail: string): ParsedDkimKeyRecord {
  return { ok: false, fault, detail };
}

function quoted(text: string): string {
  return text === '' ? '' : `"${shownText(text, LONGEST_QUOTED)}"`;
}

/**
 * Words with colons and white space between them. RFC 6376 §3.6.1: what is not recognized is ignored, so what cannot be
 * recognized needs no fault of its own. A list without a word names nothing: no hash, no service, no flag.
 */
function wordList(text: string): readonly string[] {
  const words = text.split(':').map((word) => word.trim().toLowerCase());
  return words.filter((word) => word !== '');
}
