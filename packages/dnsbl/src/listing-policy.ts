import { checkFailed, type Finding, isResolver, type Opinion, type OptionReader, type Resolver } from '@postern/core';
import type { AskOptions } from './ask-zones.ts';
import type { DnsblResult } from './dnsbl-result.ts';
import { deferredListingReply, listingReply, namesOf } from './listing-reply.ts';
import { type AskingOptions, isScore, readAskingOptions } from './query-options.ts';

/** How a check asks lists, and what it makes of their answers. */
export interface ListingPolicyOptions extends AskingOptions {
  /** The check's name in reports. Default: that of the function that makes it, in lower case with hyphens. */
  readonly name?: string;
  /** Who asks DNS. Default: the gateway's resolver. */
  readonly resolver?: Resolver;
  /**
   * The score (the weights of the block zones that list, added up) from which mail is refused with 550 5.7.1. Below it the
   * score only counts towards the gateway's thresholds; `Infinity` never refuses. > 0. Default 1: one listing.
   */
  readonly rejectAtScore?: number;
  /** The score from which the client is asked to come back, 451 4.7.1, below `rejectAtScore`. > 0. Default `Infinity`. */
  readonly deferAtScore?: number;
  /**
   * What to do when no zone lists and at least one could not say. `defer` asks the client to come back (451 4.3.0): a list
   * that is down then holds up all strangers' mail. Default `ignore`.
   */
  readonly onUnknown?: 'ignore' | 'defer';
  /**
   * Answer as soon as it is certain whether `rejectAtScore` is reached (`stopAtScore` of a query): one slow list then holds
   * up nobody whom others list. A lower score and the texts of listings may be incomplete then. Default `false`: all lists
   * are awaited.
   */
  readonly stopWhenDecided?: boolean;
}

/** The options, read. */
export interface ListingPolicy {
  readonly name: string;
  readonly resolver: Resolver | undefined;
  readonly asking: Omit<AskOptions, 'resolver'>;
  readonly rejectAtScore: number;
  readonly deferAtScore: number;
  readonly deferUnknown: boolean;
}

/** What the lists were asked about. */
export interface Listed {
  /** Stands in the finding's kind: `dnsbl/listed`, `dnsbl/domain-listed`. */
  readonly prefix: 'dnsbl/' | 'dnsbl/domain-' | 'dnsbl/hop-';
  /** As the reply begins: `Client`, `Domain`. */
  readonly role: string;
  /** The address or the domain. */
  readonly subject: string;
  /** Further facts of the finding. */
  readonly facts: Readonly<Record<string, string | undefined>>;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

export function readListingPolicy(read: OptionReader, defaultName: string): ListingPolicy {
  const name = read.value('name', isName, 'a name') ?? defaultName;
  const resolver = read.value('resolver', isResolver, 'a Resolver');
  const rejectAtScore = read.value('rejectAtScore', isScore, 'a number > 0') ?? 1;
  const deferAtScore = read.value('deferAtScore', isScore, 'a number > 0') ?? Number.POSITIVE_INFINITY;
  const onUnknown = read.oneOf('onUnknown', ['ignore', 'defer'], 'ignore');
  const stopWhenDecided = read.boolean('stopWhenDecided', false);
  // A query that ends when one score is decided does not know about another one.
  if (stopWhenDecided && deferAtScore < rejectAtScore) read.refuse('stopWhenDecided', 'false with "deferAtScore"');
  const stopAtScore = stopWhenDecided ? rejectAtScore : Number.POSITIVE_INFINITY;
  const asking = { ...readAskingOptions(read), stopAtScore };
  return { name, resolver, asking, rejectAtScore, deferAtScore, deferUnknown: onUnknown === 'defer' };
}

/** One sentence and the words of the finding. */
function findingOf({ prefix, subject, facts: more }: Listed, result: DnsblResult): Finding {
  const facts = { ...more, ...result };
  const { zones, reason } = result;
  switch (result.status) {
    case 'listed': {
      const names = namesOf(zones.filter(({ kind, status }) => kind === 'block' && status === 'listed'));
      return result.allowed
        ? {
            kind: `${prefix}allowed`,
            summary: `${subject} is listed by ${names}, but also by an allow list.`,
            ...facts,
          }
        : { kind: `${prefix}listed`, summary: `${subject} is listed by ${names}.`, ...facts };
    }
    case 'clean':
      return { kind: `${prefix}clean`, summary: `No DNS list that was asked lists ${subject}.`, ...facts };
    case 'unknown': {
      if (reason === 'special-address' || reason === 'special-domain') {
        return { kind: `${prefix}skipped`, summary: `DNS lists are not asked about ${subject}.`, ...facts };
      }
      if (reason === 'not-an-address') {
        return {
          kind: `${prefix}unknown`,
          summary: 'The client has no IP address to ask DNS lists about.',
          ...facts,
        };
      }
      if (reason === 'not-a-domain') {
        return { kind: `${prefix}skipped`, summary: 'There is no domain to ask DNS lists about.', ...facts };
      }
      if (reason === 'stopped') {
        const why = result.allowed ? 'An allow list knows' : 'Too few DNS lists could list';
        return { kind: `${prefix}stopped`, summary: `${why} ${subject}: the rest was not awaited.`, ...facts };
      }
      const silent = zones.filter(({ status }) => status === 'unknown');
      return silent.length === 0
        ? { kind: `${prefix}skipped`, summary: `No DNS block list knows the like of ${subject}.`, ...facts }
        : {
            kind: `${prefix}unknown`,
            summary: `Not known whether ${subject} is listed: ${namesOf(silent)}.`,
            ...facts,
          };
    }
  }
}

/** What a check thinks of a result. */
export function opinionOf(listed: Listed, result: DnsblResult, policy: ListingPolicy): Opinion {
  const finding = findingOf(listed, result);
  if (result.status === 'listed' && !result.allowed) {
    const { score } = result;
    const listings = result.zones.filter(({ kind, status }) => kind === 'block' && status === 'listed');
    const who = `${listed.role} ${listed.subject}`;
    if (score >= policy.rejectAtScore) return { finding, score, verdict: 'reject', reply: listingReply(who, listings) };
    if (score >= policy.deferAtScore) {
      return { finding, score, verdict: 'defer', reply: deferredListingReply(who, listings) };
    }
    return { finding, score };
  }
  // A client that nobody could ask about is unknown as well; one that nobody needs to ask about is not.
  const unknown = result.reason === 'no-answer' || result.reason === 'not-an-address';
  if (unknown && policy.deferUnknown && !result.allowed) return { finding, verdict: 'defer', reply: checkFailed };
  return { finding };
}
