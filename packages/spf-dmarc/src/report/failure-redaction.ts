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

  /** An address; what has no `@` is all local part, and what begins with it has none. */
  address(address: string): string {
    const at = address.lastIndexOf('@');
    if (address === '' || at === 0) return address;
    return at < 0 ? this.#name(address) : `${this.#name(address.slice(0, at))}${address.slice(at)}`;
  }

  /**
   * The value of a header field with each local part in it replaced: what stands before an `@`, a dot-atom or a quoted
   * string. Text that is none may go as well, as people write more loosely than RFC 5322 has it. Linear in the value.
   *
   * @param most - so many characters are looked at and written, about: a name costs some microseconds
   */
  field(name: string, value: string, most: number): string {
    if (KEPT_FIELDS.has(name.toLowerCase())) return value;
    let redacted = '';
    let from = 0;
    let before = 0;
    for (let at = value.indexOf('@'); at >= 0 && redacted.length <= most; at = value.indexOf('@', at + 1)) {
      const start = localPartStart(value, Math.max(from, before), at);
      before = at + 1;
      if (start === at) continue;
      redacted += value.slice(from, start) + this.#name(value.slice(start, at));
      from = at;
    }
    return redacted.length > most ? redacted : redacted + value.slice(from);
  }

  #name(localPart: string): string {
    return createHmac('sha256', this.#key).update(localPart).digest('base64url').slice(0, NAME_LENGTH);
  }
}

/** Where the local part begins that ends at `at`; not before `floor`. */
function localPartStart(value: string, floor: number, at: number): number {
  const end = withoutSpace(value, floor, at);
  if (end > floor && value.charCodeAt(end - 1) === QUOTE) return quotedStart(value, floor, end - 1);
  let start = end;
  while (start > floor && isLocalPartCode(value.charCodeAt(start - 1))) start--;
  return start === end ? at : start;
}

/** RFC 5322 §4.4: white space and comments may stand between the local part and the `@`. */
function withoutSpace(value: string, floor: number, from: number): number {
  let end = from;
  while (end > floor && (isSpace(value.charCodeAt(end - 1)) || value[end - 1] === ')')) {
    if (value[end - 1] === ')') while (end > floor + 1 && value[end - 1] !== '(') end--;
    end--;
  }
  return end;
}

/** Of the string whose closing quote stands at `close`. */
function quotedStart(value: string, floor: number, close: number): number {
  let open = close - 1;
  while (open > floor && (value.charCodeAt(open) !== QUOTE || value[open - 1] === '\\')) open--;
  return Math.max(open, floor);
}

function isSpace(code: number): boolean {
  return code === 0x20 || code === 0x09 || code === 0x0a || code === 0x0d;
}

/** RFC 5322 §3.2.3 `atext` and the dot, beyond ASCII as well (RFC 6532), and what stands percent-encoded in URIs. */
function isLocalPartCode(code: number): boolean {
  if (code === AT || code <= 0x20 || code === 0x7f) return false;
  // ( ) , : ; < > [ \ ] "
  return !'(),:;<>[\\]"'.includes(String.fromCharCode(code));
}
