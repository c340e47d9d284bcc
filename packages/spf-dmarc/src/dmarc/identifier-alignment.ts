import { type Awaitable, andThen, isSubdomainOf, toAsciiDomain, toDnsName } from '@postern/core';
import type { DkimResult } from '../dkim/dkim-result.ts';
import type { SpfResult } from '../spf/spf-result.ts';
import type { Alignment, DmarcAlignment, DmarcIdentifier } from './dmarc-evaluation.ts';
import type { DmarcRecord } from './dmarc-record.ts';
import { type DmarcLookups, type FailedLookup, organizationalDomain } from './tree-walk.ts';

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
  readonly failure: FailedLookup | undefined;
  /** Of the author; `undefined` when nothing hung on it. */
  readonly organizationalDomain: string | undefined;
}

/** The alignment of every identifier with the author domain, by the record that applies to it (RFC 9989 §4.10.2). */
export function alignIdentifiers(
  author: string,
  modes: AlignmentModes,
  identifiers: Identifiers,
  lookups: DmarcLookups,
): Awaitable<AlignmentReading> {
  const comparison = new Comparison(author, modes, identifiers, lookups);
  return andThen(comparison.ask('pass'), () => {
    const alignment = comparison.alignment('pass');
    if (alignment.spfAligned || alignment.dkimAligned) return comparison.read(alignment, undefined);
    if (isUnknown(alignment)) return comparison.read(alignment, 'dns');
    // Nobody is authenticated; somebody aligned might be, once DNS answers SPF or DKIM.
    return andThen(comparison.ask('temperror'), () => {
      const complete = comparison.alignment('temperror');
      return comparison.read(complete, isMissed(complete) ? 'authentication' : undefined);
    });
  });
}

/** The identifiers of a message for which there is no record to go by. */
export function notCompared({ spf, dkim }: Identifiers): DmarcAlignment {
  return {
    spfAligned: false,
    dkimAligned: false,
    spf: spf && identifierOf(spf, nameOf(spf.domain), 'not-compared'),
    dkim: dkim.map((each) => identifierOf(each, nameOf(each.domain), 'not-compared')),
  };
}

type AlignmentModes = Pick<DmarcRecord, 'adkim' | 'aspf'>;
/** Who is compared: those with `pass`, and in the end those with `temperror` as well. */
type Round = 'pass' | 'temperror';

/** What is known of the identifiers of one message and one author domain. */
class Comparison {
  readonly #author: string;
  readonly #modes: AlignmentModes;
  readonly #identifiers: Identifiers;
  /** Of the identifiers, as domains compare; `undefined` of what is none. */
  readonly #spfName: string | undefined;
  readonly #dkimNames: readonly (string | undefined)[];
  readonly #lookups: DmarcLookups;
  /** By domain, of those that had to be asked for. */
  #relaxed: Map<string, Alignment> | undefined;
  #organization: string | undefined;
  #failure: FailedLookup | undefined;
  #walks = 0;

  constructor(author: string, modes: AlignmentModes, identifiers: Identifiers, lookups: DmarcLookups) {
    const { spf, dkim } = identifiers;
    this.#author = author;
    this.#modes = modes;
    this.#identifiers = identifiers;
    this.#spfName = spf && this.#nameOf(spf.domain);
    this.#dkimNames = dkim.map(({ domain }) => this.#nameOf(domain));
    this.#lookups = lookups;
  }

  /** Finds out what cannot be told without asking about those with this result. */
  ask(result: Round): Awaitable<void> {
    const { spf, dkim } = this.#identifiers;
    const unclear: string[] = [];
    if (spf?.result === result) this.#addUnclear(this.#spfName, this.#modes.aspf, unclear);
    for (let index = 0; index < dkim.length; index++) {
      if (dkim[index]?.result === result) this.#addUnclear(this.#dkimNames[index], this.#modes.adkim, unclear);
    }
    return unclear.length === 0 ? undefined : this.#compareAll(new Set(unclear));
  }

  /** @param last - whom else than those with `pass` to tell of */
  alignment(last: Round): DmarcAlignment {
    const { spf, dkim } = this.#identifiers;
    const { aspf, adkim } = this.#modes;
    const spfAlignment = spf && this.#alignmentOf(spf.result, this.#spfName, aspf, last);
    let dkimAligned = false;
    const signers = dkim.map((each, index) => {
      const name = this.#dkimNames[index];
      const alignment = this.#alignmentOf(each.result, name, adkim, last);
      if (each.result === 'pass' && isAligned(alignment)) dkimAligned = true;
      return identifierOf(each, name, alignment);
    });
    return {
      spfAligned: spf?.result === 'pass' && isAligned(spfAlignment),
      dkimAligned,
      spf: spf && spfAlignment && identifierOf(spf, this.#spfName, spfAlignment),
      dkim: signers,
    };
  }

  read(alignment: DmarcAlignment, missed: AlignmentReading['missed']): AlignmentReading {
    return { alignment, missed, failure: this.#failure, organizationalDomain: this.#organization };
  }

  #nameOf(written: string): string | undefined {
    return written === this.#author ? written : nameOf(written);
  }

  #alignmentOf(result: SpfResult | DkimResult, name: string | undefined, mode: 'r' | 's', last: Round): Alignment {
    if (result !== 'pass' && result !== last) return 'not-compared';
    if (name === undefined) return 'none';
    return this.#quick(name, mode) ?? this.#relaxed?.get(name) ?? 'not-compared';
  }

  #addUnclear(name: string | undefined, mode: 'r' | 's', unclear: string[]): void {
    if (name !== undefined && this.#quick(name, mode) === undefined && !this.#relaxed?.has(name)) unclear.push(name);
  }

  /**
   * What can be told without asking (RFC 9989 §4.10.2): identical domains are aligned, under strict alignment no others
   * are, and domains that have not even their last label in common have no organizational domain in common.
   */
  #quick(domain: string, mode: 'r' | 's'): Alignment | undefined {
    if (domain === this.#author) return 'strict';
    return mode === 's' || topLabel(domain) !== topLabel(this.#author) ? 'none' : undefined;
  }

  async #compareAll(domains: ReadonlySet<string>): Promise<void> {
    const walk = await this.#lookups.walk(this.#author);
    this.#failure ??= walk.failure;
    if (walk.failure === undefined) this.#organization = organizationalDomain(walk);
    const relaxed = this.#relaxed ?? new Map<string, Alignment>();
    this.#relaxed = relaxed;
    const compared = [...domains].map(async (domain) => relaxed.set(domain, await this.#compare(domain)));
    await Promise.all(compared);
  }

  #compare(domain: string): Awaitable<Alignment> {
    const organization = this.#organization;
    if (organization === undefined) return 'unknown';
    if (domain === organization) return 'relaxed';
    // An organizational domain is the domain itself or one above it.
    if (!isSubdomainOf(domain, organization)) return 'none';
    if (++this.#walks > MOST_WALKS) return 'not-compared';
    return andThen(this.#lookups.walk(domain), (walk) => {
      this.#failure ??= walk.failure;
      if (walk.failure !== undefined) return 'unknown';
      return organizationalDomain(walk) === organization ? 'relaxed' : 'none';
    });
  }
}

/**
 * The domain as domains compare: a host's or mail domain, or anything else that DNS can be asked about and SPF may have been.
 * `undefined` when it is no domain: nobody can own it, so that it is aligned with nothing.
 */
function nameOf(written: string): string | undefined {
  return toAsciiDomain(written, { underscores: true }) ?? toDnsName(written);
}

/** Without what else a caller has there. */
function identifierOf<R extends SpfResult | DkimResult>(
  { result, domain: written, selector }: { readonly result: R; readonly domain: string; readonly selector?: string },
  name: string | undefined,
  alignment: Alignment,
): DmarcIdentifier<R> {
  const domain = name ?? written;
  return selector === undefined ? { result, domain, alignment } : { result, domain, selector, alignment };
}

function topLabel(domain: string): string {
  return domain.slice(domain.lastIndexOf('.') + 1);
}

function isAligned(alignment: Alignment | undefined): boolean {
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
