import { LRUCache } from 'lru-cache';
import type { DmarcRecord } from './dmarc-record.ts';
import { parseDmarcRecord } from './parse-dmarc-record.ts';

/** How many records are kept at most. */
const MOST_RECORDS = 10_000;
/** How much memory they take at most, estimated. */
const MOST_BYTES = 16 * 1_048_576;
/** What a record takes beside its text, and each of its parts beside theirs. */
const RECORD_BYTES = 600;
const PART_BYTES = 200;

let shared: LRUCache<string, DmarcRecord> | undefined;

function sizeOf(record: DmarcRecord, text: string): number {
  const parts = record.rua.length + record.ruf.length + record.notes.length;
  return RECORD_BYTES + 4 * text.length + parts * PART_BYTES;
}

/**
 * `parseDmarcRecord`, with the records that were read last in memory: at most 10,000 and 16 MiB, for the whole process, made
 * when the first is read. What a text says depends on nothing else, so nobody can tell from a result who else uses it.
 */
export function readDmarcRecord(text: string): DmarcRecord | undefined {
  shared ??= new LRUCache({ max: MOST_RECORDS, maxSize: MOST_BYTES, sizeCalculation: sizeOf });
  const known = shared.get(text);
  if (known !== undefined) return known;
  const record = parseDmarcRecord(text);
  if (record !== undefined) shared.set(text, record);
  return record;
}
