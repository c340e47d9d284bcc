import { DeadlineResolver, isResolver, OptionReader, type Resolver, toAsciiDomain, toDnsName } from '@postern/core';
import type { DmarcReportUri } from '../dmarc/dmarc-record.ts';
import { parseDmarcRecord } from '../dmarc/parse-dmarc-record.ts';
import { DmarcLookups, organizationalDomain } from '../dmarc/tree-walk.ts';
import { plainMailbox } from './reporter.ts';

/**
 * Whether reports may go to an address.
 *
 * - `verified`: `internal`, it is of the same organization; `authorized`, its domain agrees to get them; `overridden`,
 *   that domain says where to instead.
 * - `refused`: `not-mailto`, no mail can be sent there; `not-authorized`, its domain does not agree; `foreign-override`, that
 *   domain wants them sent to yet another host; `too-many`, there are more addresses than are looked at.
 * - `unknown`: DNS failed, so nothing may be sent for now.
 */
export type ReportDestination =
  | {
      readonly uri: string;
      readonly status: 'verified';
      readonly reason: 'internal' | 'authorized' | 'overridden';
      /** Where reports go. */
      readonly address: string;
    }
  | {
      readonly uri: string;
      readonly status: 'refused';
      readonly reason: 'not-mailto' | 'not-authorized' | 'foreign-override' | 'too-many';
    }
  | { readonly uri: string; readonly status: 'unknown'; readonly reason: 'dns' };

/** Of `verifyReportDestinations`. */
export interface ReportDestinationOptions {
  readonly resolver: Resolver;
  /** Which addresses they are. Default `rua`. */
  readonly tag?: 'rua' | 'ruf';
  /** The most addresses that are looked at. Default 5: RFC 9989 §4.6 asks for two at least. */
  readonly maxDestinations?: number;
  /** Milliseconds for all lookups together. Default 10,000. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Finds out which of the addresses of a DMARC record may get reports, in their order (RFC 9990 §4; RFC 9991 §5 for `ruf`).
 * Else anybody could have the reports of the whole world sent to a stranger.
 *
 * A destination outside of the organization (RFC 9989 §4.10.2, by tree walk) has to publish a TXT record `v=DMARC1` at
 * `<policy domain>._report._dmarc.<its host>`, which may say another address at the same host. At most 9 queries for each
 * address, and 8 for the policy domain; the walks share what they ask.
 *
 * Never rejects because of DNS: what is not known is `unknown`, and gets nothing.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { parseDmarcRecord } from '@postern/spf-dmarc';
 * import { verifyReportDestinations } from '@postern/spf-dmarc/reports';
 *
 * const record = parseDmarcRecord('v=DMARC1; p=none; rua=mailto:dmarc@example.net');
 * const destinations = await verifyReportDestinations('example.com', record?.rua ?? [], { resolver });
 * ```
 */
export async function verifyReportDestinations(
  policyDomain: string,
  uris: readonly DmarcReportUri[],
  options: ReportDestinationOptions,
): Promise<readonly ReportDestination[]> {
  const read = new OptionReader('verifyReportDestinations', options);
  const resolver = read.required('resolver', isResolver, 'a Resolver');
  const tag = read.oneOf('tag', ['rua', 'ruf'], 'rua');
  const maxDestinations = read.integer('maxDestinations', 5, { min: 1, max: 100 });
  const timeoutMs = read.integer('timeoutMs', 10_000, { min: 1, max: 2 ** 31 - 1 });
  const signal = read.signal('signal');
  read.done();

  using dns = new DeadlineResolver(resolver, { timeoutMs, signal });
  // What is no domain name agrees with none.
  const verifier = new Verifier(toAsciiDomain(policyDomain, { underscores: true }) ?? '', dns, tag);
  const destinations: ReportDestination[] = [];
  for (const [index, { uri, address }] of uris.entries()) {
    if (index >= maxDestinations) destinations.push({ uri, status: 'refused', reason: 'too-many' });
    else destinations.push(await verifier.verify(uri, address));
  }
  return destinations;
}

class Verifier {
  readonly #policyDomain: string;
  readonly #dns: Resolver;
  readonly #tag: 'rua' | 'ruf';
  readonly #lookups: DmarcLookups;

  constructor(policyDomain: string, dns: Resolver, tag: 'rua' | 'ruf') {
    this.#policyDomain = policyDomain;
    this.#dns = dns;
    this.#tag = tag;
    this.#lookups = new DmarcLookups(dns);
  }

  async verify(uri: string, published: string | undefined): Promise<ReportDestination> {
    const mailbox = published === undefined ? undefined : plainMailbox(published);
    if (mailbox === undefined) return { uri, status: 'refused', reason: 'not-mailto' };
    const { address, domain } = mailbox;
    const own = await this.#isInternal(domain);
    if (own === undefined) return { uri, status: 'unknown', reason: 'dns' };
    return own ? { uri, status: 'verified', reason: 'internal', address } : this.#askDestination(uri, address, domain);
  }

  /** `undefined`: DNS failed. */
  async #isInternal(domain: string): Promise<boolean | undefined> {
    if (domain === this.#policyDomain) return true;
    const [ours, theirs] = await Promise.all([this.#organizationOf(this.#policyDomain), this.#organizationOf(domain)]);
    return ours === undefined || theirs === undefined ? undefined : ours === theirs;
  }

  async #organizationOf(domain: string): Promise<string | undefined> {
    const walk = await this.#lookups.walk(domain);
    return walk.failure === undefined ? organizationalDomain(walk) : undefined;
  }

  /** RFC 9990 §4 steps 2 to 9. */
  async #askDestination(uri: string, address: string, host: string): Promise<ReportDestination> {
    const name = toDnsName(`${this.#policyDomain}._report._dmarc.${host}`);
    // Step 4: a name that is too long cannot be asked for, and so cannot agree.
    if (name === undefined) return { uri, status: 'refused', reason: 'not-authorized' };
    const answer = await this.#dns.resolve(name, 'TXT');
    if (answer.kind === 'failure') return { uri, status: 'unknown', reason: 'dns' };
    const texts = answer.kind === 'records' ? answer.records : [];
    const records = texts.flatMap((text) => parseDmarcRecord(text) ?? []);
    if (records.length === 0) return { uri, status: 'refused', reason: 'not-authorized' };
    const overriding = records.map((record) => record[this.#tag]).find((list) => list.length > 0);
    if (overriding === undefined) return { uri, status: 'verified', reason: 'authorized', address };
    // Step 9: the same host, to keep reports from being passed on in a circle, or to a victim.
    const mailboxes = overriding.map((each) => (each.address === undefined ? undefined : plainMailbox(each.address)));
    const [first] = mailboxes;
    if (first === undefined || mailboxes.some((mailbox) => mailbox?.domain !== host)) {
      return { uri, status: 'refused', reason: 'foreign-override' };
    }
    return { uri, status: 'verified', reason: 'overridden', address: first.address };
  }
}
