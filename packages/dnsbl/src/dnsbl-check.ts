import {
  type Check,
  checkFailed,
  type Finding,
  formatIp,
  isResolver,
  type Opinion,
  OptionReader,
  type Resolver,
} from '@postern/core';
import { type AskOptions, askZones } from './ask-zones.ts';
import { compileZones, isZoneList } from './compiled-zone.ts';
import type { DnsblResult } from './dnsbl-result.ts';
import type { DnsblZone } from './dnsbl-zone.ts';
import { listingReply, namesOf } from './listing-reply.ts';
import { DEFAULT_TIMEOUT_MS, MAX_TIMEOUT_MS } from './query-dnsbl.ts';

/** How {@link dnsbl} asks, and what it makes of the answers. */
export interface DnsblOptions {
  /** The lists: zone values, or plain names for lists that follow RFC 5782 without codes of their own. At least one. */
  readonly zones: readonly (string | DnsblZone)[];
  /** The check's name in reports. Default `dnsbl`. */
  readonly name?: string;
  /** Who asks DNS. Default: the gateway's resolver. */
  readonly resolver?: Resolver;
  /** Milliseconds for all zones together, well below the time of an SMTP command. Default 3,000; from 1 to 600,000. */
  readonly timeoutMs?: number;
  /**
   * The score (the weights of the block zones that list the client, added up) from which the client is refused. Below it
   * the score only counts towards the gateway's thresholds; `Infinity` never refuses. > 0. Default 1: one listing.
   */
  readonly rejectAtScore?: number;
  /**
   * What to do when no zone lists the client and at least one could not say. `defer` asks the client to come back
   * (451 4.3.0): a list that is down then holds up all strangers' mail. Default `ignore`.
   */
  readonly onUnknown?: 'ignore' | 'defer';
  /** Ask about private, loopback and documentation addresses too. Default `false`. */
  readonly askSpecial?: boolean;
}

/** What a policy makes of a result. */
interface Policy {
  readonly rejectAtScore: number;
  readonly deferUnknown: boolean;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isScore(value: unknown): value is number {
  return typeof value === 'number' && value > 0;
}

function isNonEmptyZoneList(value: unknown): value is readonly (string | DnsblZone)[] {
  return isZoneList(value) && value.length > 0;
}

/** `dnsbl/listed`, `dnsbl/allowed`, `dnsbl/clean`, `dnsbl/unknown` or `dnsbl/skipped`, with everything the result has. */
function findingOf(address: string, result: DnsblResult): Finding {
  const facts = { client: address, ...result };
  switch (result.status) {
    case 'listed': {
      const names = namesOf(result.zones.filter(({ kind, status }) => kind === 'block' && status === 'listed'));
      return result.allowed
        ? { kind: 'dnsbl/allowed', summary: `${address} is listed by ${names}, but also by an allow list.`, ...facts }
        : { kind: 'dnsbl/listed', summary: `${address} is listed by ${names}.`, ...facts };
    }
    case 'clean':
      return { kind: 'dnsbl/clean', summary: `No DNS list that was asked lists ${address}.`, ...facts };
    case 'unknown': {
      if (result.reason === 'special-address') {
        return { kind: 'dnsbl/skipped', summary: `DNS lists are not asked about ${address}.`, ...facts };
      }
      if (result.reason === 'not-an-address') {
        return { kind: 'dnsbl/unknown', summary: 'The client has no IP address to ask DNS lists about.', ...facts };
      }
      const silent = result.zones.filter(({ status }) => status === 'unknown');
      return silent.length === 0
        ? { kind: 'dnsbl/skipped', summary: `No DNS block list knows addresses such as ${address}.`, ...facts }
        : { kind: 'dnsbl/unknown', summary: `Not known whether ${address} is listed: ${namesOf(silent)}.`, ...facts };
    }
  }
}

function opinionOf(address: string, result: DnsblResult, policy: Policy): Opinion {
  const finding = findingOf(address, result);
  if (result.status === 'listed' && !result.allowed) {
    const { score } = result;
    if (score < policy.rejectAtScore) return { finding, score };
    const listings = result.zones.filter(({ kind, status }) => kind === 'block' && status === 'listed');
    return { finding, score, verdict: 'reject', reply: listingReply(address, listings) };
  }
  // A client that nobody could ask about is unknown as well; one that nobody needs to ask about is not.
  const unknown = result.reason === 'no-answer' || result.reason === 'not-an-address';
  if (unknown && policy.deferUnknown && !result.allowed) return { finding, verdict: 'defer', reply: checkFailed };
  return { finding };
}

/**
 * Refuses clients that DNS lists know (RFC 5782): the `Check` of {@link queryDnsbl}. It asks when a stranger connects;
 * clients that have logged in or stand in a trusted network are not judged.
 *
 * - a score of `rejectAtScore` or more: 550 5.7.1 with the list, its reason, the look-up link and the client's address
 * - a lower score: counts towards the gateway's thresholds
 * - an allow zone lists the client: a listing is reported and not held against it
 * - not known: nothing, or 451 4.3.0 with `onUnknown: 'defer'`
 *
 * The finding carries every zone's result, and no query key.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { dnsbl, spamcop, spamhausZen } from '@postern/dnsbl';
 *
 * // Spamhaus alone suffices; SpamCop needs company.
 * const check = dnsbl({ zones: [{ ...spamhausZen, weight: 2 }, spamcop], rejectAtScore: 2 });
 * ```
 */
export function dnsbl(options: DnsblOptions): Check {
  const read = new OptionReader('dnsbl', options);
  const zones = read.required('zones', isNonEmptyZoneList, 'a list of at least one zone or zone name');
  const name = read.value('name', isName, 'a name') ?? 'dnsbl';
  const ownResolver = read.value('resolver', isResolver, 'a Resolver');
  const timeoutMs = read.integer('timeoutMs', DEFAULT_TIMEOUT_MS, { min: 1, max: MAX_TIMEOUT_MS });
  const rejectAtScore = read.value('rejectAtScore', isScore, 'a number > 0') ?? 1;
  const onUnknown = read.oneOf('onUnknown', ['ignore', 'defer'], 'ignore');
  const askSpecial = read.boolean('askSpecial', false);
  read.done();

  const compiled = compileZones('dnsbl', zones);
  const policy: Policy = { rejectAtScore, deferUnknown: onUnknown === 'defer' };

  return {
    name,
    cost: 'network',
    appliesTo: 'strangers',
    start({ client }, context) {
      const how: AskOptions = { resolver: ownResolver ?? context.resolver, timeoutMs, askSpecial };
      const address = client.ip === undefined ? client.address : formatIp(client.ip);
      return {
        connect: async (signal) => opinionOf(address, await askZones(client.ip, compiled, how, signal), policy),
      };
    },
  };
}
