import { type Check, DeadlineResolver, type Opinion, OptionReader, reverseName, toAsciiDomain } from '@postern/core';
import { authorDomains, MAX_AUTHORS } from './author-domains.ts';
import { compileZones, isNonEmptyZoneList } from './compiled-zone.ts';
import type { DomainZone } from './dnsbl-zone.ts';
import { askAboutDomain, type DomainAskOptions, type RegistrableDomain } from './domain-questions.ts';
import { type ListingPolicyOptions, opinionOf, readListingPolicy } from './listing-policy.ts';
import { isRegistrableDomain, needRegistrable } from './query-domain-list.ts';

/**
 * Which domain is asked about.
 *
 * - `reverse-name`: the client's PTR name, the first by the alphabet, unconfirmed: who listed it himself harms nobody else
 * - `helo`: the HELO name
 * - `mail-from`: the domain of MAIL FROM
 * - `from`: the domains of the message's `From` fields, at most 4
 */
export type AskedDomain = 'reverse-name' | 'helo' | 'mail-from' | 'from';

const allAsked = ['reverse-name', 'helo', 'mail-from', 'from'] as const satisfies readonly AskedDomain[];

const roles = {
  'reverse-name': 'Reverse name',
  helo: 'HELO name',
  'mail-from': 'Sender domain',
  from: 'Author domain',
} as const satisfies Readonly<Record<AskedDomain, string>>;

/** How {@link domainDnsbl} asks, and what it makes of the answers. */
export interface DomainDnsblOptions extends ListingPolicyOptions {
  /** The lists: zone values with `lists: 'domains'`, or plain names. At least one. */
  readonly zones: readonly (string | DomainZone)[];
  /** Which domains are asked about. Default: all. */
  readonly ask?: readonly AskedDomain[];
  /** For zones with `query: 'registrable'`, which need it. */
  readonly registrableDomain?: RegistrableDomain;
}

function isAskList(value: unknown): value is readonly AskedDomain[] {
  return (
    Array.isArray(value) && value.length > 0 && value.every((each) => allAsked.some((known): boolean => known === each))
  );
}

/** The opinion that weighs most: a refusal, a deferral, a score, in this order; the first of equals. */
function gravest(opinions: readonly Opinion[]): Opinion | undefined {
  return (
    opinions.find(({ verdict }) => verdict === 'reject') ??
    opinions.find(({ verdict }) => verdict === 'defer') ??
    opinions.toSorted((a, b) => (b.score ?? 0) - (a.score ?? 0))[0]
  );
}

/**
 * Refuses mail whose domains DNS lists know (RFC 5782 §3): the `Check` of {@link queryDomainList}. It asks about the client's
 * reverse name, its HELO name, the domain of MAIL FROM and those of `From`, each when it becomes known; clients that have
 * logged in or stand in a trusted network are not judged.
 *
 * Verdicts are those of `dnsbl`. Each domain has a finding of its own, `dnsbl/domain-listed` for instance, which says in
 * `asked` which it was. Of several authors the worst counts.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { domainDnsbl, spamhausDbl } from '@postern/dnsbl';
 *
 * const check = domainDnsbl({ zones: [spamhausDbl], ask: ['helo', 'mail-from', 'from'] });
 * ```
 */
export function domainDnsbl(options: DomainDnsblOptions): Check {
  const read = new OptionReader('domainDnsbl', options);
  const zones = read.required('zones', isNonEmptyZoneList, 'a list of at least one zone or zone name');
  const ask = read.value('ask', isAskList, `a list of some of ${allAsked.join(', ')}`) ?? allAsked;
  const registrableDomain = read.value('registrableDomain', isRegistrableDomain, 'a function');
  const policy = readListingPolicy(read, 'domain-dnsbl');
  read.done();
  const compiled = compileZones('domainDnsbl', zones, 'domains');
  needRegistrable('domainDnsbl', compiled, registrableDomain);

  return {
    name: policy.name,
    cost: 'network',
    appliesTo: 'strangers',
    start({ client }, context) {
      const resolver = policy.resolver ?? context.resolver;
      const how: DomainAskOptions = { ...policy.asking, resolver, registrableDomain, askSpecial: false };

      async function judge(asked: AskedDomain, domain: string, signal: AbortSignal): Promise<Opinion> {
        const result = await askAboutDomain(domain, compiled, how, signal);
        // As sent it may be anything; a domain has at most 253 characters.
        const subject = toAsciiDomain(domain, { underscores: true }) ?? domain.slice(0, 253);
        const about = {
          prefix: 'dnsbl/domain-',
          role: roles[asked],
          subject,
          facts: { asked, domain: subject },
        } as const;
        return opinionOf(about, result, policy);
      }

      async function reverse(signal: AbortSignal): Promise<Opinion | undefined> {
        if (client.ip === undefined) return undefined;
        using dns = new DeadlineResolver(resolver, { timeoutMs: policy.asking.timeoutMs, signal });
        const answer = await dns.resolve(reverseName(client.ip), 'PTR');
        const first = answer.kind === 'records' ? answer.records.toSorted()[0] : undefined;
        return first === undefined ? undefined : judge('reverse-name', first, signal);
      }

      return {
        ...(ask.includes('reverse-name') && { connect: reverse }),
        ...(ask.includes('helo') && { helo: (name: string, signal: AbortSignal) => judge('helo', name, signal) }),
        ...(ask.includes('mail-from') && {
          mail: ({ reversePath: { domain } }, signal) =>
            // The null reverse-path has no domain (RFC 5321 §4.5.5).
            domain === '' ? undefined : judge('mail-from', domain, signal),
        }),
        ...(ask.includes('from') && {
          message() {
            const gone = new AbortController();
            let domains: ReadonlySet<string> = new Set();
            return {
              header(fields) {
                // More than one field is against RFC 5322 §3.6, and it is not known which one is shown.
                const found = fields.all('from').flatMap(({ value }) => authorDomains(value));
                domains = new Set(found.slice(0, MAX_AUTHORS));
              },
              write() {},
              end: async () => gravest(await Promise.all([...domains].map((each) => judge('from', each, gone.signal)))),
              abort: () => gone.abort(),
            };
          },
        }),
      };
    },
  };
}
