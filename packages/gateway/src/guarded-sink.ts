import { type AnyOpinion, type Check, errorText, type HeaderFields, isPending, type MessageSink } from '@postern/core';
import { checkFailure } from './check-failure.ts';
import { disregard } from './disregard.ts';

/**
 * A check's sink, as the message is fed to it: it never throws, its promises never reject, and one that holds the message up
 * for longer than a stage may take is fed no more. Whatever failed is told at `end`.
 */
export class GuardedSink implements MessageSink {
  readonly #check: Check;
  readonly #sink: MessageSink;
  readonly #timeoutMs: number;
  #failure: AnyOpinion | undefined;
  #over = false;

  /** @param timeoutMs - milliseconds that one `write` may take */
  constructor(check: Check, sink: MessageSink, timeoutMs: number) {
    this.#check = check;
    this.#sink = sink;
    this.#timeoutMs = timeoutMs;
  }

  header(fields: HeaderFields): void {
    try {
      const unexpected: unknown = this.#sink.header(fields);
      // Nobody waits for it, but a header that a sink could not take is a failure whenever that shows.
      if (isPending(unexpected)) {
        unexpected.then(undefined, (error: unknown) => this.#fail('threw', errorText(error)));
      }
    } catch (error) {
      this.#fail('threw', errorText(error));
    }
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      const busy: unknown = this.#sink.write(chunk);
      // A promise of another kind may do in its `then` whatever it likes; one of ours settles once.
      if (isPending(busy)) return this.#untilReady(Promise.resolve(busy));
    } catch (error) {
      this.#fail('threw', errorText(error));
    }
  }

  /** The sink's opinion, which may be rubbish and may come never, or that it failed before. */
  end(): ReturnType<MessageSink['end']> {
    if (this.#failure !== undefined) return this.#failure;
    const answer = this.#sink.end();
    if (!isPending(answer)) this.#over = true;
    else {
      const settled = (): void => {
        this.#over = true;
      };
      answer.then(settled, settled);
    }
    return answer;
  }

  /** To be called when the transaction is over: without effect on a sink that has answered. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    try {
      disregard(this.#sink.abort());
    } catch (error) {
      this.#failure ??= checkFailure(this.#check, 'message', 'threw', errorText(error));
    }
  }

  #untilReady(busy: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(() => {
        this.#fail('late', `its sink held the message up for ${this.#timeoutMs} ms`);
        resolve();
      }, this.#timeoutMs).unref();
      const ready = (): void => {
        clearTimeout(timer);
        resolve();
      };
      busy.then(ready, (error: unknown) => {
        this.#fail('threw', errorText(error));
        ready();
      });
    });
  }

  #fail(reason: 'threw' | 'late', detail: string): void {
    this.#failure ??= checkFailure(this.#check, 'message', reason, detail);
    this.abort();
  }
}
