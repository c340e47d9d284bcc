import { isPending } from '../awaitable.ts';
import type { HeaderFields } from '../message/header-fields.ts';
import { dryAnswer } from './dry-answer.ts';
import { type DryOpinion, type DryPlace, dryFailure } from './dry-opinion.ts';
import type { MessageSink } from './message-sink.ts';
import type { Answer } from './opinion.ts';

/**
 * A sink whose opinion is only recorded. One that throws, or holds the message up for longer than `timeoutMs` in one
 * `write`, is fed no more, and `end` tells of it.
 */
export class DrySink implements MessageSink {
  readonly #sink: MessageSink;
  readonly #place: DryPlace;
  readonly #timeoutMs: number;
  #failure: DryOpinion | undefined;

  constructor(sink: MessageSink, place: DryPlace, timeoutMs: number) {
    this.#sink = sink;
    this.#place = place;
    this.#timeoutMs = timeoutMs;
  }

  header(fields: HeaderFields): void {
    try {
      const unexpected: unknown = this.#sink.header(fields);
      // Nobody waits for it, and a rejection that nobody takes would end the process.
      if (isPending(unexpected)) {
        unexpected.then(undefined, (error: unknown) => this.#fail(dryFailure(this.#place, 'threw', error)));
      }
    } catch (error) {
      this.#fail(dryFailure(this.#place, 'threw', error));
    }
  }

  write(chunk: Uint8Array): void | Promise<void> {
    if (this.#failure !== undefined) return;
    try {
      const ready: unknown = this.#sink.write(chunk);
      if (isPending(ready)) return this.#untilReady(Promise.resolve(ready));
    } catch (error) {
      this.#fail(dryFailure(this.#place, 'threw', error));
    }
  }

  end(): Answer {
    if (this.#failure !== undefined) return this.#failure;
    return dryAnswer({
      ask: () => this.#sink.end(),
      kind: 'opinion',
      place: this.#place,
      timeoutMs: this.#timeoutMs,
    });
  }

  abort(): void {
    if (this.#failure === undefined) this.#abort();
  }

  #abort(): void {
    const unexpected: unknown = this.#sink.abort();
    if (isPending(unexpected)) unexpected.then(undefined, () => {});
  }

  #untilReady(ready: Promise<unknown>): Promise<void> {
    return new Promise((resolve) => {
      const settle = (failure?: DryOpinion): void => {
        clearTimeout(timer);
        if (failure !== undefined) this.#fail(failure);
        resolve();
      };
      const why = `its sink held the message up for ${this.#timeoutMs} ms`;
      const timer = setTimeout(() => settle(dryFailure(this.#place, 'late', why)), this.#timeoutMs).unref();
      ready.then(
        () => settle(),
        (error: unknown) => settle(dryFailure(this.#place, 'threw', error)),
      );
    });
  }

  #fail(failure: DryOpinion): void {
    if (this.#failure !== undefined) return;
    this.#failure = failure;
    try {
      this.#abort();
    } catch {
      // It has failed already, and that is told.
    }
  }
}

/** A sink that only tells that there is none. */
export function failedSink(failure: DryOpinion): MessageSink {
  return {
    header() {},
    write() {},
    end: () => failure,
    abort() {},
  };
}
