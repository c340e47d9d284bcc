/** What a `DKIM-Signature` field says, besides the signature itself. */
export interface SignatureTags {
  readonly algorithm: string;
  /** `relaxed/simple` */
  readonly canonicalization: string;
  readonly domain: string;
  readonly selector: string;
  /** As it stands in the field: a `dkim-quoted-printable`. */
  readonly identity: string | undefined;
  /** Seconds since the epoch. */
  readonly signedAt: number | undefined;
  /** Seconds since the epoch. */
  readonly expiresAt: number | undefined;
  readonly signedNames: readonly string[];
  readonly bodyHash: Uint8Array;
}

/** RFC 5322 §2.1.1 asks for 78 octets at most; two less leave room for the quotes of those who forward. */
const WIDTH = 76;
const NAME = 'DKIM-Signature:';

/** The value up to `b=`, and up to there as long as the signature is being made. */
export interface UnsignedField {
  /** The whole field up to and with `b=`, without a CRLF. */
  readonly text: string;
  /** How far its last line reaches. */
  readonly column: number;
}

/**
 * The field without its signature (RFC 6376 §3.5). The same tags always give the same text: folded so that no line passes
 * 76 columns where that can be, between tags, between the names of `h=` and within base64 (RFC 6376 §3.2).
 */
export function formatUnsignedField(tags: SignatureTags): UnsignedField {
  const line = new FoldedLine(NAME);
  line.word(' v=1;');
  line.word(` a=${tags.algorithm};`);
  line.word(` c=${tags.canonicalization};`);
  line.word(` d=${tags.domain};`);
  line.word(` s=${tags.selector};`);
  if (tags.identity !== undefined) line.word(` i=${tags.identity};`);
  if (tags.signedAt !== undefined) line.word(` t=${tags.signedAt};`);
  if (tags.expiresAt !== undefined) line.word(` x=${tags.expiresAt};`);
  const { signedNames } = tags;
  for (const [at, name] of signedNames.entries()) {
    line.word(`${at === 0 ? ' h=' : ''}${name}${at + 1 < signedNames.length ? ':' : ';'}`);
  }
  line.word(` bh=${Buffer.from(tags.bodyHash).toString('base64')};`);
  line.word(' b=');
  return { text: line.text, column: line.column };
}

/** The whole field, with its CRLF. */
export function formatSignedField(unsigned: UnsignedField, signature: Uint8Array): string {
  const line = new FoldedLine(unsigned.text, unsigned.column);
  line.letters(Buffer.from(signature).toString('base64'));
  return `${line.text}\r\n`;
}

/** Text that is folded where it would pass the width; each line but the first begins with one space. */
class FoldedLine {
  text: string;
  column: number;

  constructor(text: string, column = text.length) {
    this.text = text;
    this.column = column;
  }

  /** What stays together. Its leading space, if it has one, is that of the new line when it begins one. */
  word(word: string): void {
    if (this.column + word.length <= WIDTH) {
      this.text += word;
      this.column += word.length;
      return;
    }
    const inner = word.startsWith(' ') ? word : ` ${word}`;
    this.text += `\r\n${inner}`;
    this.column = inner.length;
  }

  /** What may be broken anywhere. */
  letters(letters: string): void {
    let rest = letters;
    while (rest.length > 0) {
      if (this.column >= WIDTH) {
        this.text += '\r\n ';
        this.column = 1;
      }
      const part = rest.slice(0, WIDTH - this.column);
      this.text += part;
      this.column += part.length;
      rest = rest.slice(part.length);
    }
  }
}
