/** A message of a few KB, which most are, takes one allocation. */
const FIRST_BYTES = 8 * 1024;
const LARGEST_BYTES = 64 * 1024;
/** Half a megabyte. */
const MOST_SPARE = 64;

/**
 * First segments that nobody has seen, to be used again: memory that is fresh for each message is in no cache of the
 * processor, and was a tenth of what a message of a few KB cost.
 */
export class SpareSegments {
  readonly #spare: Buffer[] = [];

  take(): Buffer {
    return this.#spare.pop() ?? Buffer.allocUnsafeSlow(FIRST_BYTES);
  }

  give(segment: Buffer): void {
    if (this.#spare.length < MOST_SPARE) this.#spare.push(segment);
  }
}

/**
 * Bytes that grow at their end, in segments that double in size and are never copied again. Each segment has memory of
 * its own, outside of Node's shared pool, so that dropping it frees it.
 */
export class Segments {
  readonly #spare: SpareSegments | undefined;
  /** The first segment, if it comes from `#spare`. */
  #borrowed: Buffer | undefined;
  #full: Buffer[] = [];
  #last: Buffer | undefined;
  /** Bytes of `#last` in use. */
  #filled = 0;
  #byteLength = 0;

  /** @param spare - where first segments come from, and go to unless `parts` has shown them */
  constructor(spare?: SpareSegments) {
    this.#spare = spare;
  }

  get byteLength(): number {
    return this.#byteLength;
  }

  /** Copies `chunk`. */
  append(chunk: Uint8Array): void {
    this.#byteLength += chunk.length;
    let rest = chunk;
    while (rest.length > 0) {
      const segment = this.#segmentWithRoom(rest.length);
      const room = segment.length - this.#filled;
      const part = rest.length <= room ? rest : rest.subarray(0, room);
      segment.set(part, this.#filled);
      this.#filled += part.length;
      if (part === rest) return;
      rest = rest.subarray(room);
    }
  }

  /** The bytes in order, as parts that stay as they are, whatever is appended or cleared. */
  parts(): readonly Uint8Array[] {
    if (this.#borrowed !== undefined) {
      // From now on it belongs to whoever gets it, who must not see in it what was there before.
      if (this.#borrowed === this.#last) this.#last.fill(0, this.#filled);
      this.#borrowed = undefined;
    }
    return this.#last === undefined ? this.#full : [...this.#full, this.#last.subarray(0, this.#filled)];
  }

  /** Copies the bytes to `target`, from `at` on. */
  copyTo(target: Uint8Array, at: number): void {
    let end = at;
    for (const segment of this.#full) {
      target.set(segment, end);
      end += segment.length;
    }
    if (this.#last !== undefined) target.set(this.#last.subarray(0, this.#filled), end);
  }

  clear(): void {
    if (this.#borrowed !== undefined) this.#spare?.give(this.#borrowed);
    this.#borrowed = undefined;
    this.#full = [];
    this.#last = undefined;
    this.#filled = 0;
    this.#byteLength = 0;
  }

  #segmentWithRoom(wanted: number): Buffer {
    const last = this.#last;
    if (last !== undefined) {
      if (this.#filled < last.length) return last;
      this.#full.push(last);
    }
    this.#last = this.#segment(last === undefined ? FIRST_BYTES : 2 * last.length, wanted);
    this.#filled = 0;
    return this.#last;
  }

  #segment(least: number, wanted: number): Buffer {
    if (least === FIRST_BYTES && wanted <= FIRST_BYTES && this.#spare !== undefined) {
      this.#borrowed = this.#spare.take();
      return this.#borrowed;
    }
    return Buffer.allocUnsafeSlow(Math.min(Math.max(least, wanted), LARGEST_BYTES));
  }
}
