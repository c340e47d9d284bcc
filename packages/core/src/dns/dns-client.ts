import { formatIp } from '../address/format-ip.ts';
import { parseIp } from '../address/parse-ip.ts';
import { OptionReader } from '../options.ts';
import { Alarm } from './alarm.ts';
import { type DnsClientServer, readServers, systemServers } from './configured-server.ts';
import { dnsFailure } from './dns-failure.ts';
import { DnsLookup, type LookupSettings, type RunningLookup } from './dns-lookup.ts';
import { toDnsName } from './dns-name.ts';
import { answerWithoutNames, type ResolveTrace, resolveChannel } from './dns-tracing.ts';
import { checkQuestion } from './question.ts';
import { RandomNumbers } from './random-numbers.ts';
import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from './resolver.ts';
import { Upstream } from './upstream.ts';

const MEBIBYTE = 1_048_576;
const CLOSED_DETAIL = 'the client has been closed';

/** What a `DnsClient` takes. */
export interface DnsClientOptions {
  /**
   * The servers, in the order in which they are tried; at least one. Each is an address, of one of the forms
   * `127.0.0.1`, `127.0.0.1:5353`, `::1`, `[::1]:53` (UDP, and TCP for what does not fit), `tcp://127.0.0.1`,
   * `tls://127.0.0.1` or `tls://dns.example:853` (RFC 7858), `https://dns.example/dns-query` (RFC 8484, over HTTP/2).
   * Default: the system's (`dns.getServers()`), read once; loopback when it has none.
   */
  readonly servers?: readonly (string | DnsClientServer)[];
  /** Milliseconds for a whole lookup, waiting for its turn included, 1 to 600,000. Default 5,000. */
  readonly timeoutMs?: number;
  /** Milliseconds after which another server is asked, or the same one again, 1 to 600,000. Default 1,500. */
  readonly attemptTimeoutMs?: number;
  /**
   * Addresses of servers that validate DNSSEC and are reached by a path on which nobody can change replies, so that the AD
   * bit counts. Loopback, TLS and HTTPS servers need not be named. Default none.
   */
  readonly trustedValidators?: readonly string[];
  /** Lookups under way at once, 1 to 10,000. More wait for their turn. Default 1,000. */
  readonly maxInFlight?: number;
  /** Lookups that wait for their turn, ≥ 0; one more is a `failure`/`network` at once. Default 10,000. */
  readonly maxQueued?: number;
  /** UDP sockets that queries are sent through, per server, 1 to 64; as many more may wait for late replies. Default 8. */
  readonly maxSockets?: number;
  /** The receive buffer that each UDP socket asks for; the system may give less. 4 KiB to 64 MiB. Default 4 MiB. */
  readonly receiveBufferBytes?: number;
  /**
   * Draw the case of each letter of a name at random and take only replies that repeat it (draft-vixie-dnsext-dns0x20): up
   * to a bit a letter that a forger has to guess. Over UDP only. Some servers do not repeat it, and are then not heard.
   * Default `false`.
   */
  readonly mixCase?: boolean;
}

function traced<T extends RecordType>(
  trace: ResolveTrace,
  settle: (answer: DnsAnswer<T>) => void,
): (answer: DnsAnswer<T>) => void {
  return (answer) => {
    trace.answer = answer;
    settle(answer);
  };
}

function isAddressList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && parseIp(each) !== undefined);
}

function addressText(text: string): string {
  const ip = parseIp(text);
  return ip === undefined ? text : formatIp(ip);
}

/**
 * Asks DNS servers: over UDP with EDNS (1,232 octets) and TCP for what does not fit, or over TCP, TLS or HTTPS. No cache:
 * every lookup is at least one query. Wrap it in a `CachingResolver` for anything but measurements.
 *
 * - A reply counts only if its address, port, id and question are those of the query (RFC 5452). Ids are drawn by the
 *   system's generator, and ports change every 128 queries or 5 seconds, as far as `maxSockets` lets old ones wait.
 * - Servers are tried in their order; one that did not answer is tried last for 1 to 60 seconds. A server that answers
 *   SERVFAIL or REFUSED is not asked again in the same lookup, a silent one up to three times.
 * - CNAME records are followed, up to 16 in a reply and 8 more queries where a reply ends with one.
 * - Each lookup ends by `timeoutMs`, and within milliseconds when its signal fires. It keeps the process alive until then;
 *   idle sockets do not, and close after 5 seconds (connections after 10).
 * - Every lookup is traced on the channel `postern.core.resolve` of `node:diagnostics_channel`: see `ResolveTrace`.
 *
 * @example
 * ```ts
 * import { DnsClient } from '@postern/core';
 *
 * const client = new DnsClient({ servers: ['127.0.0.1'], timeoutMs: 2_000 });
 * const answer = await client.resolve('example.com', 'MX');
 * if (answer.kind === 'records') console.log(answer.records, answer.ttl);
 * client.close();
 * ```
 */
export class DnsClient implements Resolver {
  readonly #upstreams: readonly Upstream[];
  readonly #settings: LookupSettings;
  readonly #maxInFlight: number;
  readonly #maxQueued: number;
  /** All lookups. It keeps the process alive while there are any; sockets never do. */
  readonly #alarm = new Alarm<RunningLookup>();
  #running = 0;
  readonly #waiting = new Set<RunningLookup>();
  readonly #channel = resolveChannel();
  #closed = false;

  /** @throws TypeError or RangeError that names the option and what it takes */
  constructor(options?: DnsClientOptions) {
    const read = new OptionReader('DnsClient', options);
    const servers = readServers(read) ?? systemServers();
    const timeoutMs = read.integer('timeoutMs', 5_000, { min: 1, max: 600_000 });
    const attemptTimeoutMs = read.integer('attemptTimeoutMs', 1_500, { min: 1, max: 600_000 });
    const validators = (read.value('trustedValidators', isAddressList, 'a list of IP addresses') ?? []).map(
      addressText,
    );
    this.#maxInFlight = read.integer('maxInFlight', 1_000, { min: 1, max: 10_000 });
    this.#maxQueued = read.integer('maxQueued', 10_000, { min: 0 });
    const maxSockets = read.integer('maxSockets', 8, { min: 1, max: 64 });
    const receiveBufferBytes = read.integer('receiveBufferBytes', 4 * MEBIBYTE, { min: 4_096, max: 64 * MEBIBYTE });
    const mixCase = read.boolean('mixCase', false);
    read.done();

    const shared = { maxSockets, receiveBufferBytes, mixCase, random: new RandomNumbers() };
    this.#upstreams = servers.map(({ address, tls }) => {
      const validates = address.ip !== undefined && validators.includes(formatIp(address.ip));
      return new Upstream(address, tls, validates, shared);
    });
    this.#settings = {
      timeoutMs,
      attemptTimeoutMs,
      order: (now) => this.#order(now),
      due: (lookup, now) => this.#alarm.set(lookup, now),
      ended: (lookup) => this.#ended(lookup),
    };
  }

  resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> {
    if (!this.#channel.hasSubscribers) return this.#lookUp(name, type, options, undefined);
    if (options?.shownAs !== undefined) return this.#resolveSecretly(name, type, options, options.shownAs);
    const trace: ResolveTrace = { name, type };
    return this.#channel.tracePromise(() => this.#lookUp(name, type, options, trace), trace);
  }

  /** Subscribers see what the traced function resolves to: not the answer itself. */
  async #resolveSecretly<T extends RecordType>(
    name: string,
    type: T,
    options: ResolveOptions,
    shownAs: string,
  ): Promise<DnsAnswer<T>> {
    const trace: ResolveTrace = { name: shownAs, type };
    let answer: DnsAnswer<T> | undefined;
    const traced = async (): Promise<DnsAnswer<T>> => {
      answer = await this.#lookUp(name, type, options, trace);
      const shown = answerWithoutNames(answer);
      trace.answer = shown;
      return shown;
    };
    const shown = await this.#channel.tracePromise(traced, trace);
    return answer ?? shown;
  }

  /** Ends every lookup with `failure`/`aborted` and closes every socket. Lookups that come later end in the same way. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    for (const lookup of [...this.#alarm.sleepers]) lookup.fail('aborted', CLOSED_DETAIL);
    for (const upstream of this.#upstreams) upstream.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #lookUp<T extends RecordType>(
    name: string,
    type: T,
    options: ResolveOptions | undefined,
    trace: ResolveTrace | undefined,
  ): Promise<DnsAnswer<T>> {
    return new Promise((settle) => {
      checkQuestion(name, type, options);
      const resolve = trace === undefined || options?.shownAs !== undefined ? settle : traced(trace, settle);
      const signal = options?.signal;
      const asked = toDnsName(name);
      if (asked === undefined) {
        resolve(dnsFailure('malformed', 'the name is not one that DNS can be asked about'));
      } else if (signal?.aborted === true) {
        resolve(dnsFailure('aborted', 'the caller had given the lookup up before it began'));
      } else if (this.#closed) {
        resolve(dnsFailure('aborted', CLOSED_DETAIL));
      } else if (this.#running >= this.#maxInFlight && this.#waiting.size >= this.#maxQueued) {
        resolve(dnsFailure('network', `${this.#waiting.size} lookups wait already`));
      } else {
        const now = performance.now();
        this.#admit(new DnsLookup({ name: asked, type }, this.#settings, now, signal, trace, resolve), now);
      }
    });
  }

  #admit(lookup: RunningLookup, now: number): void {
    if (this.#running < this.#maxInFlight) {
      this.#running++;
      lookup.start(now);
    } else {
      this.#waiting.add(lookup);
      this.#alarm.set(lookup, now);
    }
  }

  #ended(lookup: RunningLookup): void {
    this.#alarm.delete(lookup);
    if (this.#waiting.delete(lookup)) return;
    this.#running--;
    if (this.#waiting.size === 0 || this.#closed) return;
    for (const next of this.#waiting) {
      if (this.#running >= this.#maxInFlight) return;
      this.#waiting.delete(next);
      this.#running++;
      next.start(performance.now());
    }
  }

  /** As configured, but with those last that have been set aside. */
  #order(now: number): readonly Upstream[] {
    const upstreams = this.#upstreams;
    if (upstreams.length === 1 || !upstreams.some(({ health }) => health.hasFailed)) return upstreams;
    const order = [
      ...upstreams.filter(({ health }) => !health.isSetAside(now)),
      ...upstreams.filter(({ health }) => health.isSetAside(now)),
    ];
    order[0]?.health.claim(now);
    return order;
  }
}
