import type { HeaderFields } from '@postern/core';

/**
 * What is signed when nothing else is said: RFC 6376 §5.4.1, with the fields that came later and tell readers or programs
 * what to do with the message: MIME (RFC 2045 §3), one-click unsubscription (RFC 8058 §4) and feedback addresses (RFC 9477
 * §3.1) among them, which must be signed to count.
 */
export const defaultSignedNames: readonly string[] = Object.freeze([
  'from',
  'sender',
  'reply-to',
  'subject',
  'date',
  'message-id',
  'to',
  'cc',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-description',
  'resent-date',
  'resent-from',
  'resent-sender',
  'resent-to',
  'resent-cc',
  'resent-message-id',
  'list-id',
  'list-help',
  'list-unsubscribe',
  'list-unsubscribe-post',
  'list-subscribe',
  'list-post',
  'list-owner',
  'list-archive',
  'feedback-id',
  'cfbl-address',
  'cfbl-feedback-id',
]);

/** A second one of these, or a first one, would change what a person reads or whom he answers: sealed, there or not. */
const sealedAlways: ReadonlySet<string> = new Set(['from', 'reply-to', 'subject', 'to', 'cc']);
/** Of these a message has one at most (RFC 5322 §3.6, RFC 2045); where there is none, a server may yet add it. */
const sealedWhenThere: ReadonlySet<string> = new Set([
  'sender',
  'date',
  'message-id',
  'in-reply-to',
  'references',
  'mime-version',
  'content-type',
  'content-transfer-encoding',
  'content-disposition',
  'content-id',
  'content-description',
  'list-unsubscribe',
  'list-unsubscribe-post',
]);

/**
 * The names for `h=`: each once for every field that the header has of it, so that all of them are signed; and once more
 * where a further field must not be added unnoticed (RFC 6376 §8.15, "over-signing").
 *
 * @param names - what to sign, in lower case, each once
 * @param oversign - what to sign once more; `undefined`: what the two lists above say
 */
export function signedNames(
  header: HeaderFields,
  names: readonly string[],
  oversign: ReadonlySet<string> | undefined,
): readonly string[] {
  const list: string[] = [];
  for (const name of names) {
    const there = header.all(name).length;
    for (let count = 0; count < there; count++) list.push(name);
    const sealed = oversign?.has(name) ?? (sealedAlways.has(name) || (there > 0 && sealedWhenThere.has(name)));
    if (sealed) list.push(name);
  }
  return list;
}
