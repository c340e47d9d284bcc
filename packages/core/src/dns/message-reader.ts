/** A message that cannot be read. Never leaves the decoder: there it becomes a `failure`/`malformed`. */
export class MalformedMessage extends Error {}

/** RFC 1035 §2.3.4: what a name takes at most on the wire, length octets and the root's included. */
const MAX_NAME_BYTES = 255;

/**
 * What all names of a message take at most, pointers followed: twice the longest message. Without it 64 KB of records
 * that all point at the longest name, in the smallest steps, take half a second to read.
 */
const MAX_ALL_NAME_BYTES = 2 * 65_535;

/** More pointers than a name has labels lead nowhere. */
const MAX_POINTERS = 127;

const DOT = 0x2e;
const BACKSLASH = 0x5c;

/**
 * A label that text cannot show as it is, written as in master files (RFC 1035 §5.1): a dot or a NUL inside a label
 * cannot pose as another name. `toDnsName` refuses such a name, so nothing can be looked up under it.
 */
function escapedLabel(message: Buffer, start: number, end: number): string {
  let text = '';
  for (const octet of message.subarray(start, end)) {
    if (octet <= 0x20 || octet >= 0x7f) text += `\\${String(octet).padStart(3, '0')}`;
    else if (octet === DOT || octet === BACKSLASH) text += `\\${String.fromCharCode(octet)}`;
    else text += String.fromCharCode(octet);
  }
  return text;
}

function labelText(message: Buffer, start: number, end: number): string {
  for (let at = start; at < end; at++) {
    const octet = message[at] ?? 0;
    if (octet <= 0x20 || octet >= 0x7f || octet === DOT || octet === BACKSLASH)
      return escapedLabel(message, start, end);
  }
  return message.toString('latin1', start, end);
}

/** Reads a DNS message from front to back; every read is checked against the message's end. */
export class MessageReader {
  readonly message: Buffer;
  offset: number;
  #nameBytes = 0;

  constructor(message: Buffer, offset: number) {
    this.message = message;
    this.offset = offset;
  }

  uint8(): number {
    const octet = this.message[this.offset];
    if (octet === undefined) throw new MalformedMessage('it ends inside a record');
    this.offset++;
    return octet;
  }

  uint16(): number {
    return (this.uint8() << 8) | this.uint8();
  }

  uint32(): number {
    return this.uint16() * 0x10000 + this.uint16();
  }

  /** The next `length` octets as text, one latin1 character each. */
  text(length: number): string {
    const start = this.skip(length);
    return this.message.toString('latin1', start, this.offset);
  }

  /** The next `length` octets in lower-case hexadecimal. */
  hex(length: number): string {
    const start = this.skip(length);
    return this.message.toString('hex', start, this.offset);
  }

  /** Passes over `length` octets and says where they start. */
  skip(length: number): number {
    const start = this.offset;
    if (length < 0 || start + length > this.message.length) throw new MalformedMessage('it ends inside a record');
    this.offset = start + length;
    return start;
  }

  /**
   * A name, compressed or not (RFC 1035 §4.1.4), in lower case and without the trailing dot; the root is `''`. Octets that
   * text cannot show come escaped.
   */
  name(): string {
    const { message } = this;
    let at = this.offset;
    let text = '';
    let wireBytes = 1;
    let pointers = 0;
    // A pointer leads to a prior occurrence, so each must point before the place that the one before it led to.
    let before = at;
    for (;;) {
      const length = message[at++];
      if (length === undefined) throw new MalformedMessage('it ends inside a name');
      if (length === 0) break;
      if (length < 0x40) {
        wireBytes += length + 1;
        if (wireBytes > MAX_NAME_BYTES) throw new MalformedMessage('a name has more than 255 octets');
        if (at + length > message.length) throw new MalformedMessage('it ends inside a name');
        text = text === '' ? labelText(message, at, at + length) : `${text}.${labelText(message, at, at + length)}`;
        at += length;
      } else {
        // RFC 6891 §5: the other two label types are not in use.
        if (length < 0xc0) throw new MalformedMessage('a label has an unknown type');
        const low = message[at++];
        if (low === undefined) throw new MalformedMessage('it ends inside a name');
        if (pointers === 0) this.offset = at;
        at = ((length & 0x3f) << 8) | low;
        if (at >= before || ++pointers > MAX_POINTERS) throw new MalformedMessage('a compressed name does not end');
        before = at;
      }
    }
    if (pointers === 0) this.offset = at;
    this.#nameBytes += wireBytes;
    if (this.#nameBytes > MAX_ALL_NAME_BYTES) throw new MalformedMessage('its names are too long together');
    return text.toLowerCase();
  }

  /** Passes over a name without following its pointers. */
  skipName(): void {
    for (;;) {
      const length = this.uint8();
      if (length === 0) return;
      if (length >= 0xc0) {
        this.skip(1);
        return;
      }
      if (length >= 0x40) throw new MalformedMessage('a label has an unknown type');
      this.skip(length);
    }
  }
}
