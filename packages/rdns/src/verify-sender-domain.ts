import {
  classifyIp,
  DeadlineResolver,
  type DnsFailureReason,
  formatIp,
  type MxRecord,
  OptionReader,
  parseAddressLiteral,
  parseIp,
  type Resolver,
  toAsciiDomain,
} from '@postern/core';
import { type LookupOptions, readLookupOptions } from './lookup-options.ts';
import { type OwnHost, type OwnHostOptions, readOwnHost } from './own-host.ts';

/** How to ask {@link verifySenderDomain}. */
export interface SenderDomainLookupOptions extends LookupOptions, OwnHostOptions {
  /**
   * How many mail exchangers are looked up, the preferred ones first; the rest is counted in `unasked`. Default 10; from
   * 1 to 100.
   */
  readonly maxExchanges?: number;
  /**
   * Take private, loopback and other special addresses for usable: in tests, and for domains of one's own network.
   * Default `false`.
   */
  readonly allowPrivateTargets?: boolean;
}

/**
 * Whether a domain can receive mail (RFC 5321 §5.1).
 *
 * - `deliverable`: a mail exchanger, or without MX records the domain itself, has a usable address
 * - `null-mx`: it says that it takes no mail (RFC 7505)
 * - `nonexistent`: there is no such domain
 * - `no-mail-host`: it exists, with neither MX nor address records
 * - `own-address`: what it has leads to this very server, as it does for the domains that are hosted here. Whether that is
 *   as it should be, others know
 * - `unusable`: it has MX records or addresses, and none leads to a host that can be reached from outside
 * - `malformed`: the text is neither a domain nor an address literal
 * - `unknown`: a lookup failed or there are more exchangers than `maxExchanges`, and what is known does not settle it
 */
export type SenderDomainStatus =
  | 'deliverable'
  | 'null-mx'
  | 'nonexistent'
  | 'no-mail-host'
  | 'own-address'
  | 'unusable'
  | 'malformed'
  | 'unknown';

/**
 * What a mail exchanger is worth. `own-address`: it is this server itself; `special-address`: loopback, private and the
 * like, see the addresses; `not-a-host-name`: an address, or no name at all; `no-address`: it does not exist, or has no
 * address.
 */
export type ExchangeStatus =
  | 'usable'
  | 'own-address'
  | 'special-address'
  | 'not-a-host-name'
  | 'no-address'
  | 'unknown';

/** One mail exchanger and where it leads. */
export type Exchange = {
  /** The host's name, as the MX record has it. */
  readonly exchange: string;
  readonly preference: number;
  readonly status: ExchangeStatus;
  /** At most 10. */
  readonly addresses: readonly string[];
};

/** What is known of a sender's domain. Plain JSON. */
export interface SenderDomainResult {
  readonly status: SenderDomainStatus;
  /** In lower case and A-labels; an address literal with its brackets, in lower case; `''` when it is malformed. */
  readonly domain: string;
  /** There is no MX record, so the domain itself is the host (RFC 5321 §5.1: implicit MX). */
  readonly implicit: boolean;
  /** In the order of preference, `maxExchanges` at most. */
  readonly exchanges: readonly Exchange[];
  /** Mail exchangers beyond `maxExchanges`. */
  readonly unasked: number;
  /** Why it is not known, when the status is `unknown`; `undefined` then if it is for the exchangers that were not asked. */
  readonly failure: DnsFailureReason | undefined;
}

const DEFAULT_MAX_EXCHANGES = 10;
/** How many addresses of an exchanger a result quotes. */
const MOST_QUOTED = 10;

/** What makes an address usable. */
export interface Targets {
  readonly own: OwnHost;
  readonly allowPrivate: boolean;
}

function statusOfAddresses(addresses: readonly string[], { own, allowPrivate }: Targets): ExchangeStatus {
  let status: ExchangeStatus = 'no-address';
  for (const address of addresses) {
    const ip = parseIp(address);
    if (ip === undefined) continue;
    if (own.addresses.has(formatIp(ip))) status = 'own-address';
    else if (allowPrivate || classifyIp(ip).global) return 'usable';
    else if (status === 'no-address') status = 'special-address';
  }
  return status;
}

type LookedUp = Exchange & { readonly failure: DnsFailureReason | undefined };

async function lookUpHost({ exchange, preference }: MxRecord, targets: Targets, dns: Resolver): Promise<LookedUp> {
  const facts = { exchange, preference, addresses: [], failure: undefined };
  // RFC 5321 §5.1: the data of an MX record is a domain name; an address there is a mistake.
  const host = toAsciiDomain(exchange, { underscores: true });
  if (host === undefined) return { ...facts, status: 'not-a-host-name' };
  const answers = await Promise.all([dns.resolve(host, 'A'), dns.resolve(host, 'AAAA')]);
  const addresses = answers.flatMap((answer) => (answer.kind === 'records' ? answer.records : []));
  const failure = answers.find((answer) => answer.kind === 'failure')?.reason;
  const known = statusOfAddresses(addresses, targets);
  // The addresses that could not be looked up may be the usable ones.
  const status = known !== 'usable' && failure !== undefined ? 'unknown' : known;
  return { ...facts, status, addresses: addresses.slice(0, MOST_QUOTED), failure };
}

const none = { implicit: false, exchanges: [], unasked: 0, failure: undefined } as const;

function withoutPrivates({ exchange, preference, status, addresses }: LookedUp): Exchange {
  return { exchange, preference, status, addresses };
}

/** What the exchangers come to, when nothing of them is unknown. */
function statusOfDomain(statuses: readonly ExchangeStatus[], implicit: boolean): SenderDomainStatus {
  if (statuses.includes('usable')) return 'deliverable';
  if (statuses.includes('own-address')) return 'own-address';
  return implicit && statuses.includes('no-address') ? 'no-mail-host' : 'unusable';
}

/** `[192.0.2.1]` or `[IPv6:2001:db8::1]` (RFC 5321 §4.1.3): mail goes to that address, whatever DNS says. */
function judgeLiteral(text: string, targets: Targets): SenderDomainResult {
  const literal = parseAddressLiteral(text);
  if (literal?.kind !== 'ip') return { ...none, status: 'malformed', domain: '' };
  const domain = literal.text;
  const addresses = [formatIp(literal.ip)];
  const status = statusOfAddresses(addresses, targets);
  const exchanges = [{ exchange: domain, preference: 0, status, addresses }];
  return { ...none, status: statusOfDomain([status], false), domain, exchanges };
}

/** {@link verifySenderDomain} for options that have been read. Never rejects. */
export async function lookUpSenderDomain(
  text: string,
  targets: Targets,
  maxExchanges: number,
  dns: Resolver,
): Promise<SenderDomainResult> {
  if (text.startsWith('[')) return judgeLiteral(text, targets);
  const domain = toAsciiDomain(text, { underscores: true });
  if (domain === undefined) return { ...none, status: 'malformed', domain: '' };

  const answer = await dns.resolve(domain, 'MX');
  if (answer.kind === 'failure') return { ...none, status: 'unknown', domain, failure: answer.reason };
  if (answer.kind === 'nxdomain') return { ...none, status: 'nonexistent', domain };

  const implicit = answer.kind !== 'records';
  // RFC 7505 §3: a null MX stands alone; beside others, the record without a host is a mistake and no exchanger.
  const records = answer.kind === 'records' ? answer.records : [{ exchange: domain, preference: 0 }];
  if (records.length === 1 && records[0]?.exchange === '') return { ...none, status: 'null-mx', domain };

  const inOrder = records.toSorted((one, other) => one.preference - other.preference);
  const asked = inOrder.slice(0, maxExchanges);
  const found = await Promise.all(asked.map((record) => lookUpHost(record, targets, dns)));
  const facts = {
    domain,
    implicit,
    exchanges: found.map(withoutPrivates),
    unasked: inOrder.length - asked.length,
  };
  const statuses = found.map(({ status }) => status);
  const known = statusOfDomain(statuses, implicit);
  // The exchangers that nothing is known of may be the usable ones.
  if (known !== 'deliverable' && (facts.unasked > 0 || statuses.includes('unknown'))) {
    return { ...facts, status: 'unknown', failure: found.find((each) => each.failure !== undefined)?.failure };
  }
  return { ...facts, status: known, failure: undefined };
}

/** Reads what {@link lookUpSenderDomain} needs. */
export function readTargets(
  read: OptionReader,
  own: OwnHost,
): { readonly targets: Targets; readonly maxExchanges: number } {
  const maxExchanges = read.integer('maxExchanges', DEFAULT_MAX_EXCHANGES, { min: 1, max: 100 });
  return { targets: { own, allowPrivate: read.boolean('allowPrivateTargets', false) }, maxExchanges };
}

/**
 * Whether the domain of a sender can receive mail, so that a bounce or an answer would reach somebody (RFC 5321 §5.1):
 * MX records, without any the domain's own addresses; null MX (RFC 7505); mail exchangers that lead to loopback, private
 * or this server's own addresses, where no answer can go.
 *
 * Bounds: one MX lookup, two lookups for each of `maxExchanges` hosts, `timeoutMs` for all.
 *
 * @param domain - the domain of MAIL FROM or From, in any case, Unicode or A-labels; an address literal is judged by its
 *   address
 * @returns never rejects because of DNS
 * @throws TypeError or RangeError (as a rejection) that names the option
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { verifySenderDomain } from '@postern/rdns';
 *
 * const { status } = await verifySenderDomain('example.com', { resolver: systemResolver() });
 * console.log(status); // 'null-mx'
 * ```
 */
export async function verifySenderDomain(
  domain: string,
  options: SenderDomainLookupOptions,
): Promise<SenderDomainResult> {
  const read = new OptionReader('verifySenderDomain', options);
  const { resolver, signal, timeoutMs } = readLookupOptions(read);
  const { targets, maxExchanges } = readTargets(read, readOwnHost(read));
  read.done();

  using dns = new DeadlineResolver(resolver, { timeoutMs, signal });
  return await lookUpSenderDomain(domain, targets, maxExchanges, dns);
}
