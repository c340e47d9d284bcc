import { readMailbox } from '@postern/core';
import type { DmarcReportUri } from './dmarc-record.ts';

/** More than any address for reports has, with whatever its owner tells apart reports by. */
const LONGEST_URI = 2_048;

/**
 * RFC 3986 §3, without the comma and the exclamation mark that RFC 9989 §4.8 wants encoded. Each character fits one
 * alternative only, so that a match takes one pass.
 */
const uriSyntax = /^[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9\-._~:/?#[\]@$&'()*+;=]|%[0-9A-Fa-f]{2})*$/;
/** RFC 9989 §4.8 `obs-dmarc-report-size`. */
const sizeSyntax = /^[0-9]+[kmgt]?$/i;

/**
 * Reads one address of `rua` or `ruf` (RFC 9989 §4.8 `dmarc-uri`); `undefined` when it is no URI. At most 2,048 characters.
 *
 * @param text - without the space around it
 */
export function readReportUri(text: string): { readonly uri: DmarcReportUri; readonly sized: boolean } | undefined {
  if (text.length > LONGEST_URI) return undefined;
  const mark = text.indexOf('!');
  const sized = mark >= 0;
  if (sized && !sizeSyntax.test(text.slice(mark + 1))) return undefined;
  const uri = sized ? text.slice(0, mark) : text;
  if (!uriSyntax.test(uri)) return undefined;
  const address = mailtoAddress(uri);
  const mailbox = address === undefined ? undefined : readMailbox(address);
  const known = mailbox === undefined || mailbox.domain.startsWith('[') ? undefined : mailbox.domain;
  return {
    uri: Object.freeze({ uri, address: known === undefined ? undefined : address, domain: known }),
    sized,
  };
}

/** RFC 6068 §2: the one address of a `mailto:` URI, percent-decoded; what stands behind a `?` is no part of it. */
function mailtoAddress(uri: string): string | undefined {
  if (uri.slice(0, 'mailto:'.length).toLowerCase() !== 'mailto:') return undefined;
  const end = uri.search(/[?#]/);
  try {
    return decodeURIComponent(uri.slice('mailto:'.length, end < 0 ? uri.length : end));
  } catch {
    // Percent-encoded bytes that are no UTF-8.
    return undefined;
  }
}
