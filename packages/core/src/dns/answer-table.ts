import { LRUCache } from 'lru-cache';
import { answerBytes, textBytes } from './answer-size.ts';
import type { CachedAnswer } from './cached-answer.ts';
import type { RecordType } from './resolver.ts';

/** A `CachedAnswer` without its answer, and a name's share of the table, in bytes; measured as `answer-size.ts` says. */
const ENTRY_BYTES = 112;
const NAME_BYTES = 88;

function isAbout<T extends RecordType>(entry: CachedAnswer, type: T): entry is CachedAnswer<T> {
  return entry.type === type;
}

function count(chain: CachedAnswer | undefined): number {
  let entries = 0;
  for (let entry = chain; entry !== undefined; entry = entry.next) entries++;
  return entries;
}

function chainBytes(chain: CachedAnswer, name: string): number {
  let bytes = NAME_BYTES + textBytes(name);
  for (let entry: CachedAnswer | undefined = chain; entry !== undefined; entry = entry.next) {
    bytes += ENTRY_BYTES;
    for (const part of entry.parts) if (part !== undefined) bytes += answerBytes(part);
  }
  return bytes;
}

/** A copy that shares no memory: a name cut from a message would keep the whole message alive. */
function detached(name: string): string {
  return Buffer.from(name, 'latin1').toString('latin1');
}

/**
 * What is remembered, by name and type, bounded in entries and in bytes. The names that have not been asked for longest
 * are forgotten first, with all their types.
 *
 * All types of a name hang in one chain behind the name: a key made of name and type would have to be put together and
 * hashed at every lookup, which takes longer than all the rest of it.
 */
export class AnswerTable {
  readonly #chains: LRUCache<string, CachedAnswer>;
  readonly #maxEntries: number;
  #entries = 0;

  constructor(maxEntries: number, maxBytes: number) {
    this.#maxEntries = maxEntries;
    this.#chains = new LRUCache<string, CachedAnswer>({
      maxSize: maxBytes,
      sizeCalculation: chainBytes,
      dispose: (chain) => {
        this.#entries -= count(chain);
      },
    });
  }

  get entries(): number {
    return this.#entries;
  }

  /** An estimate. */
  get bytes(): number {
    return this.#chains.calculatedSize;
  }

  get<T extends RecordType>(name: string, type: T): CachedAnswer<T> | undefined {
    let entry = this.#chains.get(name);
    while (entry !== undefined && !isAbout(entry, type)) entry = entry.next;
    return entry;
  }

  /** Puts the entry in the place of what was there. One that is larger than all the table may be is forgotten at once. */
  set(name: string, entry: CachedAnswer): void {
    const others = this.#take(name, entry.type);
    entry.next = others;
    this.#entries += count(entry);
    this.#chains.set(detached(name), entry);
    // An entry that is too large has not been taken, nor will it be disposed of.
    if (!this.#chains.has(name)) this.#entries -= count(entry);
    while (this.#entries > this.#maxEntries) this.#chains.pop();
  }

  delete(name: string, type: RecordType): void {
    const others = this.#take(name, type);
    if (others === undefined) return;
    this.#entries += count(others);
    this.#chains.set(detached(name), others);
  }

  /** Takes the name out of the table. Returns what was remembered of its other types. */
  #take(name: string, type: RecordType): CachedAnswer | undefined {
    const chain = this.#chains.peek(name);
    if (chain === undefined) return undefined;
    this.#chains.delete(name);
    let others: CachedAnswer | undefined;
    for (let entry: CachedAnswer | undefined = chain; entry !== undefined; ) {
      const { next }: CachedAnswer = entry;
      if (entry.type !== type) {
        entry.next = others;
        others = entry;
      }
      entry = next;
    }
    return others;
  }
}
