import { mailboxPath, toAsciiDomain } from '@postern/core';

/** An address to send reports to, of the tag `rua` or `ruf` (RFC 9989 §4.7). */
export interface ReportUri {
  /** As it was published, without the size. */
  readonly uri: string;
  /** The mailbox. */
  readonly address: string;
  /** The destination's host: what comes behind the `@`, as `toAsciiDomain` gives it. */
  readonly domain: string;
  /** The most bytes of a report, as e-mail encodes it, that the destination takes. Default: it says nothing about that. */
  readonly maxBytes?: number;
}

/** RFC 5321 §4.5.3.1: 64 octets before the `@`, 255 behind it. */
const LONGEST_ADDRESS = 320;
/** A percent-encoded address three times as long, and header fields that nobody reads. */
const LONGEST_URI = 2_048;
/** RFC 5322 §3.2.3: a dot-atom. What needs quotes or comments has no place in a list of addresses of other makers. */
const LOCAL_PART = /^[!#$%&'*+\-/=?^_`{|}~0-9A-Za-z]+(?:\.[!#$%&'*+\-/=?^_`{|}~0-9A-Za-z]+)*$/;
const SIZE = /^([0-9]{1,12})([kmgt]?)$/i;
const UNITS = ['', 'k', 'm', 'g', 't'];

/**
 * Reads one reporting URI: `mailto:` and a mailbox, with the size of RFC 7489 §6.4 (`!10m`) that publishers still write.
 * `undefined`: no mail can be sent there. Header fields of the URI (`?subject=…`) are dropped: the publisher of a record
 * does not write our mail.
 *
 * The address is one mailbox and nothing else: no space, control character, quote, comment or list gets through.
 */
export function parseReportUri(text: string): ReportUri | undefined {
  if (text.length > LONGEST_URI) return undefined;
  const trimmed = text.trim();
  if (trimmed.slice(0, 7).toLowerCase() !== 'mailto:') return undefined;
  // RFC 9989 §4.7: an exclamation point that belongs to the URI is percent-encoded.
  const mark = trimmed.lastIndexOf('!');
  const uri = mark < 0 ? trimmed : trimmed.slice(0, mark);
  const maxBytes = mark < 0 ? undefined : sizeOf(trimmed.slice(mark + 1));
  if (mark >= 0 && maxBytes === undefined) return undefined;
  const query = uri.indexOf('?');
  const encoded = uri.slice('mailto:'.length, query < 0 ? undefined : query);
  const address = decode(encoded);
  if (address === undefined || address.length > LONGEST_ADDRESS) return undefined;
  const { localPart, domain } = mailboxPath(address);
  const host = toAsciiDomain(domain);
  if (host === undefined || !LOCAL_PART.test(localPart)) return undefined;
  return { uri, address: `${localPart}@${host}`, domain: host, ...(maxBytes !== undefined && { maxBytes }) };
}

function sizeOf(text: string): number | undefined {
  const parts = SIZE.exec(text);
  if (parts === null) return undefined;
  return Number(parts[1]) * 1_024 ** UNITS.indexOf((parts[2] ?? '').toLowerCase());
}

function decode(text: string): string | undefined {
  try {
    return decodeURIComponent(text);
  } catch {
    return undefined;
  }
}
