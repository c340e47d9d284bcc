import { type DomainSet, OptionReader, type Resolver } from '@postern/core';
import { type DkimVerifierOptions, VerifierSettings } from '../dkim/verifier-settings.ts';
import { DmarcLocalPolicy } from '../dmarc/dmarc-local-policy.ts';
import { type DmarcOptions, readDmarcOptions } from '../dmarc/dmarc-settings.ts';
import { readSpfSettings, type SpfOptions, type SpfSettings } from '../spf/spf-settings.ts';
import type { ArcBounds } from './arc-chain.ts';
import { needMailauth } from './load-mailauth.ts';
import { readTrustedSealers } from './trusted-sealers.ts';

/** How much of an Authenticated Received Chain is looked at. */
export interface ArcOptions {
  /** More sets are a `fail`: each costs a DNS query. RFC 8617 §4.2.1 knows at most 50. Default 20; from 1 to 50. */
  readonly maxSets?: number;
}

/** How a message and its sender are authenticated. */
export interface ContentOptions {
  /**
   * Milliseconds for SPF; for the keys, from the end of the header on; and for all that is still to be found out when the
   * message is there. Default 10,000; from 1 to 600,000.
   */
  readonly timeoutMs?: number;
  /** Limits of SPF; see `SpfOptions`. */
  readonly spf?: Omit<SpfOptions, 'resolver' | 'signal' | 'timeoutMs'>;
  /** Limits of DKIM, and what becomes of `l=`; see `DkimVerifierOptions`. */
  readonly dkim?: Omit<DkimVerifierOptions, 'resolver' | 'signal' | 'timeoutMs'>;
  /** Limits of DMARC, and the comparison with RFC 7489; see `DmarcOptions`. */
  readonly dmarc?: Omit<DmarcOptions, 'resolver' | 'signal' | 'timeoutMs' | 'onReject' | 'localPolicy'>;
  /** Rules of this receiver for mail that fails DMARC: forwarders and mailing lists, for instance. Default: none. */
  readonly localPolicy?: DmarcLocalPolicy;
  /** Judge the ARC chain (RFC 8617). Needs the package `mailauth`. Default `false`. */
  readonly arc?: boolean | ArcOptions;
  /**
   * Domains whose ARC seals are believed: `lists.example.org` itself, `.example.org` for all below it. When the chain passes,
   * and one of them says that the message passed DMARC when it came there (RFC 8617 §7.2.1), its failure is not held against
   * it (`local_policy`). Needs `arc`. Default: nobody.
   */
  readonly trustedSealers?: readonly string[];
  /** Look up the logo that the message may be shown with (BIMI). Needs the package `mailauth`. Default `false`. */
  readonly bimi?: boolean;
}

/** {@link ContentOptions} with their defaults, and who is asked. */
export interface ContentSettings {
  /** The function whose options these are. */
  readonly owner: string;
  readonly resolver: Resolver;
  readonly timeoutMs: number;
  readonly spf: SpfSettings;
  readonly dkim: VerifierSettings;
  readonly dmarc: NonNullable<ContentOptions['dmarc']>;
  readonly localPolicy: DmarcLocalPolicy | undefined;
  readonly arc: ArcBounds | undefined;
  readonly sealers: DomainSet | undefined;
  readonly bimi: boolean;
}

/** RFC 5321 §4.5.3.2: ten minutes are the longest that a client is asked to wait for a reply. */
const MAX_TIMEOUT_MS = 600_000;
/** RFC 8617 §4.2.1. */
const MAX_ARC_SETS = 50;
/** A set has about 3 KB. */
const MAX_ARC_BYTES = 64 * 1024;

/** What is set once for everything that is asked about a message. */
const common: readonly string[] = ['resolver', 'signal', 'timeoutMs'];

/** Stands for the resolver where options are read before it is known; is never asked. */
const unknownYet: Resolver = {
  async resolve() {
    return { kind: 'failure', reason: 'network', detail: 'No resolver was given.' };
  },
};

/** An object of options for one method, without what is set for all of them. */
function isTuning(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !common.some((name) => name in value);
}

function isLocalPolicy(value: unknown): value is DmarcLocalPolicy {
  return value instanceof DmarcLocalPolicy;
}

function isArc(value: unknown): value is boolean | ArcOptions {
  return typeof value === 'boolean' || (typeof value === 'object' && value !== null);
}

/**
 * Reads {@link ContentOptions}.
 *
 * @param owner - the function whose options these are
 * @returns the settings, for whoever is to be asked
 * @throws TypeError or RangeError that names the option; Error when `mailauth` is needed and not installed
 */
export function readContentSettings(read: OptionReader, owner: string): (resolver: Resolver) => ContentSettings {
  const tuning = (name: 'spf' | 'dkim' | 'dmarc'): object =>
    read.value(name, isTuning, `an object of options for it alone, without ${common.join(', ')}`) ?? {};
  const timeoutMs = read.integer('timeoutMs', 10_000, { min: 1, max: MAX_TIMEOUT_MS });

  const spfReader = new OptionReader(`${owner}: spf`, { ...tuning('spf'), resolver: unknownYet, timeoutMs });
  const spf = readSpfSettings(spfReader);
  spfReader.done();
  const dkimOptions = tuning('dkim');
  const dkim = (resolver: Resolver): VerifierSettings => {
    const reader = new OptionReader(`${owner}: dkim`, { ...dkimOptions, resolver, timeoutMs });
    const settings = new VerifierSettings(reader);
    reader.done();
    return settings;
  };
  // A mistake shows now, and not when mail comes.
  if (Object.keys(dkimOptions).length > 0) dkim(unknownYet);
  const dmarc = tuning('dmarc');
  if ('onReject' in dmarc || 'localPolicy' in dmarc)
    read.refuse('dmarc', 'an object of options for it alone, without onReject, localPolicy');
  if (Object.keys(dmarc).length > 0) readDmarcOptions(`${owner}: dmarc`, { ...dmarc, resolver: unknownYet });

  const arc = read.value('arc', isArc, 'true, false or an object') ?? false;
  const arcReader = new OptionReader(`${owner}: arc`, typeof arc === 'object' ? arc : {});
  const maxSets = arcReader.integer('maxSets', 20, { min: 1, max: MAX_ARC_SETS });
  arcReader.done();
  const sealers = readTrustedSealers(read, owner);
  if (sealers !== undefined && arc === false) read.refuse('trustedSealers', 'left out, or "arc" set');
  const bimi = read.boolean('bimi', false);
  if (arc !== false) needMailauth(owner, 'arc');
  if (bimi) needMailauth(owner, 'bimi');
  const settings = {
    owner,
    timeoutMs,
    dmarc,
    localPolicy: read.value('localPolicy', isLocalPolicy, 'a DmarcLocalPolicy'),
    arc: arc === false ? undefined : { maxSets, maxBytes: MAX_ARC_BYTES },
    sealers,
    bimi,
  };
  return (resolver) => ({ ...settings, resolver, spf: { ...spf, resolver }, dkim: dkim(resolver) });
}
