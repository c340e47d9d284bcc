import {
  type Cidr,
  cidrContains,
  DomainSet,
  formatCidr,
  type IpAddress,
  OptionReader,
  parseCidr,
  parseIp,
} from '@postern/core';
import { type DenyReason, denyReply, denySummary } from './deny-reason.ts';
import { canonicalLiteral, type Recipient, readRecipient } from './recipient.ts';
import type { RelayDecision } from './relay-decision.ts';

/** Whose mail is taken, and from whom for whom. */
export interface RelayAclOptions {
  /**
   * Domains whose mailboxes are ours: exact names (`example.com`), all subdomains of one (`.example.com`), address
   * literals (`[192.0.2.25]`). In any case, in Unicode or as A-labels. May be empty, on a server for submission only.
   */
  readonly localDomains: readonly string[] | ReadonlySet<string>;
  /** Domains that we take mail for and send it on, for anyone: of whom we are a backup MX, for instance. Default none. */
  readonly relayDomains?: readonly string[] | ReadonlySet<string>;
  /**
   * Networks whose clients may send to anyone: `192.0.2.0/24`, `2001:db8::/48`, `127.0.0.1`. Default none; loopback is
   * trusted only when it is listed. A prefix of length 0 (everyone) and an address inside a network (`192.0.2.7/24`) are
   * refused. Looked through one by one: meant for tens of networks.
   */
  readonly trustedNetworks?: readonly string[] | ReadonlySet<string>;
  /**
   * Take `%` and `!`, and `@` and `:` within quotes, before the `@` of our own domains as plain characters. Only safe
   * when no server behind this one routes by them. Default `false`.
   */
  readonly allowRoutingCharacters?: boolean;
}

/** Who wants to send what to whom. */
export interface RelayRequest {
  /** The client's address; text that is none, or `undefined` (the client is gone), is denied. */
  readonly ip: string | IpAddress | undefined;
  /** Who has logged in; `undefined` or `''`: nobody. */
  readonly user?: string | undefined;
  /** The reverse-path. Not judged: anyone can write any, so it never speaks for a client. */
  readonly mailFrom?: string | undefined;
  /** The recipient as the client wrote it, without the angle brackets. */
  readonly recipient: string;
}

interface TrustedNetwork {
  readonly cidr: Cidr;
  readonly text: string;
}

/** A list that can be read more than once. */
type TextList = readonly string[] | ReadonlySet<string>;

function isTextList(value: unknown): value is TextList {
  return (Array.isArray(value) || value instanceof Set) && [...value].every((each) => typeof each === 'string');
}

function deny(reason: DenyReason, matched = '', summary: string = denySummary(reason)): RelayDecision {
  return { decision: 'deny', reason, matched, summary, reply: denyReply(reason) };
}

/**
 * Decides who may send to whom through this server, so that it never is an open relay.
 *
 * - `local`: the recipient's domain is one of `localDomains`, or it is the bare `postmaster`
 * - `relay`: the domain is one of `relayDomains`, or the client has logged in or stands in one of `trustedNetworks`
 * - `deny`: everything else, malformed recipients (whoever asks), and what a next server might take for a route:
 *   `user%victim@ours`, `victim!user@ours`, `"user@victim"@ours`
 *
 * Every decision says why and by what, and a denial brings its reply. Nothing is asked and nothing is kept: a decision
 * takes a microsecond, and one step for each label of the domain, however many domains there are.
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
 * ```
 */
export class RelayAcl {
  readonly #localDomains: DomainSet;
  readonly #localLiterals: ReadonlySet<string>;
  /** `undefined` instead of an empty set, which would be asked for each label all the same. */
  readonly #relayDomains: DomainSet | undefined;
  readonly #trustedNetworks: readonly TrustedNetwork[];
  readonly #allowRoutingCharacters: boolean;

  /** @throws TypeError or RangeError that names the option and the value */
  constructor(options: RelayAclOptions) {
    const read = new OptionReader('RelayAcl', options);
    const takesDomains = 'a list of domains, such as ["example.com", ".example.net"]';
    const localDomains = [...read.required('localDomains', isTextList, takesDomains)];
    const relayDomains = read.value('relayDomains', isTextList, takesDomains) ?? [];
    const trustedNetworks =
      read.value('trustedNetworks', isTextList, 'a list of networks, such as ["192.0.2.0/24"]') ?? [];
    this.#allowRoutingCharacters = read.boolean('allowRoutingCharacters', false);
    read.done();

    this.#localDomains = new DomainSet(
      localDomains.filter((each) => !each.startsWith('[')),
      'RelayAcl: option "localDomains"',
    );
    this.#localLiterals = new Set(localDomains.filter((each) => each.startsWith('[')).map(ownLiteral));
    const relayed = new DomainSet(relayDomains, 'RelayAcl: option "relayDomains"');
    this.#relayDomains = relayed.size === 0 ? undefined : relayed;
    this.#trustedNetworks = [...trustedNetworks].map(trustedNetwork);
  }

  /**
   * May this client send to this recipient?
   *
   * @throws TypeError when `recipient` is not a string; whatever stands in it is a decision
   */
  decide(request: RelayRequest): RelayDecision {
    const { ip: given, user, recipient: address } = request;
    if (typeof address !== 'string') throw new TypeError('RelayAcl.decide: "recipient" must be a string');
    const ip = typeof given === 'string' ? parseIp(given) : given;
    if (ip === undefined) return deny('client-address');

    const recipient = readRecipient(address);
    switch (recipient.kind) {
      case 'fault':
        return deny(recipient.reason);
      case 'postmaster':
        return {
          decision: 'local',
          reason: 'postmaster',
          matched: 'postmaster',
          summary: 'Mail to the bare postmaster is for this server.',
          reply: undefined,
        };
      case 'mailbox':
        return this.#decideMailbox(ip, user, recipient);
    }
  }

  /** The trusted network that the address stands in, as the options name it. */
  trustedNetwork(ip: IpAddress): string | undefined {
    return this.#trustedNetworks.find(({ cidr }) => cidrContains(cidr, ip))?.text;
  }

  #decideMailbox(
    ip: IpAddress,
    user: string | undefined,
    { domain, literal, trick }: Extract<Recipient, { kind: 'mailbox' }>,
  ): RelayDecision {
    const local = literal ? this.#localLiteral(domain) : this.#localDomains.match(domain);
    const relayed = local === undefined && !literal ? this.#relayDomains?.match(domain) : undefined;
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
    if (literal) return deny('address-literal', domain);
    if (user !== undefined && user !== '') {
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

  #localLiteral(literal: string): string | undefined {
    return this.#localLiterals.has(literal) ? literal : undefined;
  }
}

function ownLiteral(text: string): string {
  const literal = canonicalLiteral(text);
  if (literal === undefined) {
    const takes = '"[192.0.2.25]" or "[IPv6:2001:db8::25]"';
    throw new RangeError(`RelayAcl: ${JSON.stringify(text)} in "localDomains" is no address literal such as ${takes}`);
  }
  return literal;
}

function trustedNetwork(text: string): TrustedNetwork {
  const owner = `RelayAcl: ${JSON.stringify(text)} in "trustedNetworks"`;
  const result = parseCidr(text);
  if (!result.ok) throw new RangeError(`${owner} is no network such as "192.0.2.0/24": ${result.reason}`);
  const { cidr, hostBitsSet } = result;
  // Trust is given on purpose or not at all: nobody's whole family, and no network that was meant as one address.
  if (cidr.prefixLength === 0) throw new RangeError(`${owner} is everyone, which would make an open relay`);
  if (hostBitsSet) throw new RangeError(`${owner} is an address inside ${formatCidr(cidr)}; name one or the other`);
  return { cidr, text: formatCidr(cidr) };
}
