import { LRUCache } from 'lru-cache';
import { readSpfRecord, type SpfRecordReading } from './spf-record.ts';

/** How much memory the records take at most, estimated. */
const MOST_BYTES = 16 * 1_048_576;
/**
 * What a record takes beside its text, and what each of its terms takes: objects, and the text's parts. The former is more
 * than most need, so that there are at most 10,000 records without a second bound, for which the LRU would set aside its
 * memory when the first is read.
 */
const RECORD_BYTES = 1_600;
const TERM_BYTES = 400;

function sizeOf(reading: SpfRecordReading, text: string): number {
  return RECORD_BYTES + 2 * text.length + (reading.ok ? reading.record.terms.length * TERM_BYTES : 0);
}

/** Records by their text, so that each is read once. At most 16 MiB, or 10,000; those not asked for longest go first. */
export class SpfRecordCache {
  readonly #readings = new LRUCache<string, SpfRecordReading>({
    maxSize: MOST_BYTES,
    sizeCalculation: sizeOf,
  });

  /** How much memory the records take, estimated. */
  get bytes(): number {
    return this.#readings.calculatedSize;
  }

  get records(): number {
    return this.#readings.size;
  }

  /** The record in the text, for which `isSpfRecord` must hold. */
  read(text: string): SpfRecordReading {
    let reading = this.#readings.get(text);
    if (reading === undefined) {
      reading = readSpfRecord(text);
      this.#readings.set(text, reading);
    }
    return reading;
  }
}

let shared: SpfRecordCache | undefined;

/**
 * The records of this process, made when the first is read. This is no state: reading is a function of the text alone, so
 * that nobody can tell from a result who else uses it. A cache of one resolver or one call would forget what is worth
 * remembering, since resolvers with a deadline are made for one message.
 */
export function sharedRecords(): SpfRecordCache {
  shared ??= new SpfRecordCache();
  return shared;
}
