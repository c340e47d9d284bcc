import { OptionReader } from '@postern/core';
import { LRUCache } from 'lru-cache';
import { type DkimKeyRecord, type DkimKeyRecordFault, parseDkimKeyRecord } from './dkim-key-record.ts';
import { type DkimPublicKey, publicKeyOf } from './dkim-public-key.ts';

/** What a TXT record is as a key. */
export type ReadKey =
  | { readonly ok: true; readonly record: DkimKeyRecord; readonly key: DkimPublicKey }
  | { readonly ok: false; readonly fault: DkimKeyRecordFault; readonly detail: string };

/** Longer records are not kept: RSA of 8,192 bits takes 1,400 characters, and notes take what somebody writes. */
const LONGEST_KEPT = 2_048;

/** The bound of a {@link DkimKeyCache}. */
export interface DkimKeyCacheOptions {
  /** So many keys are kept, the last used ones: 4 KB each, 10 KB at most. Default 1,000; from 1 to 1,000,000. */
  readonly maxKeys?: number;
}

/**
 * Keys that are ready for use, by the text of their record: to build one costs twice as much as to check a signature with
 * it. What a record says never changes, so nothing here goes stale; how long it holds is the resolver's business.
 */
export class DkimKeyCache {
  readonly #keys: LRUCache<string, ReadKey>;

  /** @throws TypeError or RangeError that names the option */
  constructor(options?: DkimKeyCacheOptions) {
    const read = new OptionReader('DkimKeyCache', options);
    this.#keys = new LRUCache({ max: read.integer('maxKeys', 1_000, { min: 1, max: 1_000_000 }) });
    read.done();
  }

  /** Keys that are kept. */
  get size(): number {
    return this.#keys.size;
  }

  /** @internal */
  read(text: string): ReadKey {
    const kept = this.#keys.get(text);
    if (kept !== undefined) return kept;
    const parsed = parseDkimKeyRecord(text);
    const key: ReadKey = parsed.ok ? { ...parsed, key: publicKeyOf(parsed.record) } : parsed;
    // What is no key costs little to read.
    if (key.ok && text.length <= LONGEST_KEPT) this.#keys.set(text, key);
    return key;
  }
}

/** Whether an option that may come from JavaScript is a key cache. */
export function isDkimKeyCache(value: unknown): value is DkimKeyCache {
  return value instanceof DkimKeyCache;
}

let shared: DkimKeyCache | undefined;

/**
 * The keys of this process, made when the first is read. What a text is as a key depends on nothing else, so nobody can
 * tell from a result who else uses it; and resolvers with a deadline are made for one message.
 */
export function sharedKeys(): DkimKeyCache {
  shared ??= new DkimKeyCache();
  return shared;
}
