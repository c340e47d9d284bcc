import { tmpdir } from 'node:os';
import {
  type Backend,
  type Check,
  type Clock,
  isClock,
  isResolver,
  isStore,
  type NewlineMode,
  OptionReader,
  type Report,
  type Resolver,
  type Service,
  type Store,
  systemClock,
  toAsciiDomain,
} from '@postern/core';
import type { DeliverFunction } from './deliver-function.ts';

/** The scores from which on something happens. */
export interface Thresholds {
  /** From this score on, a message is accepted and marked. Default: no score does that. */
  readonly quarantine?: number;
  /** From this score on, a recipient, and then a message, is refused with 550 5.7.1. Default: no score does that. */
  readonly reject?: number;
}

/**
 * What `createGateway` takes. Durations are milliseconds, at most 2,147,483,647; sizes are bytes, `maxHeaderBytes` at most
 * 2^30. All numbers are whole and at least 1, except that `maxDelayMs`, `maxRefusedRecipients`, `maxReportedOpinions`,
 * `spoolMemoryBytes` and `minBytesPerSecond` may be 0.
 */
export interface GatewayOptions {
  /** The name of this server: in the greeting, in `Received` and in `Authentication-Results`. */
  readonly hostname: string;
  /** Who is asked about every session, in this order. Their names are unique. With none, no mail is taken. */
  readonly checks: readonly Check[];
  /** Where accepted mail goes: a backend that is asked about each recipient, or a function that takes all or none. */
  readonly deliver: Backend | DeliverFunction;
  /** Who answers the checks' DNS questions. Default `systemResolver()`. */
  readonly resolver?: Resolver;
  /** Where checks keep what sessions share. Default a `MemoryStore`. */
  readonly store?: Store;
  /** Default the system's clock. */
  readonly clock?: Clock;
  /**
   * `mx` takes mail from anywhere for its own domains, `submission` from its own users for anywhere: MAIL without login is
   * refused with 530 5.7.0. Default `mx`.
   */
  readonly service?: Service;
  /** When scores quarantine and reject. Default: never. */
  readonly thresholds?: Thresholds;
  /**
   * When verdicts of connect, HELO and MAIL are enforced: at RCPT, so that `postmaster` stays reachable, a login can lift
   * what speaks of strangers only, and reports know the recipient; or at the very stage. A 421 is always enforced at once.
   * Default `recipient`.
   */
  readonly enforceAt?: 'recipient' | 'stage';
  /** Ask network checks even when a refusal is certain, so that reports are complete. Default `false`. */
  readonly checkAll?: boolean;
  /**
   * A local `postmaster` (RFC 5321 §4.5.1) can be written to whatever connect, HELO, MAIL and the score before DATA
   * say; what is said of the recipient itself and of the message counts. Default `true`.
   */
  readonly postmasterAlwaysReachable?: boolean;
  /** The `authserv-id` of `Authentication-Results` (RFC 8601 §2.5). Default `hostname`. */
  readonly authservId?: string;
  /** Milliseconds that all checks together have at one stage. Default 20,000. */
  readonly stageTimeoutMs?: number;
  /** The most milliseconds that a check can hold a reply back. Default 10,000; 0 ignores `delayMs`. */
  readonly maxDelayMs?: number;
  /** Milliseconds that the backend has to begin, and for each recipient. Default 60,000. */
  readonly backendTimeoutMs?: number;
  /** Milliseconds that the backend has for the message. Default 600,000: so long clients wait (RFC 5321 §4.5.3.2.6). */
  readonly deliveryTimeoutMs?: number;
  /** The most recipients of a transaction; further ones get 452 4.5.3. Default 100, the least that RFC 5321 §4.5.3.1.8 allows. */
  readonly maxRecipients?: number;
  /** The most refused recipients of a transaction; one more ends the session with 421 4.7.0. Default 100. */
  readonly maxRefusedRecipients?: number;
  /** The most transactions of a session; one more ends it with 421 4.7.0. Default 1,000. */
  readonly maxTransactions?: number;
  /** The most failed logins of a session; the last of them ends it with 421 4.7.0. Default 5. */
  readonly maxFailedLogins?: number;
  /** The most opinions that a report lists besides those that decided. Default 500. */
  readonly maxReportedOpinions?: number;
  /** The most bytes of a message. Default 26,214,400 (25 MiB). */
  readonly maxMessageBytes?: number;
  /** The most bytes of a message's header. Default 262,144 (256 KiB). */
  readonly maxHeaderBytes?: number;
  /** The most fields of a message's header. Default 1,000. */
  readonly maxHeaderFields?: number;
  /** The most `Received` fields of a message, which else is taken to go in circles. Default 100 (RFC 5321 §6.3). */
  readonly maxReceivedFields?: number;
  /** What becomes of a message in which a CR or LF stands alone. Default `refuse` (550 5.6.0). */
  readonly bareNewlines?: NewlineMode;
  /** Bytes of a message that are kept in memory; the rest goes into a temporary file without a name. Default 131,072. */
  readonly spoolMemoryBytes?: number;
  /** The most bytes of all messages that are on their way through; beyond it is 452 4.3.1. Default 1,073,741,824 (1 GiB). */
  readonly spoolTotalBytes?: number;
  /** Where the temporary files are. Default `os.tmpdir()`. */
  readonly spoolDirectory?: string;
  /** The most milliseconds of a session, watched by `attach`. Default 3,600,000. */
  readonly sessionTimeoutMs?: number;
  /** The most milliseconds in which a client neither logs in nor brings a mail forward, watched by `attach`. Default 300,000. */
  readonly commandTimeoutMs?: number;
  /** The least bytes per second, averaged over a minute, in which a message must arrive, watched by `attach`. Default 64; 0 is no bound. */
  readonly minBytesPerSecond?: number;
  /** Told of every transaction, and of every session that had none. What it throws becomes a process warning. */
  readonly onReport?: (report: Report) => void;
}

/** The options with every default filled in. */
export interface GatewaySettings {
  readonly hostname: string;
  readonly checks: readonly Check[];
  readonly deliver: Backend | DeliverFunction;
  readonly resolver: Resolver | undefined;
  readonly store: Store | undefined;
  readonly clock: Clock;
  readonly service: Service;
  readonly quarantineScore: number;
  readonly rejectScore: number;
  readonly enforceAt: 'recipient' | 'stage';
  readonly checkAll: boolean;
  readonly postmasterAlwaysReachable: boolean;
  readonly authservId: string;
  readonly stageTimeoutMs: number;
  readonly maxDelayMs: number;
  readonly backendTimeoutMs: number;
  readonly deliveryTimeoutMs: number;
  readonly maxRecipients: number;
  readonly maxRefusedRecipients: number;
  readonly maxTransactions: number;
  readonly maxFailedLogins: number;
  readonly maxReportedOpinions: number;
  readonly maxMessageBytes: number;
  readonly maxHeaderBytes: number;
  readonly maxHeaderFields: number;
  readonly maxReceivedFields: number;
  readonly bareNewlines: NewlineMode;
  readonly spoolMemoryBytes: number;
  readonly spoolTotalBytes: number;
  readonly spoolDirectory: string;
  readonly sessionTimeoutMs: number;
  readonly commandTimeoutMs: number;
  readonly minBytesPerSecond: number;
  readonly onReport: ((report: Report) => void) | undefined;
}

/** The longest time that a timer of Node takes. */
const LONGEST_MS = 2 ** 31 - 1;

/**
 * Reads the options of `createGateway`.
 *
 * @throws TypeError or RangeError that names the option and what it takes
 */
export function readGatewayOptions(options: GatewayOptions): GatewaySettings {
  const read = new OptionReader('createGateway', options);
  const duration = (name: string, byDefault: number, min: number): number =>
    read.integer(name, byDefault, { min, max: LONGEST_MS });
  const count = (name: string, byDefault: number, min: number): number => read.integer(name, byDefault, { min });
  const domain = (name: string, value: string): string => toAsciiDomain(value) ?? read.refuse(name, 'a domain name');

  const hostname = domain('hostname', read.required('hostname', isText, 'a domain name'));
  const checks = read.required('checks', isList, 'an array of checks');
  const settings: GatewaySettings = {
    hostname,
    checks: checks.filter(isCheck),
    deliver: read.required('deliver', isDeliver, 'a backend with begin(), or a function'),
    resolver: read.value('resolver', isResolver, 'a resolver'),
    store: read.value('store', isStore, 'a store'),
    clock: read.value('clock', isClock, 'a clock with now()') ?? systemClock,
    service: read.oneOf('service', ['mx', 'submission'], 'mx'),
    ...readThresholds(read.value('thresholds', isObject, 'an object')),
    enforceAt: read.oneOf('enforceAt', ['recipient', 'stage'], 'recipient'),
    checkAll: read.boolean('checkAll', false),
    postmasterAlwaysReachable: read.boolean('postmasterAlwaysReachable', true),
    authservId: domain('authservId', read.text('authservId', hostname)),
    stageTimeoutMs: duration('stageTimeoutMs', 20_000, 1),
    maxDelayMs: duration('maxDelayMs', 10_000, 0),
    backendTimeoutMs: duration('backendTimeoutMs', 60_000, 1),
    deliveryTimeoutMs: duration('deliveryTimeoutMs', 600_000, 1),
    maxRecipients: count('maxRecipients', 100, 1),
    maxRefusedRecipients: count('maxRefusedRecipients', 100, 0),
    maxTransactions: count('maxTransactions', 1_000, 1),
    maxFailedLogins: count('maxFailedLogins', 5, 1),
    maxReportedOpinions: count('maxReportedOpinions', 500, 0),
    maxMessageBytes: count('maxMessageBytes', 25 * 1024 * 1024, 1),
    maxHeaderBytes: read.integer('maxHeaderBytes', 256 * 1024, { min: 1, max: 2 ** 30 }),
    maxHeaderFields: count('maxHeaderFields', 1_000, 1),
    maxReceivedFields: count('maxReceivedFields', 100, 1),
    bareNewlines: read.oneOf('bareNewlines', ['refuse', 'normalize'], 'refuse'),
    spoolMemoryBytes: count('spoolMemoryBytes', 128 * 1024, 0),
    spoolTotalBytes: count('spoolTotalBytes', 1024 ** 3, 1),
    spoolDirectory: read.text('spoolDirectory', tmpdir()),
    sessionTimeoutMs: duration('sessionTimeoutMs', 3_600_000, 1),
    commandTimeoutMs: duration('commandTimeoutMs', 300_000, 1),
    minBytesPerSecond: count('minBytesPerSecond', 64, 0),
    onReport: read.value('onReport', isReportListener, 'a function'),
  };
  read.done();
  inspectChecks(checks, settings.checks);
  return settings;
}

function readThresholds(thresholds: object | undefined): { quarantineScore: number; rejectScore: number } {
  const read = new OptionReader('createGateway thresholds', thresholds);
  const score = (name: string): number => {
    const value = read.value(name, isNumber, 'a finite number');
    if (value === undefined) return Number.POSITIVE_INFINITY;
    return Number.isFinite(value) ? value : read.refuse(name, 'a finite number');
  };
  const scores = { quarantineScore: score('quarantine'), rejectScore: score('reject') };
  read.done();
  return scores;
}

/** A list of checks is a list of the server's guards: one that is not understood must not be left out silently. */
function inspectChecks(given: readonly unknown[], checks: readonly Check[]): void {
  if (checks.length !== given.length) {
    const index = given.findIndex((each) => !isCheck(each));
    throw new TypeError(
      `createGateway: option "checks" must be an array of checks, but what stands at ${index} is none: it takes an object with a name, start(), and at most cost "local" or "network", appliesTo "everyone" or "strangers", guards true`,
    );
  }
  const names = new Set<string>();
  for (const { name } of checks) {
    if (name === 'gateway') throw new RangeError('createGateway: no check can be called "gateway", the gateway is');
    if (names.has(name)) throw new RangeError(`createGateway: two checks are called ${JSON.stringify(name)}`);
    names.add(name);
  }
}

function isCheck(value: unknown): value is Check {
  if (!isObject(value) || !('name' in value && 'start' in value)) return false;
  const { name, start } = value;
  const oneOf = (property: string, words: readonly unknown[]): boolean =>
    words.includes(Reflect.get(value, property) ?? undefined);
  return (
    typeof name === 'string' &&
    name !== '' &&
    typeof start === 'function' &&
    oneOf('cost', [undefined, 'local', 'network']) &&
    oneOf('appliesTo', [undefined, 'everyone', 'strangers']) &&
    oneOf('guards', [undefined, true])
  );
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function hasFunction(value: unknown, name: string): boolean {
  return isObject(value) && typeof Reflect.get(value, name) === 'function';
}

function isDeliver(value: unknown): value is Backend | DeliverFunction {
  return typeof value === 'function' || hasFunction(value, 'begin');
}

function isReportListener(value: unknown): value is (report: Report) => void {
  return typeof value === 'function';
}

function isList(value: unknown): value is readonly unknown[] {
  return Array.isArray(value);
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}
