import {
  type AddressLiteral,
  controlCharacterAt,
  isLongLocalPart,
  type MailboxFault,
  mailboxFaultTexts,
  nonAsciiAt,
  type Path,
  readMailboxDomain,
  scanLocalPart,
  toAsciiDomain,
  utf8Length,
} from '@postern/core';
import { parseParameters } from './esmtp-parameters.ts';

const SPACE = 0x20;
const COMMA = 0x2c;
const COLON = 0x3a;
const LESS = 0x3c;
const GREATER = 0x3e;
const AT = 0x40;
const BRACKET = 0x5b;

/** RFC 5321 §4.5.3.1.3, in octets, with the angle brackets. */
const LONGEST_PATH = 256;

/**
 * Why the argument of a MAIL or RCPT command is none.
 *
 * Beside what keeps a mailbox from being one ({@link MailboxFault}): `missing-bracket` (no `<` before the path, or no `>`
 * behind it), `text-behind-path` (`<a@b.example>c`), `bad-route` (a source route that is none), `non-ascii-domain` (without
 * SMTPUTF8), `bad-parameter`, `duplicate-parameter`, and `line-too-long`.
 */
export type PathFault =
  | MailboxFault
  | 'missing-bracket'
  | 'text-behind-path'
  | 'bad-route'
  | 'non-ascii-domain'
  | 'bad-parameter'
  | 'duplicate-parameter'
  | 'line-too-long';

/** How to read the argument of a MAIL or RCPT command. */
export interface ParsePathOptions {
  /** `reverse-path`: what stands behind `MAIL FROM:`; may be null (`<>`). `forward-path`: behind `RCPT TO:`; may be `<postmaster>`. */
  readonly kind: 'reverse-path' | 'forward-path';
  /**
   * Whether there may be characters beyond ASCII (RFC 6531 §3.4). For a reverse-path: whether the server offers SMTPUTF8; the
   * command itself has to ask for it. For a forward-path: whether the MAIL command has asked for it. Default `false`.
   */
  readonly smtpUtf8?: boolean;
  /**
   * What to do with a source route, as in `<@a.example,@b.example:user@c.example>`: to refuse it, or to leave it out and take
   * the mailbox behind it (RFC 5321 §3.6.1 and §4.1.1.3 leave the choice). Nothing honest has sent one in decades, and a next
   * server might follow it, so the default is `'refuse'`.
   */
  readonly sourceRoutes?: 'refuse' | 'ignore';
  /**
   * The most octets that the text may have. Default 2,048: a command line of 512 (RFC 5321 §4.5.3.1.4), and what the
   * extensions that are in use add to it, of which AUTH and ORCPT take 500 each.
   */
  readonly maxBytes?: number;
}

/** The argument of a MAIL or RCPT command. */
export interface AcceptedPath {
  readonly ok: true;
  /** `null` is the null reverse-path `<>`; `postmaster` the bare one, without domain (RFC 5321 §4.1.1.3). */
  readonly kind: 'mailbox' | 'null' | 'postmaster';
  /** The domain of an address literal is in the form in which literals compare: `[192.0.2.1]`, `[ipv6:2001:db8::1]`. */
  readonly path: Path;
  /** What stands in brackets in the place of a domain. */
  readonly literal: AddressLiteral | undefined;
  /** The hosts of a source route that was left out, in order, as domains compare. */
  readonly route: readonly string[];
}

/** What is no argument of a MAIL or RCPT command, and why. */
export interface RefusedPath {
  readonly ok: false;
  readonly reason: PathFault;
  /** Where it shows: an offset into the text in UTF-16 units, from 0 to its length. */
  readonly position: number;
  /** One or two sentences for a person, fit for a reply: nothing of what the client sent stands in it. */
  readonly text: string;
}

export type ParsedPath = AcceptedPath | RefusedPath;

interface Fault {
  readonly reason: PathFault;
  readonly position: number;
}

const texts: Readonly<Record<PathFault, string>> = {
  ...mailboxFaultTexts,
  'missing-bracket': 'The address has to stand in angle brackets.',
  'text-behind-path': 'Something stands behind the address that is not separated from it.',
  'bad-route': 'The source route of the address is malformed.',
  'non-ascii-domain': 'The domain of the address has other than ASCII characters, which takes SMTPUTF8.',
  'bad-parameter': 'A parameter behind the address is malformed.',
  'duplicate-parameter': 'A parameter behind the address is given twice.',
  'line-too-long': 'The command is too long.',
};

/**
 * Reads the argument of a MAIL or RCPT command by the grammar of RFC 5321 §4.1.2 and, with SMTPUTF8, RFC 6531 §3.3: a path
 * in angle brackets, and parameters. `<user@example.com> SIZE=1000 BODY=8BITMIME`.
 *
 * Taken are quoted local parts, address literals, the null reverse-path, `<postmaster>`, and, when told to, source routes.
 * Limits are those of RFC 5321 §4.5.3.1: 64 octets before the `@`, 256 with the brackets. Of what the grammar does not
 * allow, spaces before the path and more than one before a parameter are taken, since many clients send them. A local part
 * beyond ASCII has to be in NFC and without invisible characters.
 *
 * Keywords of parameters are in upper case; values of `xtext` (AUTH, ENVID, ORCPT, SUBMITTER) are decoded. What a parameter
 * means is not judged.
 *
 * Every refusal says why and where. Time is linear in the text, of which no more than `maxBytes` are looked at.
 *
 * @throws TypeError when `text` is no string or `kind` none of both; never for what a client sends
 *
 * @example
 * ```ts
 * import { parsePath } from '@postern/relay-acl';
 *
 * const parsed = parsePath('<"ann smith"@Example.com> SIZE=1000', { kind: 'reverse-path' });
 * if (parsed.ok) {
 *   console.log(parsed.path.localPart, parsed.path.domain, parsed.path.parameters['SIZE']); // "ann smith" example.com 1000
 * } else {
 *   console.log(`501 5.1.3 ${parsed.text} (${parsed.reason} at ${parsed.position})`);
 * }
 * ```
 */
export function parsePath(text: string, options: ParsePathOptions): ParsedPath {
  const { kind, maxBytes = 2_048 } = options;
  if (typeof text !== 'string') throw new TypeError('parsePath: the text must be a string');
  if (kind !== 'reverse-path' && kind !== 'forward-path') {
    throw new TypeError('parsePath: option "kind" must be "reverse-path" or "forward-path"');
  }
  // Asked so that a bound which is no number bounds all the same. Octets are counted only of what has few characters.
  if (!(text.length <= maxBytes && utf8Length(text, 0, text.length) <= maxBytes)) return refuse('line-too-long', 0);
  const parsed = read(text, options);
  if ('ok' in parsed) return parsed;
  // No control character passes the grammar; here it only gets its name.
  const control = controlCharacterAt(text);
  return control < 0 ? refuse(parsed.reason, parsed.position) : refuse('control-character', control);
}

function refuse(reason: PathFault, position: number): RefusedPath {
  return { ok: false, reason, position, text: texts[reason] };
}

function at(reason: PathFault, position: number): Fault {
  return { reason, position };
}

function read(text: string, options: ParsePathOptions): AcceptedPath | Fault {
  let open = 0;
  while (text.charCodeAt(open) === SPACE) open++;
  if (text.charCodeAt(open) !== LESS) return at('missing-bracket', open);
  const route = readRoute(text, open + 1, options);
  if ('reason' in route) return route;
  const mailbox = readMailbox(text, route.end, options);
  if ('reason' in mailbox) return mailbox;

  const { close } = mailbox;
  const behind = close + 1;
  if (behind < text.length && text.charCodeAt(behind) !== SPACE) return at('text-behind-path', behind);
  const length = utf8Length(text, open, behind);
  if (length > LONGEST_PATH) return at('path-too-long', route.end);
  const parameters = parseParameters(text, behind);
  if (isFault(parameters)) return parameters;
  const foreign = nonAsciiAt(text, open, text.length);
  if (foreign >= 0 && !isInternational(options, parameters)) {
    if (foreign > close) return at('bad-parameter', foreign);
    return at(foreign < mailbox.at ? 'non-ascii-local-part' : 'non-ascii-domain', foreign);
  }
  const { kind, domain, literal } = mailbox;
  const address = text.slice(route.end, close);
  const localPart = kind === 'mailbox' ? text.slice(route.end, mailbox.at) : address;
  return { ok: true, kind, path: { address, localPart, domain, parameters }, literal, route: route.hosts };
}

/** RFC 6531 §3.4: MAIL asks by the parameter SMTPUTF8, which has no value; RCPT goes by what MAIL has asked. */
function isInternational({ kind, smtpUtf8 }: ParsePathOptions, parameters: Path['parameters']): boolean {
  return smtpUtf8 === true && (kind === 'forward-path' || parameters['SMTPUTF8'] === true);
}

/** A `Path`'s parameters have capital letters in their names. */
function isFault(value: Path['parameters'] | Fault): value is Fault {
  return 'reason' in value;
}

interface Route {
  readonly hosts: readonly string[];
  /** Where the mailbox begins. */
  readonly end: number;
}

const noHosts: readonly string[] = [];

/** RFC 5321 §4.1.2 `A-d-l`: `@a.example,@b.example:`. */
function readRoute(text: string, start: number, { sourceRoutes }: ParsePathOptions): Route | Fault {
  if (text.charCodeAt(start) !== AT) return { hosts: noHosts, end: start };
  // Without a colon it is a mailbox that begins with its `@`.
  if (!text.slice(start, start + LONGEST_PATH).includes(':')) return at('empty-local-part', start);
  if (sourceRoutes !== 'ignore') return at('source-route', start);
  const hosts: string[] = [];
  let host = start;
  for (;;) {
    if (text.charCodeAt(host) !== AT) return at('bad-route', host);
    let end = host + 1;
    while (end < text.length && text.charCodeAt(end) !== COMMA && text.charCodeAt(end) !== COLON) end++;
    const domain = toAsciiDomain(text.slice(host + 1, end), { underscores: true });
    if (domain === undefined || end === text.length) return at('bad-route', host);
    hosts.push(domain);
    host = end + 1;
    if (text.charCodeAt(end) === COLON) return { hosts, end: host };
  }
}

interface ReadMailbox {
  readonly kind: AcceptedPath['kind'];
  readonly domain: string;
  readonly literal: AddressLiteral | undefined;
  /** Where the `@` stands that separates both parts; where the local part ends, when it is alone. */
  readonly at: number;
  /** Where the closing bracket stands. */
  readonly close: number;
}

function readMailbox(text: string, start: number, { kind, smtpUtf8 = false }: ParsePathOptions): ReadMailbox | Fault {
  if (text.charCodeAt(start) === GREATER) {
    const isNull = kind === 'reverse-path' && text.charCodeAt(start - 1) === LESS;
    return isNull
      ? { kind: 'null', domain: '', literal: undefined, at: start, close: start }
      : at('no-recipient', start);
  }
  const end = scanLocalPart(text, start, smtpUtf8);
  if (typeof end !== 'number') return end;
  if (end - start > LONGEST_PATH) return at('path-too-long', start);
  const separator = text.charCodeAt(end);
  if (separator === GREATER) {
    const isAlone = kind === 'forward-path' && text.charCodeAt(start - 1) === LESS;
    const isPostmaster = isAlone && text.slice(start, end).toLowerCase() === 'postmaster';
    return isPostmaster
      ? { kind: 'postmaster', domain: '', literal: undefined, at: end, close: end }
      : at('no-domain', end);
  }
  if (separator !== AT) return end === text.length ? at('missing-bracket', end) : at('bad-local-part', end);
  if (isLongLocalPart(text, start, end)) return at('local-part-too-long', start);

  // Brackets may have a `>` between them.
  const close = text.indexOf('>', text.charCodeAt(end + 1) === BRACKET ? Math.max(end, text.indexOf(']', end)) : end);
  if (close < 0) return at('missing-bracket', text.length);
  const domain = readMailboxDomain(text, end + 1, close);
  if (typeof domain === 'string') {
    // An A-label can be longer than the U-label that is counted as written.
    const length = utf8Length(text, start, end) + domain.length + '<@>'.length;
    return length > LONGEST_PATH
      ? at('path-too-long', start)
      : { kind: 'mailbox', domain, literal: undefined, at: end, close };
  }
  return 'reason' in domain ? domain : { kind: 'mailbox', domain: domain.text, literal: domain, at: end, close };
}
