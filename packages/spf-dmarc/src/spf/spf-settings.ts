import { type Clock, isClock, isResolver, OptionReader, type Resolver, systemClock } from '@postern/core';

/** How to check. */
export interface SpfOptions {
  /** Who asks DNS; core's `systemResolver()`, for instance. A cache behind it makes checks fast. */
  readonly resolver: Resolver;
  /** Ends the check at once, with `temperror`. */
  readonly signal?: AbortSignal;
  /**
   * Milliseconds for the whole check, both identities and the explanation; `temperror` from then on. Default 20,000, the
   * least that RFC 7208 §4.6.4 wants allowed. From 1 to 600,000.
   */
  readonly timeoutMs?: number;
  /**
   * How many terms may ask DNS, includes and redirects together: `include`, `a`, `mx`, `ptr`, `exists`, `redirect`, and
   * the first `%{p}`; more is `permerror` (RFC 7208 §4.6.4). Default 10; from 0 to 100.
   */
  readonly maxLookupTerms?: number;
  /** How many of them may come back without an answer; more is `permerror`. Default 2; from 0 to 100. */
  readonly maxVoidLookups?: number;
  /** How many mail exchangers an `mx` may have; more is `permerror`. Default 10; from 0 to 100. */
  readonly maxMxHosts?: number;
  /** How many names of the client are looked at; the rest is left out. Default 10; from 0 to 100. */
  readonly maxPtrNames?: number;
  /**
   * This server's host name, which explanations may quote (`%{r}`, RFC 7208 §7.3). Default `unknown`; at most 255
   * characters.
   */
  readonly receiver?: string;
  /** What explanations take the time from (`%{t}`). Default: the machine's clock. */
  readonly clock?: Clock;
}

/** {@link SpfOptions} with their defaults, without the signal. */
export interface SpfSettings {
  readonly resolver: Resolver;
  readonly timeoutMs: number;
  readonly maxLookupTerms: number;
  readonly maxVoidLookups: number;
  readonly maxMxHosts: number;
  readonly maxPtrNames: number;
  readonly receiver: string;
  readonly clock: Clock;
}

const DEFAULT_TIMEOUT_MS = 20_000;
/** RFC 5321 §4.5.3.2: ten minutes are the longest that a client is asked to wait for a reply. */
const MAX_TIMEOUT_MS = 600_000;
const DEFAULT_LOOKUP_TERMS = 10;
const DEFAULT_VOID_LOOKUPS = 2;
const DEFAULT_MX_HOSTS = 10;
const DEFAULT_PTR_NAMES = 10;
const LONGEST_RECEIVER = 255;

/** Each default that is no option's own object. */
const defaults = {
  timeoutMs: DEFAULT_TIMEOUT_MS,
  maxLookupTerms: DEFAULT_LOOKUP_TERMS,
  maxVoidLookups: DEFAULT_VOID_LOOKUPS,
  maxMxHosts: DEFAULT_MX_HOSTS,
  maxPtrNames: DEFAULT_PTR_NAMES,
  receiver: 'unknown',
} as const;

function isReceiver(value: unknown): value is string {
  return typeof value === 'string' && value.length > 0 && value.length <= LONGEST_RECEIVER;
}

/** Reads every option but the signal. */
export function readSpfSettings(read: OptionReader): SpfSettings {
  const limit = { min: 0, max: 100 };
  return {
    resolver: read.required('resolver', isResolver, 'a Resolver'),
    timeoutMs: read.integer('timeoutMs', defaults.timeoutMs, { min: 1, max: MAX_TIMEOUT_MS }),
    maxLookupTerms: read.integer('maxLookupTerms', defaults.maxLookupTerms, limit),
    maxVoidLookups: read.integer('maxVoidLookups', defaults.maxVoidLookups, limit),
    maxMxHosts: read.integer('maxMxHosts', defaults.maxMxHosts, limit),
    maxPtrNames: read.integer('maxPtrNames', defaults.maxPtrNames, limit),
    receiver: read.value('receiver', isReceiver, 'a host name') ?? defaults.receiver,
    clock: read.value('clock', isClock, 'a Clock') ?? systemClock,
  };
}

/** Whether there are no options but those that nearly every call has. Reading the others takes longer than a check. */
function isPlain(options: SpfOptions): boolean {
  for (const name in options) if (name !== 'resolver' && name !== 'signal') return false;
  return true;
}

/**
 * The options of one call.
 *
 * @throws TypeError or RangeError that names the option
 */
export function readSpfOptions(
  owner: string,
  options: SpfOptions,
): { readonly settings: SpfSettings; readonly signal: AbortSignal | undefined } {
  if (typeof options === 'object' && options !== null && isPlain(options) && isResolver(options.resolver)) {
    const { resolver, signal } = options;
    if (signal === undefined || signal instanceof AbortSignal) {
      return { settings: { ...defaults, resolver, clock: systemClock }, signal };
    }
  }
  const read = new OptionReader(owner, options);
  const settings = readSpfSettings(read);
  const signal = read.signal('signal');
  read.done();
  return { settings, signal };
}
