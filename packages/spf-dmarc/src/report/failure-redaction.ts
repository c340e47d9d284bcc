import { createHmac } from 'node:crypto';

const AT = 0x40;
const QUOTE = 0x22;
/** 96 bits: the same local part has the same name in all reports, and no two are likely to share one. */
const NAME_LENGTH = 16;
/** What tells messages apart for the domain owner; its left side names no mailbox. */
const KEPT_FIELDS: ReadonlySet<string> = new Set(['message-id']);

/**
 * Puts a name made with a secret key in the place of local parts (RFC 6590 §2): the reader of several reports can see
 * that they are about the same mailbox, and not which. The key stays the same for as long as that is to be so.
 */
export class Redaction {
  readonly #key: Uint8Array;

  constructor(key: Uint8Array) {
    this.#key = key;
  }

  /** An address; what has no `@` is all local part. */
  address(address: string): string {
    if (address === '') return '';
    const at = address.lastIndexOf('@');
    return at < 0 ? this.#name(address) : `${this.#name(address.slice(0, at))}${address.slice(at)}`;
  }

  /**
   * The value of a header field with each local part in it replaced: what stands before an `@`, a dot-atom or a quoted
   * string. One pass.
   */
  field(name: string, value: string): string {
    if (KEPT_FIELDS.has(name.toLowerCase())) return value;
    let redacted = '';
    let from = 0;
    for (let at = value.indexOf('@'); at >= 0; at = value.indexOf('@', at + 1)) {
      const start = localPartStart(value, from, at);
      if (start === at) continue;
      redacted += value.slice(from, start) + this.#name(value.slice(start, at));
      from = at;
    }
    return redacted + value.slice(from);
  }

  #name(localPart: string): string {
    return createHmac('sha256', this.#key).update(localPart).digest('base64url').slice(0, NAME_LENGTH);
  }
}

/** Where the local part begins that ends at `at`; not before `from`. */
function localPartStart(value: string, from: number, at: number): number {
  let start = at;
  if (value.charCodeAt(at - 1) === QUOTE) {
    const open = value.lastIndexOf('"', at - 2);
    return Math.max(open, from);
  }
  while (start > from && isLocalPartCode(value.charCodeAt(start - 1))) start--;
  return start;
}

/** RFC 5322 §3.2.3 `atext` and the dot, beyond ASCII as well (RFC 6532), and what stands percent-encoded in URIs. */
function isLocalPartCode(code: number): boolean {
  if (code === AT || code <= 0x20 || code === 0x7f) return false;
  // ( ) , : ; < > [ \ ] "
  return !'(),:;<>[\\]"'.includes(String.fromCharCode(code));
}
