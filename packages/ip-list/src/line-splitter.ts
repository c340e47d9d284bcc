import { StringDecoder } from 'node:string_decoder';

const LINE_FEED = 0x0a;
const BYTE_ORDER_MARK = 0xfeff;

/** What a `LineSplitter` calls with each line, or instead of it. */
export interface LineReceiver {
  line(text: string, number: number): void;
  badLine(reason: 'line-too-long' | 'nul', number: number): void;
}

/**
 * Cuts text that comes in pieces into lines. LF, CR LF and CR end a line; bytes are UTF-8, where what is none becomes
 * U+FFFD; a byte order mark at the start is left out. Of a line that is too long nothing is kept, so that memory is bounded
 * by the longest line and the largest piece. Linear.
 */
export class LineSplitter {
  readonly #receiver: LineReceiver;
  readonly #maxLength: number;
  readonly #decoder = new StringDecoder('utf8');
  #number = 1;
  /** The beginning of a line whose end has not come. */
  #pending = '';
  #tooLong = false;
  /** A CR was the last character: an LF that follows it ends no other line. */
  #afterReturn = false;
  #atStart = true;
  /** Lines are searched for NUL only behind a piece that has one. */
  #nul = false;

  /** @param maxLength - of a line, in UTF-16 units */
  constructor(receiver: LineReceiver, maxLength: number) {
    this.#receiver = receiver;
    this.#maxLength = maxLength;
  }

  push(piece: string | Uint8Array): void {
    const text = typeof piece === 'string' ? piece : this.#decoder.write(piece);
    if (text !== '') this.#split(text);
  }

  /** After the last piece: an unfinished line is a line. */
  end(): void {
    const rest = this.#decoder.end();
    if (rest !== '') this.#split(rest);
    if (this.#pending !== '' || this.#tooLong) this.#finish('');
  }

  #split(text: string): void {
    let at = 0;
    if (this.#atStart) {
      this.#atStart = false;
      if (text.charCodeAt(0) === BYTE_ORDER_MARK) at = 1;
    }
    if (this.#afterReturn) {
      this.#afterReturn = false;
      if (text.charCodeAt(0) === LINE_FEED) at = 1;
    }
    if (!this.#nul) this.#nul = text.includes('\0');

    let feed = text.indexOf('\n', at);
    let carriage = text.indexOf('\r', at);
    while (feed >= 0 || carriage >= 0) {
      const end = carriage < 0 || (feed >= 0 && feed < carriage) ? feed : carriage;
      this.#finish(text.slice(at, end));
      at = end + 1;
      if (end === carriage) {
        if (at === text.length) this.#afterReturn = true;
        else if (text.charCodeAt(at) === LINE_FEED) at++;
        carriage = text.indexOf('\r', at);
      }
      if (feed >= 0 && feed < at) feed = text.indexOf('\n', at);
    }
    this.#keep(text, at);
  }

  #keep(text: string, at: number): void {
    if (at === text.length || this.#tooLong) return;
    if (this.#pending.length + text.length - at > this.#maxLength) {
      this.#tooLong = true;
      this.#pending = '';
    } else {
      this.#pending += text.slice(at);
    }
  }

  #finish(rest: string): void {
    const number = this.#number++;
    const line = this.#pending === '' ? rest : this.#pending + rest;
    const tooLong = this.#tooLong || line.length > this.#maxLength;
    this.#pending = '';
    this.#tooLong = false;
    if (tooLong) this.#receiver.badLine('line-too-long', number);
    else if (this.#nul && line.includes('\0')) this.#receiver.badLine('nul', number);
    else this.#receiver.line(line, number);
  }
}
