import type { DnsAnswer } from './resolver.ts';

/**
 * What things take on the heap of V8 on a 64-bit machine, in bytes: the header of a string, of an object, and of an array
 * with its elements; one word. Estimates on the high side, held to the measured heap by the memory benchmark.
 */
const STRING_HEADER = 24;
const OBJECT_HEADER = 24;
const ARRAY_HEADER = 48;
const WORD = 8;

export function textBytes(text: string): number {
  return STRING_HEADER + text.length;
}

function recordBytes(record: string | object): number {
  if (typeof record === 'string') return textBytes(record);
  let bytes = OBJECT_HEADER;
  for (const value of Object.values(record)) bytes += WORD + (typeof value === 'string' ? textBytes(value) : WORD);
  return bytes;
}

/** Roughly how many bytes of memory an answer takes. */
export function answerBytes(answer: DnsAnswer): number {
  const bytes = OBJECT_HEADER + 6 * WORD;
  if (answer.kind === 'failure') return bytes + textBytes(answer.detail);
  if (answer.kind !== 'records') return bytes;
  const { records, canonicalName } = answer;
  let sum = bytes + ARRAY_HEADER + (canonicalName === undefined ? 0 : textBytes(canonicalName));
  for (const record of records) sum += WORD + recordBytes(record);
  return sum;
}
