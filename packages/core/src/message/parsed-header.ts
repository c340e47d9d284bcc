import type { HeaderField, HeaderFields } from './header-fields.ts';

/** Where a field stands in the bytes of its header. */
export interface FieldSpan {
  readonly start: number;
  readonly nameEnd: number;
  /** Behind the colon. */
  readonly valueStart: number;
  /** Behind its last line; grows while the field is being read and its lines are folded. */
  end: number;
}

const TAB = 0x09;
const LF = 0x0a;
const CR = 0x0d;
const SPACE = 0x20;

/** A field that decodes its parts when somebody asks for them: most of a header is never looked at. */
class ParsedField implements HeaderField {
  readonly #bytes: Buffer;
  readonly #span: FieldSpan;
  #name: string | undefined;
  #raw: Uint8Array | undefined;
  #value: string | undefined;

  constructor(bytes: Buffer, span: FieldSpan) {
    this.#bytes = bytes;
    this.#span = span;
  }

  get name(): string {
    this.#name ??= this.#bytes.toString('latin1', this.#span.start, this.#span.nameEnd);
    return this.#name;
  }

  get raw(): Uint8Array {
    const { start, end } = this.#span;
    this.#raw ??= new Uint8Array(this.#bytes.buffer, this.#bytes.byteOffset + start, end - start);
    return this.#raw;
  }

  get value(): string {
    this.#value ??= this.#decode();
    return this.#value;
  }

  #decode(): string {
    let from = this.#span.valueStart;
    let to = this.#span.end;
    while (from < to && isBlank(this.#bytes[from])) from++;
    while (to > from && isBlank(this.#bytes[to - 1])) to--;
    // Bytes that are not UTF-8 become U+FFFD.
    const text = this.#bytes.toString('utf8', from, to);
    // RFC 5322 §2.2.3: each line break in a field stands before the white space of a folded line, and only it goes.
    return text.includes('\n') ? text.replace(/\r?\n/g, '') : text;
  }
}

function isBlank(byte: number | undefined): boolean {
  return byte === SPACE || byte === TAB || byte === CR || byte === LF;
}

/** The fields of a header over one contiguous buffer. What `HeaderParser` makes. */
export class ParsedHeader implements HeaderFields {
  readonly fields: readonly HeaderField[];
  readonly raw: Uint8Array;
  readonly byteLength: number;
  readonly #spans: readonly FieldSpan[];
  #byName: Map<string, HeaderField[]> | undefined;

  /**
   * @param bytes - the header and nothing else; nobody changes them any more
   * @param spans - its fields from top to bottom
   */
  constructor(bytes: Uint8Array, spans: readonly FieldSpan[]) {
    const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    this.fields = spans.map((span) => new ParsedField(buffer, span));
    this.#spans = spans;
    this.raw = bytes;
    this.byteLength = bytes.byteLength;
  }

  first(name: string): HeaderField | undefined {
    return this.#index().get(name.toLowerCase())?.[0];
  }

  all(name: string): readonly HeaderField[] {
    return this.#index().get(name.toLowerCase()) ?? [];
  }

  [Symbol.iterator](): Iterator<HeaderField> {
    return this.fields[Symbol.iterator]();
  }

  #index(): Map<string, HeaderField[]> {
    if (this.#byName !== undefined) return this.#byName;
    const index = new Map<string, HeaderField[]>();
    // All at once: to decode each name by itself takes several times as long.
    const text = Buffer.from(this.raw.buffer, this.raw.byteOffset, this.byteLength).toString('latin1').toLowerCase();
    for (const [at, field] of this.fields.entries()) {
      const span = this.#spans[at];
      if (span === undefined) break;
      const key = text.slice(span.start, span.nameEnd);
      const sameName = index.get(key);
      if (sameName === undefined) index.set(key, [field]);
      else sameName.push(field);
    }
    this.#byName = index;
    return index;
  }
}
