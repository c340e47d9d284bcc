import { type Awaitable, checkFailed, DomainSet, type IpAddress, OptionReader, parseIp } from '@postern/core';
import { askLookup, type LookupFailure } from './ask-lookup.ts';
import { type DenyReason, denyReply, denySummary } from './deny-reason.ts';
import {
  compileDomains,
  type DomainList,
  type DomainLookup,
  type DomainSource,
  isDomainSource,
  type ListedDomains,
} from './domain-source.ts';
import { type Recipient, readRecipient } from './recipient.ts';
import type { RelayDecision } from './relay-decision.ts';
import { isTrustedNetworks, type NetworkList, networkListOf, trustedNetworkOf } from './trusted-networks.ts';

/** Whose mail is taken, and from whom for whom. */
export interface RelayAclOptions<Domains extends DomainSource = DomainSource> {
  /**
   * Domains whose mailboxes are ours: a list of exact names (`example.com`), all subdomains of one (`.example.com`) and
   * address literals (`[192.0.2.25]`), in any case, in Unicode or as A-labels; or a function that looks a domain up. The
   * list may be empty, on a server for submission only.
   */
  readonly localDomains: Domains;
  /**
   * Domains that we take mail for and send it on, for anyone: of whom we are a backup MX, for instance. A list or a function,
   * as for `localDomains`, which comes first; no address literals. Default none.
   */
  readonly relayDomains?: Domains;
  /**
   * Networks whose clients may send to anyone: `192.0.2.0/24`, `2001:db8::/48`, `127.0.0.1`. Default none; loopback is
   * trusted only when it is listed. A prefix of length 0 (everyone) and an address inside a network (`192.0.2.7/24`) are
   * refused.
   *
   * Or an `IpList` of `@postern/ip-list`, which may change while it is in use: trusted is who stands in a prefix whose entry
   * says `action: 'allow'`. An entry that says `block`, which is what entries say by default, gives no trust, and takes it
   * away from a part of a wider network; a prefix of length 0 gives none.
   */
  readonly trustedNetworks?: readonly string[] | ReadonlySet<string> | NetworkList;
  /**
   * Take `%` and `!`, `@` and `:` within quotes, and whatever else makes a {@link RoutingTrick}, before the `@` of our own
   * domains as plain characters. Only safe when no server behind this one routes by them. Default `false`.
   */
  readonly allowRoutingCharacters?: boolean;
  /** Milliseconds that each function of `localDomains` and `relayDomains` may take. Default 10,000; from 1 to 600,000. */
  readonly lookupTimeoutMs?: number;
}

/** Who wants to send what to whom. */
export interface RelayRequest {
  /** The client's address; text that is none, or `undefined` (the client is gone), is denied. */
  readonly ip: string | IpAddress | undefined;
  /**
   * Who has logged in; `undefined` or `''`: nobody. So is, in a program without types, whatever is no text: `smtp-server` has
   * `false` for a stranger behind STARTTLS.
   */
  readonly user?: string | undefined;
  /** The reverse-path. Not judged: anyone can write any, so it never speaks for a client. */
  readonly mailFrom?: string | undefined;
  /** The recipient as the client wrote it, without the angle brackets. */
  readonly recipient: string;
  /**
   * Whether the MAIL command had the parameter SMTPUTF8 (RFC 6531): only then may a local part go beyond ASCII. Default
   * `false`.
   */
  readonly smtpUtf8?: boolean | undefined;
}

/** How to ask. */
export interface DecideOptions {
  /** Ends the wait for the functions that look domains up; the decision is `lookup-failed` then. */
  readonly signal?: AbortSignal;
}

/**
 * What `decide` gives: a decision when all domains are listed, the promise of one when some function looks them up, and
 * either of them when the type of the options leaves it open.
 */
export type DecisionOf<Options extends RelayAclOptions> =
  Options extends RelayAclOptions<DomainList>
    ? RelayDecision
    : Options extends { readonly localDomains: DomainLookup } | { readonly relayDomains: DomainLookup }
      ? Promise<RelayDecision>
      : Awaitable<RelayDecision>;

type ReadMailbox = Extract<Recipient, { kind: 'mailbox' }>;

const noLiterals: ReadonlySet<string> = new Set();

function deny(reason: DenyReason, matched = '', summary: string = denySummary(reason)): RelayDecision {
  return { decision: 'deny', reason, matched, summary, reply: denyReply(reason) };
}

function ipOf({ ip }: RelayRequest): IpAddress | undefined {
  return typeof ip === 'string' ? parseIp(ip) : (ip ?? undefined);
}

/** What a recipient comes to that has no domain which could be ours. */
function decideWithoutDomain(recipient: Exclude<Recipient, ReadMailbox>): RelayDecision {
  if (recipient.kind === 'fault') return deny(recipient.reason);
  const summary = 'Mail to the bare postmaster is for this server.';
  return { decision: 'local', reason: 'postmaster', matched: 'postmaster', summary, reply: undefined };
}

/** The pattern or literal that the mailbox stands under. */
function matchListed({ domains, literals }: ListedDomains, { domain, literal }: ReadMailbox): string | undefined {
  if (literal === undefined) return domains.match(domain);
  return literals.has(domain) ? domain : undefined;
}

function isFailure(match: string | undefined | LookupFailure): match is LookupFailure {
  return typeof match === 'object';
}

function cannotTell({ domain }: ReadMailbox, { failure }: LookupFailure): RelayDecision {
  const summary = `Whether ${domain} is a domain of ours is not known: ${failure}.`;
  return { decision: 'deny', reason: 'lookup-failed', matched: domain, summary, reply: checkFailed };
}

/**
 * Decides who may send to whom through this server, so that it never is an open relay.
 *
 * - `local`: the recipient's domain is one of `localDomains`, or it is the bare `postmaster`
 * - `relay`: the domain is one of `relayDomains`, or the client has logged in or stands in one of `trustedNetworks`
 * - `deny`: everything else, malformed recipients (whoever asks), and what a next server might take for a route:
 *   `user%victim@ours`, `victim!user@ours`, `"user@victim"@ours`
 *
 * Every decision says why and by what, and a denial brings its reply. With lists, nothing is asked and nothing is kept: a
 * decision takes a microsecond, and one step for each label of the domain, however many domains there are.
 *
 * With a function for `localDomains` or `relayDomains`, `decide` gives a promise. A function that throws, rejects, answers
 * something else than `true` or `false`, or is late, makes it `deny` with the reason `lookup-failed` and a 451, never a yes.
 *
 * @example
 * ```ts
 * import { RelayAcl } from '@postern/relay-acl';
 *
 * const acl = new RelayAcl({ localDomains: ['example.com'], trustedNetworks: ['192.0.2.0/24'] });
 * const stranger = { ip: '203.0.113.9', mailFrom: 'a@example.org' };
 * acl.decide({ ...stranger, recipient: 'info@example.com' }).decision; // 'local'
 * acl.decide({ ...stranger, recipient: 'info@example.net' }).decision; // 'deny', reason 'relay-denied'
 * acl.decide({ ...stranger, recipient: 'info%example.net@example.com' }).decision; // 'deny', reason 'percent-hack'
 *
 * const customers = new Set(['example.com']);
 * const asking = new RelayAcl({ localDomains: async (domain) => customers.has(domain) });
 * (await asking.decide({ ...stranger, recipient: 'info@example.com' })).decision; // 'local'
 * ```
 */
export class RelayAcl<Options extends RelayAclOptions = RelayAclOptions> {
  readonly #localDomains: ListedDomains | DomainLookup;
  /** `undefined` instead of an empty list, which would be asked for each label all the same. */
  readonly #relayDomains: ListedDomains | DomainLookup | undefined;
  readonly #trustedNetworks: NetworkList | undefined;
  readonly #allowRoutingCharacters: boolean;
  readonly #lookupTimeoutMs: number;

  // An option that there is not has to be `never`, which nothing is: the mistake is found where it is written.
  /** @throws TypeError or RangeError that names the option and the value */
  constructor(options: Options & { readonly [Name in Exclude<keyof Options, keyof RelayAclOptions>]: never }) {
    const read = new OptionReader('RelayAcl', options);
    const takesDomains = 'a list of domains, such as ["example.com", ".example.net"], or a function';
    const takesNetworks = 'a list of networks, such as ["192.0.2.0/24"], or an IpList';
    const local: DomainSource = read.required('localDomains', isDomainSource, takesDomains);
    const relayed: DomainSource = read.value('relayDomains', isDomainSource, takesDomains) ?? [];
    const networks = read.value('trustedNetworks', isTrustedNetworks, takesNetworks);
    this.#allowRoutingCharacters = read.boolean('allowRoutingCharacters', false);
    this.#lookupTimeoutMs = read.integer('lookupTimeoutMs', 10_000, { min: 1, max: 600_000 });
    read.done();

    this.#localDomains = typeof local === 'function' ? local : compileDomains(local, 'RelayAcl: option "localDomains"');
    if (typeof relayed === 'function') {
      this.#relayDomains = relayed;
    } else {
      const domains = new DomainSet(relayed, 'RelayAcl: option "relayDomains"');
      this.#relayDomains = domains.size === 0 ? undefined : { domains, literals: noLiterals };
    }
    this.#trustedNetworks = networkListOf(networks, 'RelayAcl: option "trustedNetworks"');
  }

  /**
   * May this client send to this recipient?
   *
   * @throws TypeError when `recipient` is not a string; whatever stands in it is a decision
   */
  decide(request: RelayRequest, options?: DecideOptions): DecisionOf<Options>;
  decide(request: RelayRequest, options?: DecideOptions): Awaitable<RelayDecision> {
    const { recipient: address, smtpUtf8 } = request;
    if (typeof address !== 'string') throw new TypeError('RelayAcl.decide: "recipient" must be a string');
    const local = this.#localDomains;
    const relayed = this.#relayDomains;
    if (typeof local === 'function' || typeof relayed === 'function') return this.#lookUp(request, options?.signal);

    const ip = ipOf(request);
    if (ip === undefined) return deny('client-address');
    const recipient = readRecipient(address, smtpUtf8 === true);
    if (recipient.kind !== 'mailbox') return decideWithoutDomain(recipient);
    const localMatch = matchListed(local, recipient);
    const relayMatch = localMatch === undefined && relayed !== undefined ? matchListed(relayed, recipient) : undefined;
    return this.#conclude(ip, request.user, recipient, localMatch, relayMatch);
  }

  /** The trusted network that the address stands in, in its canonical text. */
  trustedNetwork(ip: IpAddress): string | undefined {
    return this.#trustedNetworks === undefined ? undefined : trustedNetworkOf(this.#trustedNetworks, ip);
  }

  /** As `decide` does it, where a function has to be waited for. */
  async #lookUp(request: RelayRequest, signal: AbortSignal | undefined): Promise<RelayDecision> {
    const ip = ipOf(request);
    if (ip === undefined) return deny('client-address');
    const recipient = readRecipient(request.recipient, request.smtpUtf8 === true);
    if (recipient.kind !== 'mailbox') return decideWithoutDomain(recipient);
    const localMatch = await this.#match(this.#localDomains, recipient, signal);
    if (isFailure(localMatch)) return cannotTell(recipient, localMatch);
    const relayed = localMatch === undefined ? this.#relayDomains : undefined;
    const relayMatch = relayed === undefined ? undefined : await this.#match(relayed, recipient, signal);
    if (isFailure(relayMatch)) return cannotTell(recipient, relayMatch);
    return this.#conclude(ip, request.user, recipient, localMatch, relayMatch);
  }

  async #match(
    source: ListedDomains | DomainLookup,
    mailbox: ReadMailbox,
    signal: AbortSignal | undefined,
  ): Promise<string | undefined | LookupFailure> {
    if (typeof source !== 'function') return matchListed(source, mailbox);
    const { domain, literal } = mailbox;
    if (literal !== undefined) return undefined;
    const bounds = { timeoutMs: this.#lookupTimeoutMs, ...(signal && { signal }) };
    const answer = await askLookup((waiting) => source(domain, { signal: waiting }), bounds);
    return answer === true ? domain : answer === false ? undefined : answer;
  }

  #conclude(
    ip: IpAddress,
    user: string | undefined,
    { domain, literal, trick }: ReadMailbox,
    local: string | undefined,
    relayed: string | undefined,
  ): RelayDecision {
    // The next server trusts us, so that a route which it follows would be our open relay, whoever the client is.
    if ((local ?? relayed) !== undefined && trick !== undefined && !this.#allowRoutingCharacters) {
      return deny(trick, local ?? relayed);
    }
    if (local !== undefined) {
      const summary = `${domain} is a local domain (${local}).`;
      return { decision: 'local', reason: 'local-domain', matched: local, summary, reply: undefined };
    }
    if (relayed !== undefined) {
      const summary = `Mail for ${domain} is relayed for anyone (${relayed}).`;
      return { decision: 'relay', reason: 'relay-domain', matched: relayed, summary, reply: undefined };
    }
    // RFC 5321 §4.1.3 keeps literals for emergencies; through a relay they reach into its own network.
    if (literal !== undefined) return deny('address-literal', domain);
    // What is no text is nobody.
    if (typeof user === 'string' && user !== '') {
      const summary = `The authenticated user ${user} may send to any domain.`;
      return { decision: 'relay', reason: 'authenticated', matched: user, summary, reply: undefined };
    }
    const network = this.trustedNetwork(ip);
    if (network !== undefined) {
      const summary = `Clients of ${network} may send to any domain.`;
      return { decision: 'relay', reason: 'trusted-network', matched: network, summary, reply: undefined };
    }
    return deny('relay-denied', domain, `The client is a stranger, and ${domain} is none of our domains.`);
  }
}
