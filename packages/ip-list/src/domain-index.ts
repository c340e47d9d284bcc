import { randomBytes } from 'node:crypto';

/** What is kept of a domain, with the domain in canonical form. */
interface OfDomain {
  readonly domain: string;
}

const DOT = 0x2e;
/** In a slot that is free. */
const FREE = 0;
const SMALLEST = 16;

/**
 * What is kept by domain, found for a name and all its parents in one pass over the name: the hash of a text is made from
 * its end, so that the hashes of the parents come along, and no text is cut. A `Map` has to be asked for each parent anew,
 * with a text of its own that has to be hashed and, in a list of a million, four or five cache lines that are not there: 3.5
 * times slower for four labels, and 1.5 times for a name that is listed itself.
 *
 * Open addressing with linear probing: a slot is a hash and a position in `#nodes`, so that a domain that is not there
 * mostly costs one cache line. Seed and multiplier of the hash are drawn for each index: who can choose domains cannot choose
 * where they get.
 */
export class DomainIndex<N extends OfDomain> {
  readonly #seed: number;
  readonly #multiplier: number;
  #hashes = new Int32Array(SMALLEST);
  #positions = new Int32Array(SMALLEST);
  /** Nodes stay where they are, so that one may go on through them while others come and go. */
  readonly #nodes: (N | undefined)[] = [];
  readonly #freePositions: number[] = [];

  constructor() {
    const random = randomBytes(8);
    this.#seed = random.readInt32LE(0);
    this.#multiplier = random.readInt32LE(4) | 1;
  }

  get(domain: string): N | undefined {
    const slot = this.#slotOf(domain, 0, this.#hash(domain));
    return slot < 0 ? undefined : this.#nodeAt(slot);
  }

  /** The nodes of the parents of a name, of the last label first, and at last of the name itself. */
  covering(name: string): readonly N[] {
    let found: N[] | undefined;
    let hash = this.#seed;
    for (let at = name.length - 1; at >= -1; at--) {
      const code = at < 0 ? DOT : name.charCodeAt(at);
      if (code === DOT) {
        const slot = this.#slotOf(name, at + 1, finish(hash));
        const node = slot < 0 ? undefined : this.#nodeAt(slot);
        if (node !== undefined) {
          found ??= [];
          found.push(node);
        }
      }
      hash = Math.imul(hash ^ code, this.#multiplier);
      hash ^= hash >>> 15;
    }
    return found ?? [];
  }

  /** Adds what is kept of a domain of which nothing is. */
  add(node: N): void {
    if (2 * (this.#nodes.length - this.#freePositions.length + 1) > this.#hashes.length) this.#grow();
    const position = this.#freePositions.pop() ?? this.#nodes.length;
    this.#nodes[position] = node;
    this.#place(this.#hash(node.domain), position);
  }

  delete(domain: string): void {
    let free = this.#slotOf(domain, 0, this.#hash(domain));
    if (free < 0) return;
    const position = this.#positions[free] ?? 0;
    this.#nodes[position] = undefined;
    this.#freePositions.push(position);
    // Those behind move up, unless they stand where they belong: a search ends at the first free slot.
    const mask = this.#hashes.length - 1;
    for (let slot = (free + 1) & mask; ; slot = (slot + 1) & mask) {
      const hash = this.#hashes[slot] ?? FREE;
      if (hash === FREE) break;
      if (((slot - hash) & mask) < ((slot - free) & mask)) continue;
      this.#hashes[free] = hash;
      this.#positions[free] = this.#positions[slot] ?? 0;
      free = slot;
    }
    this.#hashes[free] = FREE;
  }

  /** Every node that stays meanwhile once, in no particular order. */
  *values(): Generator<N, void, undefined> {
    for (let position = 0; position < this.#nodes.length; position++) {
      const node = this.#nodes[position];
      if (node !== undefined) yield node;
    }
  }

  #hash(domain: string): number {
    let hash = this.#seed;
    for (let at = domain.length - 1; at >= 0; at--) {
      hash = Math.imul(hash ^ domain.charCodeAt(at), this.#multiplier);
      hash ^= hash >>> 15;
    }
    return finish(hash);
  }

  /** Where the part of the name from `start` on stands, -1 when it does not. */
  #slotOf(name: string, start: number, hash: number): number {
    const hashes = this.#hashes;
    const mask = hashes.length - 1;
    for (let slot = hash & mask; hashes[slot] !== FREE; slot = (slot + 1) & mask) {
      if (hashes[slot] !== hash) continue;
      const domain = this.#nodeAt(slot)?.domain;
      if (domain?.length === name.length - start && name.endsWith(domain)) return slot;
    }
    return -1;
  }

  #nodeAt(slot: number): N | undefined {
    return this.#nodes[this.#positions[slot] ?? 0];
  }

  #place(hash: number, position: number): void {
    const mask = this.#hashes.length - 1;
    let slot = hash & mask;
    while (this.#hashes[slot] !== FREE) slot = (slot + 1) & mask;
    this.#hashes[slot] = hash;
    this.#positions[slot] = position;
  }

  #grow(): void {
    const hashes = this.#hashes;
    const positions = this.#positions;
    this.#hashes = new Int32Array(2 * hashes.length);
    this.#positions = new Int32Array(2 * hashes.length);
    for (let slot = 0; slot < hashes.length; slot++) {
      const hash = hashes[slot] ?? FREE;
      if (hash !== FREE) this.#place(hash, positions[slot] ?? 0);
    }
  }
}

/** Spreads what the last characters did over all bits, and is never `FREE`. */
function finish(hash: number): number {
  let spread = Math.imul(hash ^ (hash >>> 16), 0x45d9f3b);
  spread ^= spread >>> 15;
  return spread === FREE ? 1 : spread;
}
