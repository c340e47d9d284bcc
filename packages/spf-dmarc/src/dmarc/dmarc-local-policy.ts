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
import type { DmarcEvaluation, DmarcIdentifier } from './dmarc-evaluation.ts';
import type { DmarcOverride } from './dmarc-override.ts';
import type { DmarcPolicy } from './dmarc-policy.ts';

/** Mail that fails DMARC and that this receiver treats by a rule of its own. Every condition given has to hold. */
export interface DmarcOverrideRule {
  /** Why, in the words of aggregate reports (RFC 9990). */
  readonly type: 'local_policy' | 'mailing_list' | 'trusted_forwarder' | 'other';
  /** For a person; aggregate reports carry it to the domain owner. At most 200 characters. Default: none. */
  readonly comment?: string;
  /** What happens to the mail instead. Default `'none'`: DMARC does not count against it. */
  readonly disposition?: DmarcPolicy;
  /** The client's address lies in one of these networks, such as `192.0.2.0/24`. */
  readonly networks?: readonly string[];
  /**
   * SPF or DKIM has authenticated one of these domains, aligned or not: a mailing list, a forwarder. `.example.com` means
   * all subdomains of `example.com`.
   */
  readonly authenticatedDomains?: readonly string[];
  /**
   * The From field names one of these domains; patterns as above. Anybody can write that: with `disposition: 'none'` and no
   * other condition, anybody may.
   */
  readonly authorDomains?: readonly string[];
}

/** What a rule has to say. */
export interface DmarcRuling {
  readonly disposition: DmarcPolicy;
  readonly override: DmarcOverride;
}

interface CompiledRule extends DmarcRuling {
  readonly networks: readonly Cidr[] | undefined;
  readonly authenticated: DomainSet | undefined;
  readonly authors: DomainSet | undefined;
}

const MAX_RULES = 1_000;
const LONGEST_COMMENT = 200;
const types = ['local_policy', 'mailing_list', 'trusted_forwarder', 'other'] as const;
const dispositions = ['none', 'quarantine', 'reject'] as const;

/**
 * A receiver's own rules for mail that fails DMARC (RFC 9989 §5.4): which forwarders and mailing lists it trusts, and whose
 * mail it treats more strictly than their owners ask for. The first rule that fits counts, and stands in aggregate reports
 * as the reason.
 *
 * At most 1,000 rules; one pass over them for each message that fails, and none for others.
 *
 * @example
 * ```ts
 * import { DmarcLocalPolicy } from '@postern/spf-dmarc';
 *
 * const localPolicy = new DmarcLocalPolicy([
 *   { type: 'trusted_forwarder', networks: ['192.0.2.0/24'], comment: 'alumni.example.edu' },
 *   { type: 'mailing_list', authenticatedDomains: ['lists.example.org'] },
 *   { type: 'local_policy', authorDomains: ['example.com', '.example.com'], disposition: 'reject' },
 * ]);
 * ```
 */
export class DmarcLocalPolicy {
  readonly #rules: readonly CompiledRule[];

  /**
   * @throws TypeError or RangeError that names the rule and what is wrong with it; one without any condition is refused, for
   *   it would switch DMARC off
   */
  constructor(rules: readonly DmarcOverrideRule[]) {
    if (!Array.isArray(rules)) throw new TypeError('DmarcLocalPolicy: the rules must be a list');
    if (rules.length > MAX_RULES)
      throw new RangeError(`DmarcLocalPolicy: at most ${MAX_RULES} rules, got ${rules.length}`);
    this.#rules = rules.map((rule, index) => compile(rule, `DmarcLocalPolicy: rule ${index + 1}`));
  }

  /**
   * What the first rule that fits says; `undefined` when none does.
   *
   * @param ip - the client's address; without it, no rule with networks fits
   */
  rulingOn(
    { authorDomain, alignment }: Pick<DmarcEvaluation, 'authorDomain' | 'alignment'>,
    ip: string | IpAddress | undefined,
  ): DmarcRuling | undefined {
    const address = typeof ip === 'string' ? parseIp(ip) : ip;
    const identifiers = alignment.spf === undefined ? alignment.dkim : [alignment.spf, ...alignment.dkim];
    for (const rule of this.#rules) {
      const { networks, authenticated, authors } = rule;
      if (networks !== undefined && !(address !== undefined && networks.some((each) => cidrContains(each, address)))) {
        continue;
      }
      if (authors !== undefined && !(authorDomain !== undefined && authors.has(authorDomain))) continue;
      if (authenticated !== undefined && !identifiers.some((each) => isAmong(each, authenticated))) continue;
      return rule;
    }
    return undefined;
  }
}

function isAmong({ result, domain }: DmarcIdentifier, domains: DomainSet): boolean {
  return result === 'pass' && domains.has(domain);
}

function compile(rule: DmarcOverrideRule, owner: string): CompiledRule {
  const read = new OptionReader(owner, rule);
  const type = read.required('type', isRuleType, `one of ${types.map((each) => JSON.stringify(each)).join(', ')}`);
  const comment = read.value('comment', isComment, `a string of at most ${LONGEST_COMMENT} characters`);
  const disposition = read.oneOf('disposition', dispositions, 'none');
  const networks = read.value('networks', isTextList, 'a list of networks');
  const authenticated = read.value('authenticatedDomains', isTextList, 'a list of domains');
  const authors = read.value('authorDomains', isTextList, 'a list of domains');
  read.done();
  if (networks === undefined && authenticated === undefined && authors === undefined) {
    throw new RangeError(
      `${owner} has neither networks nor authenticatedDomains nor authorDomains: it would fit any mail`,
    );
  }
  return Object.freeze({
    disposition,
    override: Object.freeze({ type, comment }),
    networks: networks?.map((text) => networkOf(text, owner)),
    authenticated: authenticated && new DomainSet(authenticated, `${owner}, authenticatedDomains`),
    authors: authors && new DomainSet(authors, `${owner}, authorDomains`),
  });
}

function isRuleType(value: unknown): value is DmarcOverrideRule['type'] {
  return types.some((each) => each === value);
}

function isComment(value: unknown): value is string {
  return typeof value === 'string' && value.length <= LONGEST_COMMENT;
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function networkOf(text: string, owner: string): Cidr {
  const result = parseCidr(text);
  if (!result.ok) throw new RangeError(`${owner}: ${JSON.stringify(text)} is no network: ${result.reason}`);
  // As relay-acl has it: trust is given on purpose, to no network that was meant as one address.
  if (result.hostBitsSet) {
    throw new RangeError(`${owner}: ${JSON.stringify(text)} is an address inside ${formatCidr(result.cidr)}`);
  }
  return result.cidr;
}
