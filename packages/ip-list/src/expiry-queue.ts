interface Expiry<K> {
  readonly expiresAt: number;
  readonly key: K;
}

/**
 * The keys of what expires, the soonest first: a binary heap. A key whose entry was replaced or deleted stays in until
 * that time has come, and who takes it out looks whether it still means anything; `outdated` says when most of the queue
 * is such.
 */
export class ExpiryQueue<K> {
  readonly #heap: Expiry<K>[] = [];

  push(expiresAt: number, key: K): void {
    const heap = this.#heap;
    const added = { expiresAt, key };
    let at = heap.length;
    while (at > 0) {
      const parent = heap[(at - 1) >> 1];
      if (parent === undefined || parent.expiresAt <= expiresAt) break;
      heap[at] = parent;
      at = (at - 1) >> 1;
    }
    heap[at] = added;
  }

  /** The soonest one, which `shift` would take out. */
  get first(): Expiry<K> | undefined {
    return this.#heap[0];
  }

  /** Takes out the soonest one. */
  shift(): void {
    const heap = this.#heap;
    const last = heap.pop();
    if (last === undefined || heap.length === 0) return;
    let at = 0;
    for (;;) {
      let next = 2 * at + 1;
      let child = heap[next];
      const other = heap[next + 1];
      if (child !== undefined && other !== undefined && other.expiresAt < child.expiresAt) {
        child = other;
        next++;
      }
      if (child === undefined || child.expiresAt >= last.expiresAt) break;
      heap[at] = child;
      at = next;
    }
    heap[at] = last;
  }

  /** Whether most keys mean nothing any more, when `live` entries expire: clear the queue and push those then. */
  outdated(live: number): boolean {
    return this.#heap.length > 2 * live + 64;
  }

  clear(): void {
    this.#heap.length = 0;
  }
}
