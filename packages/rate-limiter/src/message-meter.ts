import type { Answer, HeaderFields, MessageSink } from '@postern/core';

/** Counts the bytes of a message, and asks at its end whether they may be so many. */
export class MessageMeter implements MessageSink {
  readonly #measured: (bytes: number) => Answer;
  #bytes = 0;

  constructor(measured: (bytes: number) => Answer) {
    this.#measured = measured;
  }

  header(fields: HeaderFields): void {
    // With the empty line behind it.
    this.#bytes = fields.byteLength + 2;
  }

  write(chunk: Uint8Array): void {
    this.#bytes += chunk.length;
  }

  end(): Answer {
    return this.#measured(this.#bytes);
  }

  /** What came nevertheless stands in the report. */
  abort(): void {}
}
