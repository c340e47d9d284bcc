import type { Cache } from '../store/cache.ts';
import { decodeAnswer, encodeAnswer, type StoredAnswer } from './encoded-answer.ts';
import type { RecordType } from './resolver.ts';

/** Whether an option that may come from JavaScript is a cache. */
export function isCache(value: unknown): value is Cache {
  if (typeof value !== 'object' || value === null) return false;
  if (!('get' in value && 'set' in value && 'delete' in value)) return false;
  return [value.get, value.set, value.delete].every((method) => typeof method === 'function');
}

/** Another version reads and writes under other names: it never sees bytes that it could misread. */
function keyOf(name: string, type: RecordType): string {
  return `dns/1/${type}/${name}`;
}

/**
 * Answers in a `Cache` that several machines share. A cache that throws, rejects, answers late or answers rubbish has
 * nothing: it never costs a lookup more than `timeoutMs`, and never changes an answer.
 */
export class SecondLevel {
  readonly #cache: Cache;
  readonly #timeoutMs: number;
  /** Calls that failed or were late, and values that could not be read. */
  errors = 0;

  constructor(cache: Cache, timeoutMs: number) {
    this.#cache = cache;
    this.#timeoutMs = timeoutMs;
  }

  async get<T extends RecordType>(name: string, type: T): Promise<StoredAnswer<T> | undefined> {
    const bytes = await this.#guarded(() => this.#cache.get(keyOf(name, type)));
    if (bytes === undefined) return undefined;
    const stored = decodeAnswer(type, bytes);
    if (stored === undefined) this.errors++;
    return stored;
  }

  /** Nobody waits for it. */
  set<T extends RecordType>(name: string, type: T, stored: StoredAnswer<T>, ttlMs: number): void {
    void this.#guarded(() => this.#cache.set(keyOf(name, type), encodeAnswer(stored), ttlMs));
  }

  /** Nobody waits for it. */
  delete(name: string, type: RecordType): void {
    void this.#guarded(() => this.#cache.delete(keyOf(name, type)));
  }

  /** What the call gives within its time; `undefined`, and one error more, when it gives nothing or fails. */
  async #guarded<V>(call: () => V | Promise<V>): Promise<V | undefined> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      timer = setTimeout(reject, this.#timeoutMs).unref();
    });
    try {
      return await Promise.race([call(), late]);
    } catch {
      this.errors++;
      return undefined;
    } finally {
      clearTimeout(timer);
    }
  }
}
