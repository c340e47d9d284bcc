/** A message of a few KB, which most are, takes one allocation. */
const FIRST_BYTES = 8 * 1024;
const LARGEST_BYTES = 64 * 1024;

/**
 * Bytes that grow at their end, in segments that double in size and are never copied again. Each segment has memory of
 * its own, outside of Node's shared pool, so that dropping it frees it.
 */
export class Segments {
  #full: Buffer[] = [];
  #last: Buffer | undefined;
  /** Bytes of `#last` in use. */
  #filled = 0;
  #byteLength = 0;

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
    return this.#last === undefined ? this.#full : [...this.#full, this.#last.subarray(0, this.#filled)];
  }

  clear(): void {
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
    const least = last === undefined ? FIRST_BYTES : 2 * last.length;
    const next = Buffer.allocUnsafeSlow(Math.min(Math.max(least, wanted), LARGEST_BYTES));
    this.#last = next;
    this.#filled = 0;
    return next;
  }
}
