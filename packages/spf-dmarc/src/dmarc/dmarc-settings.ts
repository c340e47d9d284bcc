import { isResolver, OptionReader, type Resolver } from '@postern/core';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import { DmarcLocalPolicy } from './dmarc-local-policy.ts';
import type { DmarcPolicy } from './dmarc-policy.ts';

/**
 * What becomes of a message whose owner asks for `reject`: always the same, or what a function says of it, which gets the
 * evaluation with the disposition `reject`; of several authors, about each who fails. To be called at once and to return at
 * once.
 */
export type OnReject = 'quarantine' | 'reject' | ((evaluation: DmarcEvaluation) => DmarcPolicy);

/** How to evaluate. */
export interface DmarcOptions {
  /** Who asks DNS; core's `systemResolver()`, for instance. A cache behind it makes evaluations fast. */
  readonly resolver: Resolver;
  /** Ends the evaluation at once: what is not known by then is a temporary error. */
  readonly signal?: AbortSignal;
  /** Milliseconds for the whole evaluation; what is not known by then is a temporary error. Default 10,000; from 1 to 600,000. */
  readonly timeoutMs?: number;
  /**
   * What to do with mail whose owner asks for `reject`. Default `'quarantine'`: RFC 9989 §7.4 forbids to reject for that
   * reason alone, since mailing lists break what DMARC checks. A function may know more.
   */
  readonly onReject?: OnReject;
  /** Rules of this receiver. Default: none. */
  readonly localPolicy?: DmarcLocalPolicy;
  /**
   * So many different domains may a From field name; each is evaluated then, and the one that fares worst, after
   * `localPolicy` and `onReject`, is the message's (RFC 9989 §11.5). More are a `permerror`; with 1, any second
   * one is (§5.3.1). Default 4; from 1 to 20.
   */
  readonly maxAuthorDomains?: number;
  /**
   * The registrable domain of a name by a public suffix list, such as `getDomain` of `tldts`: makes the evaluation say what
   * RFC 7489 would have said. At most one more lookup. Default: no comparison.
   */
  readonly registrableDomain?: (name: string) => string | null;
}

/** {@link DmarcOptions} with their defaults. */
export interface DmarcSettings {
  readonly resolver: Resolver;
  readonly signal: AbortSignal | undefined;
  readonly timeoutMs: number;
  readonly onReject: OnReject;
  readonly localPolicy: DmarcLocalPolicy | undefined;
  readonly maxAuthorDomains: number;
  readonly registrableDomain: ((name: string) => string | null) | undefined;
}

const DEFAULT_TIMEOUT_MS = 10_000;
/** RFC 5321 §4.5.3.2: ten minutes are the longest that a client is asked to wait for a reply. */
const MAX_TIMEOUT_MS = 600_000;
const DEFAULT_AUTHOR_DOMAINS = 4;
const MOST_AUTHOR_DOMAINS = 20;

export function isOnReject(value: unknown): value is OnReject {
  return value === 'quarantine' || value === 'reject' || typeof value === 'function';
}

function isRegistrableDomain(value: unknown): value is (name: string) => string | null {
  return typeof value === 'function';
}

function isLocalPolicy(value: unknown): value is DmarcLocalPolicy {
  return value instanceof DmarcLocalPolicy;
}

/** Whether there are no options but those that nearly every call has. Reading the others takes longer than an evaluation. */
function isPlain(options: DmarcOptions): boolean {
  if (typeof options !== 'object' || options === null) return false;
  for (const name in options) if (name !== 'resolver' && name !== 'signal') return false;
  return isResolver(options.resolver) && (options.signal === undefined || options.signal instanceof AbortSignal);
}

/** @throws TypeError or RangeError that names the option */
export function readDmarcOptions(owner: string, options: DmarcOptions): DmarcSettings {
  if (isPlain(options)) {
    return {
      resolver: options.resolver,
      signal: options.signal,
      timeoutMs: DEFAULT_TIMEOUT_MS,
      onReject: 'quarantine',
      localPolicy: undefined,
      maxAuthorDomains: DEFAULT_AUTHOR_DOMAINS,
      registrableDomain: undefined,
    };
  }
  const read = new OptionReader(owner, options);
  const settings = {
    resolver: read.required('resolver', isResolver, 'a Resolver'),
    signal: read.signal('signal'),
    timeoutMs: read.integer('timeoutMs', DEFAULT_TIMEOUT_MS, { min: 1, max: MAX_TIMEOUT_MS }),
    onReject: read.value('onReject', isOnReject, '"quarantine", "reject" or a function') ?? 'quarantine',
    localPolicy: read.value('localPolicy', isLocalPolicy, 'a DmarcLocalPolicy'),
    maxAuthorDomains: read.integer('maxAuthorDomains', DEFAULT_AUTHOR_DOMAINS, { min: 1, max: MOST_AUTHOR_DOMAINS }),
    registrableDomain: read.value('registrableDomain', isRegistrableDomain, 'a function'),
  };
  read.done();
  return settings;
}
