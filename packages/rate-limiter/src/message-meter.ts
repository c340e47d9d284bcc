import { type Answer, type HeaderFields, isPending, type MessageSink } from '@postern/core';

/** Counts the bytes of a message, and says once how many came: at its end, or when it is given up. */
export class MessageMeter implements MessageSink {
  readonly #measured: (bytes: number) => Answer;
  #bytes = 0;
  #over = false;

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
    this.#over = true;
    return this.#measured(this.#bytes);
  }

  abort(): void {
    if (this.#over) return;
    this.#over = true;
    // Nobody waits for an opinion any more.
    const answer = this.#measured(this.#bytes);
    if (isPending(answer)) answer.then(undefined, () => {});
  }
}
