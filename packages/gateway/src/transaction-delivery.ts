import {
  type Awaitable,
  type Backend,
  type Delivery,
  type DeliveryResult,
  errorText,
  isPending,
  isSmtpReply,
  type Path,
  type SmtpReply,
  type Transaction,
} from '@postern/core';
import { disregard } from './disregard.ts';

/** How long a backend may take. */
export interface BackendTimes {
  /** Milliseconds for `begin` and for each `recipient`. */
  readonly backendTimeoutMs: number;
  /** Milliseconds for `message`. */
  readonly deliveryTimeoutMs: number;
}

/** What the backend answered; `failure` says, for the report, why there was no usable answer. */
export interface BackendAnswer {
  readonly reply: SmtpReply;
  readonly failure?: string;
}

/** What became of the message; `failure` says, for the report, why there was no usable answer. */
export interface DeliveryEnd extends DeliveryResult {
  readonly failure?: string;
}

const BACKEND_FAILED: SmtpReply = {
  code: 451,
  enhanced: '4.3.0',
  text: 'The mail server behind this one cannot be asked now, please try again later',
};
const RESULT_UNKNOWN: SmtpReply = {
  code: 451,
  enhanced: '4.3.0',
  text: 'The message may not have been delivered, please try again later',
};

/**
 * One transaction with the backend, which is asked when the first recipient is let in and not trusted to answer: what it
 * throws, promises and never keeps, or answers in no understandable way is a 451, and the client keeps the message.
 *
 * A backend that failed once is not asked again in this transaction: after a late or a broken answer nobody knows which
 * recipients it holds, and a message handed over then could go to somebody who was told 451.
 */
export class TransactionDelivery {
  readonly #backend: Backend;
  readonly #transaction: Transaction;
  readonly #times: BackendTimes;
  #delivery: Delivery | undefined;
  #failure: string | undefined;
  #over = false;
  /** Ends the wait for the backend's answer. */
  #interrupt: ((error: Error) => void) | undefined;

  constructor(backend: Backend, transaction: Transaction, times: BackendTimes) {
    this.#backend = backend;
    this.#transaction = transaction;
    this.#times = times;
  }

  async recipient(path: Path): Promise<BackendAnswer> {
    if (this.#failure === undefined) {
      try {
        const begun = this.#delivery ?? this.#begin();
        const delivery = isPending(begun) ? await begun : begun;
        const answer: unknown = await this.#within(delivery.recipient(path), this.#times.backendTimeoutMs);
        if (isReply(answer)) return { reply: answer.code === 421 ? { ...answer, code: 451 } : answer };
        this.#break('its answer to a recipient is no SMTP reply');
      } catch (error) {
        this.#break(errorText(error));
      }
    }
    return { reply: BACKEND_FAILED, ...(this.#failure !== undefined && { failure: this.#failure }) };
  }

  /** Hands the complete message over. To be called once, behind the client's final dot and every check's consent. */
  async message(bytes: AsyncIterable<Uint8Array>): Promise<DeliveryEnd> {
    const delivery = this.#delivery;
    if (this.#over || delivery === undefined || this.#failure !== undefined) {
      return { outcome: 'refused', reply: BACKEND_FAILED, failure: this.#failure ?? 'the transaction was over' };
    }
    this.#over = true;
    try {
      // From here on only the backend knows: that the client is gone ends nothing any more.
      const result: unknown = await this.#within(delivery.message(bytes), this.#times.deliveryTimeoutMs);
      if (isDeliveryResult(result)) {
        return result.reply.code === 421 ? { ...result, reply: { ...result.reply, code: 451 } } : result;
      }
      return { outcome: 'unknown', reply: RESULT_UNKNOWN, failure: 'its answer to the message is no delivery result' };
    } catch (error) {
      return { outcome: 'unknown', reply: RESULT_UNKNOWN, failure: errorText(error) };
    }
  }

  /** The transaction is over without a message for the backend. Without effect once `message` was called. */
  abort(): void {
    if (this.#over) return;
    this.#over = true;
    this.#interrupt?.(new Error('the transaction is over'));
    if (this.#delivery !== undefined) abortQuietly(this.#delivery);
  }

  #begin(): Awaitable<Delivery> {
    const begun = this.#backend.begin(this.#transaction);
    if (!isPending(begun)) return this.#begun(begun);
    // A backend that begins after its time, or after the transaction, must learn that nobody will come.
    return this.#within(begun, this.#times.backendTimeoutMs, abortQuietly).then((delivery) => this.#begun(delivery));
  }

  #begun(delivery: Delivery): Delivery {
    if (this.#over) {
      abortQuietly(delivery);
      throw new Error('the transaction is over');
    }
    if (!isDelivery(delivery)) throw new TypeError('what it began is no delivery');
    this.#delivery = delivery;
    return delivery;
  }

  /** The promise's value, unless time runs out or `abort` comes first. `late` gets a value that nobody waits for any more. */
  #within<T>(promise: Promise<T>, timeoutMs: number, late?: (value: T) => void): Promise<T> {
    return new Promise((resolve, reject) => {
      let waiting = true;
      let timer: NodeJS.Timeout | undefined;
      const leave = (): void => {
        waiting = false;
        clearTimeout(timer);
        this.#interrupt = undefined;
      };
      const fail = (error: unknown): void => {
        if (!waiting) return;
        leave();
        reject(error);
      };
      this.#interrupt = fail;
      // The backend may be written in JavaScript, and answer at once.
      Promise.resolve(promise).then((value) => {
        if (!waiting) return late?.(value);
        leave();
        resolve(value);
      }, fail);
      // Behind an answer that is there already, which then needs no timer.
      queueMicrotask(() => {
        if (waiting) timer = setTimeout(() => fail(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs).unref();
      });
    });
  }

  #break(failure: string): void {
    this.#failure = failure;
    this.abort();
  }
}

function abortQuietly(delivery: Delivery): void {
  try {
    disregard(delivery.abort());
  } catch (error) {
    process.emitWarning(`abort() of a delivery threw: ${errorText(error)}`, { code: 'POSTERN_BACKEND' });
  }
}

function isDelivery(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  if (!('recipient' in value && 'message' in value && 'abort' in value)) return false;
  const { recipient, message, abort } = value;
  return typeof recipient === 'function' && typeof message === 'function' && typeof abort === 'function';
}

/** 3yz answers only DATA and AUTH, neither of which was asked here. */
function isReply(value: unknown): value is SmtpReply {
  return isSmtpReply(value) && (value.code < 300 || value.code >= 400);
}

function isDeliveryResult(value: unknown): value is DeliveryResult {
  if (typeof value !== 'object' || value === null || !('outcome' in value && 'reply' in value)) return false;
  const { outcome, reply } = value;
  if (!isReply(reply)) return false;
  switch (outcome) {
    case 'delivered':
      return reply.code < 300;
    case 'refused':
    case 'unknown':
      return reply.code >= 400;
    default:
      return false;
  }
}
