import { formatIp, type IpAddress, parseIp, toAsciiDomain, toDnsName } from '@postern/core';
import type { SpfIdentity } from './spf-evaluation.ts';

/** Who connects. */
export interface SpfClient {
  readonly ip: IpAddress;
  /** The address as the results quote it. */
  readonly text: string;
  /** The HELO name as they quote it, and as `%{h}` has it. */
  readonly helo: string;
}

/** Who is checked, or why nobody can be. */
export interface SpfSender {
  readonly identity: SpfIdentity;
  /** The whole mailbox: `localPart@writtenDomain`. */
  readonly mailbox: string;
  /** At most 512 characters of it. */
  readonly localPart: string;
  /** As the client wrote it, without a dot at its end, and with A-labels for U-labels (RFC 8616 §4). */
  readonly writtenDomain: string;
  /** As DNS is asked for it; `''` when it cannot be. */
  readonly domain: string;
  /** Why it cannot; `undefined` when it can. */
  readonly problem: string | undefined;
}

/**
 * RFC 5321 §4.5.3.1: a path has at most 256 octets. Whoever sends a longer one is checked all the same, or it would be the
 * way round a record; what is cut is too long to be written into a Received-SPF field.
 */
const LONGEST_LOCAL_PART = 512;
/** RFC 5321 §4.5.3.1.2. */
const LONGEST_DOMAIN = 255;

const SPACE = 0x20;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const OPEN_BRACKET = 0x5b;
const FIRST_NON_ASCII = 0x80;

export function isAscii(text: string): boolean {
  for (let at = 0; at < text.length; at++) if (text.charCodeAt(at) >= FIRST_NON_ASCII) return false;
  return true;
}

/**
 * RFC 7208 §4.3: not a name of one label. What a host name may not have, an underscore or a hyphen at a label's end, does
 * not keep a name from having a record; but an address literal, and an address without brackets, is no name (RFC 3696 §2: no
 * top-level domain is all digits), and a space stands in no domain of an envelope.
 */
function isLookUpName(name: string): boolean {
  let digits = true;
  let dots = 0;
  for (let at = 0; at < name.length; at++) {
    const code = name.charCodeAt(at);
    if (code === DOT) {
      dots++;
      digits = true;
    } else if (code < ZERO || code > NINE) {
      digits = false;
      if (code === SPACE || code === OPEN_BRACKET) return false;
    }
  }
  return dots > 0 && !digits;
}

function senderOf(identity: SpfIdentity, localPart: string, domain: string, malformed: string): SpfSender {
  let writtenDomain = domain;
  let name = toDnsName(domain);
  if (name !== undefined) {
    if (domain.endsWith('.')) writtenDomain = domain.slice(0, -1);
  } else {
    if (!isAscii(domain)) name = toAsciiDomain(domain, { underscores: true });
    writtenDomain = name ?? domain.slice(0, LONGEST_DOMAIN);
  }
  if (name === undefined || !isLookUpName(name)) name = '';
  return {
    identity,
    mailbox: `${localPart}@${writtenDomain}`,
    localPart,
    writtenDomain,
    domain: name,
    problem: name === '' ? malformed : undefined,
  };
}

/** The HELO identity (RFC 7208 §2.3): `postmaster@` the name. */
export function heloSender(helo: string): SpfSender {
  const problem =
    helo === ''
      ? 'The client has not said HELO.'
      : 'The name that the client said HELO with is no fully qualified domain name.';
  return senderOf('helo', 'postmaster', heloName(helo), problem);
}

/** The client; `undefined` when the text is no address. */
export function clientOf(ip: string, helo: string): SpfClient | undefined {
  const address = parseIp(ip);
  return address && { ip: address, text: formatIp(address), helo: heloName(helo) };
}

/** What is quoted of a HELO name. */
export function heloName(helo: string): string {
  return helo.slice(0, LONGEST_DOMAIN);
}

/** The MAIL FROM identity (RFC 7208 §2.4); of the null reverse-path, the HELO identity. */
export function mailFromSender(mailFrom: string, helo: string): SpfSender {
  if (mailFrom === '') return heloSender(helo);
  const at = mailFrom.lastIndexOf('@');
  if (at < 0) {
    const problem = 'The reverse-path has no domain.';
    const localPart = mailFrom.slice(0, LONGEST_LOCAL_PART);
    return { identity: 'mailfrom', mailbox: localPart, localPart, writtenDomain: '', domain: '', problem };
  }
  // RFC 7208 §4.3: "If the <sender> has no local-part, substitute the string "postmaster"".
  const localPart = mailFrom.slice(0, Math.min(at, LONGEST_LOCAL_PART)) || 'postmaster';
  const domain = mailFrom.slice(at + 1);
  return senderOf('mailfrom', localPart, domain, 'The domain of the reverse-path is no fully qualified domain name.');
}
