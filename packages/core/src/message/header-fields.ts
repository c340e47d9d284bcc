/** One field of a message header (RFC 5322 §2.2). */
export interface HeaderField {
  /** As written. */
  readonly name: string;
  /** The whole field as bytes, from its name to its last CRLF: what signatures are made over. */
  readonly raw: Uint8Array;
  /** Unfolded (RFC 5322 §2.2.3) and trimmed; bytes outside ASCII read as UTF-8 (RFC 6532). */
  readonly value: string;
}

/** The header of a message, parsed once for everyone. Field names compare without regard to case. */
export interface HeaderFields extends Iterable<HeaderField> {
  /** All fields from top to bottom. */
  readonly fields: readonly HeaderField[];
  /** The topmost field of that name. */
  first(name: string): HeaderField | undefined;
  /** All fields of that name from top to bottom. */
  all(name: string): readonly HeaderField[];
  /** The whole header as bytes, without the empty line that ends it; the `raw` of each field is a part of this memory. */
  readonly raw: Uint8Array;
  /** Bytes of `raw`. */
  readonly byteLength: number;
}
