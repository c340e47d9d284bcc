import { type DnsFailureReason, isSubdomainOf, toAsciiDomain } from '@postern/core';
import type { DkimResult } from '../dkim/dkim-result.ts';
import type { SpfResult } from '../spf/spf-result.ts';
import type { Alignment, DmarcAlignment, DmarcIdentifier } from './dmarc-evaluation.ts';
import type { DmarcRecord } from './dmarc-record.ts';
import { type DmarcLookups, organizationalDomain } from './tree-walk.ts';

/** So many different domains may need a walk of their own; more are not compared. No honest message comes near. */
const MOST_WALKS = 10;

/** What SPF said of the domain of the reverse-path. */
export interface SpfIdentifier {
  readonly result: SpfResult;
  /** Of MAIL FROM; of the HELO argument when the reverse-path is null (RFC 9989 §4.4.2, RFC 7208 §2.4). */
  readonly domain: string;
}

/** What DKIM said of a signature. */
export interface DkimIdentifier {
  readonly result: DkimResult;
  /** `d=` */
  readonly domain: string;
  /** `s=` */
  readonly selector?: string;
}

/** The identifiers of a message. */
export interface Identifiers {
  readonly spf: SpfIdentifier | undefined;
  readonly dkim: readonly DkimIdentifier[];
}

/** Everyone's alignment, and what is not known of it. */
export interface AlignmentReading {
  readonly alignment: DmarcAlignment;
  /** Who might have been authenticated and aligned, had DNS not failed; `authentication`: for SPF or DKIM. */
  readonly missed: 'dns' | 'authentication' | undefined;
  readonly failure: DnsFailureReason | undefined;
  /** Of the author; `undefined` when nothing hung on it. */
  readonly organizationalDomain: string | undefined;
}

interface Compared {
  readonly alignments: ReadonlyMap<string, Alignment>;
  readonly organizationalDomain: string | undefined;
  readonly failure: DnsFailureReason | undefined;
}

/** Whether SPF or DKIM has said so much that alignment would count, or might have. */
type Round = 'pass' | 'temperror';

/** The alignment of every identifier with the author domain, by the record that applies to it (RFC 9989 §4.10.2). */
export async function alignIdentifiers(
  author: string,
  { adkim, aspf }: Pick<DmarcRecord, 'adkim' | 'aspf'>,
  { spf, dkim }: Identifiers,
  lookups: DmarcLookups,
): Promise<AlignmentReading> {
  const ownSpf = spf && identifierOf(spf);
  const ownDkim = dkim.map(identifierOf);
  let compared: Compared = nothingCompared;

  const alignmentOf = ({ result, domain }: SpfIdentifier | DkimIdentifier, mode: 'r' | 's', last: Round): Alignment =>
    result === 'pass' || result === last
      ? (quickAlignment(author, domain, mode) ?? compared.alignments.get(domain) ?? 'not-compared')
      : 'not-compared';
  const reading = (last: Round): DmarcAlignment => {
    const judgedSpf = ownSpf && { ...ownSpf, alignment: alignmentOf(ownSpf, aspf, last) };
    const judgedDkim = ownDkim.map((each) => ({ ...each, alignment: alignmentOf(each, adkim, last) }));
    return {
      spfAligned: judgedSpf !== undefined && authenticates(judgedSpf),
      dkimAligned: judgedDkim.some(authenticates),
      spf: judgedSpf,
      dkim: judgedDkim,
    };
  };
  const askFor = async (round: Round): Promise<void> => {
    const unclear = new Set<string>();
    const add = ({ result, domain }: SpfIdentifier | DkimIdentifier, mode: 'r' | 's'): void => {
      const isOpen = result === round && quickAlignment(author, domain, mode) === undefined;
      if (isOpen && !compared.alignments.has(domain)) unclear.add(domain);
    };
    if (ownSpf !== undefined) add(ownSpf, aspf);
    for (const each of ownDkim) add(each, adkim);
    if (unclear.size > 0) compared = await compareRelaxed(author, unclear, lookups, compared);
  };

  await askFor('pass');
  const passed = reading('pass');
  const isPass = passed.spfAligned || passed.dkimAligned;
  const isLost = !isPass && isUnknown(passed);
  if (isPass || isLost) return { alignment: passed, missed: isLost ? 'dns' : undefined, ...outcomeOf(compared) };
  // Nobody is authenticated for sure; somebody aligned might be, once DNS answers SPF or DKIM.
  await askFor('temperror');
  const alignment = reading('temperror');
  return { alignment, missed: isMissed(alignment) ? 'authentication' : undefined, ...outcomeOf(compared) };
}

/** The identifiers of a message for which there is no record to go by. */
export function notCompared({ spf, dkim }: Identifiers): DmarcAlignment {
  return {
    spfAligned: false,
    dkimAligned: false,
    spf: spf && { ...identifierOf(spf), alignment: 'not-compared' },
    dkim: dkim.map((each) => ({ ...identifierOf(each), alignment: 'not-compared' })),
  };
}

const nothingCompared: Compared = { alignments: new Map(), organizationalDomain: undefined, failure: undefined };

function outcomeOf({ failure, organizationalDomain }: Compared): Omit<Compared, 'alignments'> {
  return { failure, organizationalDomain };
}

/** Without what else a caller has there. */
function identifierOf<R extends SpfResult | DkimResult>({
  result,
  domain,
  selector,
}: {
  readonly result: R;
  readonly domain: string;
  readonly selector?: string;
}): Omit<DmarcIdentifier<R>, 'alignment'> {
  return { result, domain: comparable(domain), ...(selector === undefined ? undefined : { selector }) };
}

/** As domains compare; what is none is aligned with nothing. */
function comparable(domain: string): string {
  return toAsciiDomain(domain, { underscores: true }) ?? domain;
}

function authenticates({ result, alignment }: DmarcIdentifier): boolean {
  return result === 'pass' && isAligned(alignment);
}

function isAligned(alignment: Alignment): boolean {
  return alignment === 'strict' || alignment === 'relaxed';
}

function isUnknown({ spf, dkim }: DmarcAlignment): boolean {
  return spf?.alignment === 'unknown' || dkim.some(({ alignment }) => alignment === 'unknown');
}

/** Whether an identifier with a temporary error is aligned, or might be. */
function isMissed({ spf, dkim }: DmarcAlignment): boolean {
  const misses = ({ result, alignment }: DmarcIdentifier): boolean =>
    result === 'temperror' && (alignment === 'unknown' || isAligned(alignment));
  return (spf !== undefined && misses(spf)) || dkim.some(misses);
}

/**
 * What can be told without asking (RFC 9989 §4.10.2): identical domains are aligned, under strict alignment no others are,
 * and domains that have not even their last label in common have no organizational domain in common.
 */
function quickAlignment(author: string, domain: string, mode: 'r' | 's'): Alignment | undefined {
  if (domain === author) return 'strict';
  return mode === 's' || topLabel(domain) !== topLabel(author) ? 'none' : undefined;
}

function topLabel(domain: string): string {
  return domain.slice(domain.lastIndexOf('.') + 1);
}

async function compareRelaxed(
  author: string,
  domains: ReadonlySet<string>,
  lookups: DmarcLookups,
  before: Compared,
): Promise<Compared> {
  const alignments = new Map(before.alignments);
  let { failure } = before;
  const authorWalk = await lookups.walk(author);
  const organization = organizationalDomain(authorWalk);
  let walks = 0;
  const compare = async (domain: string): Promise<Alignment> => {
    if (authorWalk.failure !== undefined) return 'unknown';
    if (domain === organization) return 'relaxed';
    // An organizational domain is the domain itself or one above it.
    if (!isSubdomainOf(domain, organization)) return 'none';
    if (++walks > MOST_WALKS) return 'not-compared';
    const walk = await lookups.walk(domain);
    failure ??= walk.failure;
    if (walk.failure !== undefined) return 'unknown';
    return organizationalDomain(walk) === organization ? 'relaxed' : 'none';
  };
  failure ??= authorWalk.failure;
  await Promise.all([...domains].map(async (domain) => alignments.set(domain, await compare(domain))));
  return { alignments, failure, organizationalDomain: authorWalk.failure === undefined ? organization : undefined };
}
