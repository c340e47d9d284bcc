import type { IpListEntry } from './ip-list-entry.ts';

const SLOTS = 4_096;
/** No entry has this key. */
const NONE = -1;

/**
 * The entries that an `IpList` gave out last: to make one, with the text of its prefix, takes longer than to find it. At
 * most 4,096, frozen, since several callers get the same.
 */
export class RecentEntries {
  #keys: Int32Array = new Int32Array(0);
  #entries: (IpListEntry | undefined)[] = [];
  #empty = true;

  /** @param key - a whole number that stands for this prefix until `clear` */
  get(key: number): IpListEntry | undefined {
    const slot = key & (SLOTS - 1);
    return this.#keys[slot] === key ? this.#entries[slot] : undefined;
  }

  keep(key: number, entry: IpListEntry): IpListEntry {
    if (this.#keys.length === 0) {
      this.#keys = new Int32Array(SLOTS).fill(NONE);
      this.#entries = Array.from({ length: SLOTS }, () => undefined);
    }
    const slot = key & (SLOTS - 1);
    this.#empty = false;
    this.#keys[slot] = key;
    this.#entries[slot] = Object.freeze(entry);
    return entry;
  }

  /** To be called whenever places or entries change. */
  clear(): void {
    if (this.#empty) return;
    this.#empty = true;
    this.#keys.fill(NONE);
    this.#entries.fill(undefined);
  }
}
