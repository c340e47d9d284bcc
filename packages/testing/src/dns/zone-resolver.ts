import {
  checkQuestion,
  type DnsAnswer,
  type DnsFailure,
  type RecordType,
  type ResolveOptions,
  type Resolver,
  toDnsName,
} from '@postern/core';
import { QueryLog } from './query-log.ts';
import { Zone, type ZoneOptions } from './zone.ts';
import type { NameData, ZoneData, ZoneFailure } from './zone-data.ts';
import type { ZoneTextOptions } from './zone-text.ts';

/** One question that a `ZoneResolver` was asked. */
export interface ResolverQuery {
  /** Lower case, without the trailing dot. */
  readonly name: string;
  readonly type: RecordType;
  /** The caller's option `fresh`. */
  readonly fresh: boolean;
}

/**
 * A `Resolver` that answers from a zone in memory, counts its questions, and fails where a test says so. Whatever a test
 * changes in the zone counts from the next question on.
 *
 * @example
 * ```ts
 * const resolver = new ZoneResolver({
 *   'example.com': { MX: '10 mx.example.com', TXT: 'v=spf1 mx -all' },
 *   'mx.example.com': { A: '192.0.2.1' },
 *   'slow.example': 'timeout',
 * });
 * await resolver.resolve('example.com', 'MX'); // { kind: 'records', records: [{ preference: 10, exchange: 'mx.example.com' }], … }
 * resolver.queries.count('example.com', 'MX'); // 1
 * ```
 */
export class ZoneResolver implements Resolver {
  readonly zone: Zone;
  /** The questions, oldest first; those about impossible names are not among them. */
  readonly queries: QueryLog<ResolverQuery> = new QueryLog();
  readonly #holds = new Map<string, Promise<void>>();

  /** @param zone - a literal, or a zone that may be shared with a `DnsServer` */
  constructor(zone: Zone | ZoneData = {}, options?: ZoneOptions) {
    if (zone instanceof Zone) {
      if (options !== undefined) throw new TypeError('ZoneResolver: a Zone already has its options');
      this.zone = zone;
    } else {
      this.zone = new Zone(zone, options);
    }
  }

  /** A resolver over the text of a zone file. Throws `ZoneSyntaxError`, whose `line` says where. */
  static fromText(text: string | Uint8Array, options?: ZoneOptions & ZoneTextOptions): ZoneResolver {
    return new ZoneResolver(Zone.fromText(text, options));
  }

  /** Puts these records, and no others, at the name. */
  set(name: string, data: NameData | ZoneFailure): void {
    this.zone.set(name, data);
  }

  /** Takes all records of the name away. Says whether there were any. */
  delete(name: string): boolean {
    return this.zone.delete(name);
  }

  /**
   * Lets questions about the name wait until the returned function is called: what a slow server looks like to code
   * with its own clock. An abort still ends the wait.
   */
  hold(name: string): () => void {
    const canonical = toDnsName(name);
    if (canonical === undefined) throw new RangeError(`ZoneResolver: ${JSON.stringify(name)} is not a domain name`);
    let letGo = (): void => {};
    const held = new Promise<void>((resolve) => {
      letGo = resolve;
    });
    this.#holds.set(canonical, held);
    return () => {
      if (this.#holds.get(canonical) === held) this.#holds.delete(canonical);
      letGo();
    };
  }

  async resolve<T extends RecordType>(name: string, type: T, options: ResolveOptions = {}): Promise<DnsAnswer<T>> {
    checkQuestion(name, type, options);
    const { signal, fresh = false } = options;
    const canonical = toDnsName(name);
    if (canonical === undefined) return failure('malformed', `${JSON.stringify(name)} cannot be asked.`);
    if (signal?.aborted) return failure('aborted', 'The caller gave up before the question was asked.');
    this.queries.add({ name: canonical, type, fresh });

    await untilAborted(this.#holds.get(canonical), signal);
    if (signal?.aborted) return failure('aborted', `The caller gave up on ${canonical} ${type}.`);
    return this.#answer(canonical, type);
  }

  #answer<T extends RecordType>(name: string, type: T): DnsAnswer<T> {
    const found = this.zone.lookup(name, type);
    if (found.kind === 'failure') return failure(found.reason, found.detail);
    const { kind, ttl, authentic, aliases } = found;
    if (kind !== 'records') return Object.freeze({ kind, ttl, authentic });
    const { owner, set } = found;
    const canonicalName = aliases.length > 0 ? { canonicalName: owner } : {};
    return Object.freeze({ kind, records: set.records, ttl, authentic, ...canonicalName });
  }
}

function failure(reason: DnsFailure['reason'], detail: string): DnsFailure {
  return Object.freeze({ kind: 'failure', reason, detail });
}

/** Waits for what holds the answer back, or for the caller to give up. */
async function untilAborted(hold: Promise<void> | undefined, signal: AbortSignal | undefined): Promise<void> {
  if (hold === undefined || signal === undefined) return hold;
  let stop = (): void => {};
  const aborted = new Promise<void>((resolve) => {
    stop = resolve;
  });
  signal.addEventListener('abort', stop, { once: true });
  await Promise.race([hold, aborted]);
  signal.removeEventListener('abort', stop);
}
