import {
  type Awaitable,
  type Backend,
  type Delivery,
  type DeliveryResult,
  errorText,
  type SmtpReply,
  type Transaction,
} from '@postern/core';

/**
 * A backend that takes a message for all its recipients or for none of them: called once per message, behind the client's
 * final dot, when every check agreed.
 *
 * The message is delivered when it returns: nothing, or a 2yz reply. A 4yz or 5yz reply refuses it. When it throws, the
 * client hears 451 4.3.0 and keeps the message. Whether it reads the bytes is its own business.
 *
 * @example
 * ```ts
 * const deliver: DeliverFunction = async (transaction, bytes) => {
 *   await pipeline(bytes, createWriteStream(`/var/mail/new/${transaction.id}`, { flags: 'wx' }));
 * };
 * ```
 */
export type DeliverFunction = (
  transaction: Transaction,
  bytes: AsyncIterable<Uint8Array>,
) => void | Promise<void> | Awaitable<SmtpReply | undefined>;

const recipientTaken: SmtpReply = Object.freeze({ code: 250, enhanced: '2.1.5', text: 'Recipient ok' });
const delivered: SmtpReply = Object.freeze({ code: 250, enhanced: '2.0.0', text: 'Message accepted' });
const failed: SmtpReply = Object.freeze({
  code: 451,
  enhanced: '4.3.0',
  text: 'The message could not be delivered; try again later',
});

/** The backend itself, or one that says 250 2.1.5 to every recipient and gives the message to the function. */
export function toBackend(deliver: Backend | DeliverFunction): Backend {
  if (typeof deliver !== 'function') return deliver;
  return { begin: (transaction) => new FunctionDelivery(deliver, transaction) };
}

class FunctionDelivery implements Delivery {
  readonly #deliver: DeliverFunction;
  readonly #transaction: Transaction;

  constructor(deliver: DeliverFunction, transaction: Transaction) {
    this.#deliver = deliver;
    this.#transaction = transaction;
  }

  async recipient(): Promise<SmtpReply> {
    return recipientTaken;
  }

  async message(bytes: AsyncIterable<Uint8Array>): Promise<DeliveryResult> {
    let reply: SmtpReply;
    try {
      reply = (await this.#deliver(this.#transaction, bytes)) ?? delivered;
    } catch (error) {
      process.emitWarning(`deliver threw: ${errorText(error)}`, { code: 'POSTERN_DELIVER' });
      reply = failed;
    }
    return { outcome: reply.code < 400 ? 'delivered' : 'refused', reply };
  }

  abort(): void {}
}
