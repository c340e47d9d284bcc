import { type Backend, type Delivery, isPending, mailboxPath, type SmtpReply, type Transaction } from '@postern/core';
import type { RecipientLookup } from './recipient-set.ts';

/**
 * Asks the server behind this one whether a recipient exists, with a transaction of its own that ends behind RCPT TO: a
 * callout, with the null reverse-path as of a bounce. Every question is a transaction with the backend, so it is best
 * remembered by {@link rememberRecipients}.
 *
 * - the backend takes the recipient (2yz): it exists
 * - 550, 551, 553 or 556 that speaks of the address (enhanced status 5.1.x but for 5.1.7 and 5.1.8, which speak of the
 *   sender; 5.2.1; 5.4.1, as hosted Exchange says; or none): it does not
 * - anything else (4yz, other 5yz, no answer): a failure, which is neither
 *
 * A Postern gateway asks its backend during RCPT TO anyway, and passes its refusal on. This is for those that do not have
 * that: a backend that takes whatever comes at RCPT TO and bounces later (ask the server that knows instead), or mail that
 * is kept here before it goes on.
 *
 * @throws TypeError when `backend` is no backend
 *
 * @example
 * ```ts
 * import { smtpBackend } from '@postern/gateway';
 * import { askBackend, relayAcl, rememberRecipients } from '@postern/relay-acl';
 *
 * const mailboxes = smtpBackend({ host: 'mailboxes.internal' });
 * const check = relayAcl({
 *   localDomains: ['example.com'],
 *   recipients: rememberRecipients(askBackend(mailboxes)),
 * });
 * ```
 */
export function askBackend(backend: Backend): RecipientLookup {
  if (typeof backend !== 'object' || backend === null || typeof backend.begin !== 'function') {
    throw new TypeError('askBackend: backend must be a backend with begin(), such as smtpBackend() makes');
  }
  return async (recipient, { signal, transaction }) => {
    const begun = backend.begin(calloutOf(transaction));
    const delivery = isPending(begun) ? await begun : begun;
    // Once: what a delivery is told ends it.
    let open = true;
    const end = (): void => {
      if (open) delivery.abort();
      open = false;
    };
    signal.addEventListener('abort', end);
    try {
      if (signal.aborted) throw new Error('nobody waited for the backend any more');
      return exists(await ask(delivery, recipient.address));
    } finally {
      signal.removeEventListener('abort', end);
      end();
    }
  };
}

function ask(delivery: Delivery, address: string): Promise<SmtpReply> {
  return delivery.recipient(mailboxPath(address));
}

/** The same client, and nobody to send a bounce to. */
function calloutOf({ id, session, startedAt, reversePath }: Transaction): Transaction {
  const { SMTPUTF8 } = reversePath.parameters;
  const parameters = SMTPUTF8 === undefined ? {} : { SMTPUTF8 };
  return { id, session, startedAt, reversePath: mailboxPath('', parameters), recipients: [] };
}

/** RFC 3463 §3.2: what is wrong with the recipient's address, among all that can be wrong. */
const addressing = /^5\.1\.(?!7$|8$)\d+$/;

function exists({ code, enhanced }: SmtpReply): boolean {
  if (code >= 200 && code < 300) return true;
  const speaksOfAddress = addressing.test(enhanced) || ['', '5.0.0', '5.2.1', '5.4.1'].includes(enhanced);
  if ([550, 551, 553, 556].includes(code) && speaksOfAddress) return false;
  throw new Error(`the backend answered ${code} ${enhanced}`.trimEnd());
}
