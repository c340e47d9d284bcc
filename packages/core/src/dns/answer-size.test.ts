import { setImmediate as nextTurn } from 'node:timers/promises';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, it } from 'vitest';
import { AnswerTable } from './answer-table.ts';
import { CachedAnswer, type KnownAnswer } from './cached-answer.ts';
import type { RecordType } from './resolver.ts';

const ENTRIES = 10_000;

/** Collected until nothing more goes: what a test before has left may take a turn to become garbage. */
async function usedHeap(): Promise<number> {
  setFlagsFromString('--expose-gc');
  const collectGarbage: () => void = runInNewContext('gc');
  let used = Number.POSITIVE_INFINITY;
  for (let round = 0; round < 20; round++) {
    await nextTurn();
    collectGarbage();
    const { heapUsed } = process.memoryUsage();
    if (round > 2 && heapUsed > used - 10_000) break;
    used = Math.min(used, heapUsed);
  }
  return used;
}

/** Strings of their own, as each reply brings them. */
function answerOf<T extends RecordType>(answer: KnownAnswer<T>): KnownAnswer<T> {
  return JSON.parse(JSON.stringify(answer));
}

const known = { kind: 'records', ttl: 60, authentic: false } as const;
const cases: readonly (readonly [string, () => CachedAnswer])[] = [
  ['A', () => entryOf('A', answerOf<'A'>({ ...known, records: ['192.168.100.200'] }))],
  ['TXT', () => entryOf('TXT', answerOf<'TXT'>({ ...known, records: ['v=spf1 '.padEnd(300, 'x')] }))],
  [
    'MX',
    () => entryOf('MX', answerOf<'MX'>({ ...known, records: [{ preference: 10, exchange: 'mx1.mail.example' }] })),
  ],
  ['nxdomain', () => entryOf('A', answerOf<'A'>({ kind: 'nxdomain', ttl: 60, authentic: false }))],
];

function entryOf<T extends RecordType>(type: T, answer: KnownAnswer<T>): CachedAnswer<T> {
  return new CachedAnswer(type, answer, Date.now() + 0.5, 60_000, 54_000);
}

it.each(cases)('estimates the memory of %s answers at what they take, or somewhat more', async (_what, make) => {
  const before = await usedHeap();
  const table = new AnswerTable(ENTRIES, 2 ** 30);
  for (let index = 0; index < ENTRIES; index++) table.set(`host${index}.zone.example`, make());
  const share = ((await usedHeap()) - before) / table.bytes;
  expect(table.entries).toBe(ENTRIES);
  expect(share).toBeGreaterThan(0.6);
  expect(share).toBeLessThan(1.1);
});
