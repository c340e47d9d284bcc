/**
 * How many bans a second are on the disk, by how many are in flight, beside a bare append and sync of the same lines one
 * after the other; and how long it takes to open a file of 100,000.
 */
import { mkdtemp, open, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IpList, openBanJournal } from '@postern/ip-list';

const ROUNDS = 5;
const expiresAt = Date.now() + 86_400_000;

function addressOf(number: number): string {
  return `10.${(number >> 16) & 255}.${(number >> 8) & 255}.${number & 255}`;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[values.length >> 1] ?? Number.NaN;
}

const folder = await mkdtemp(join(tmpdir(), 'postern-bench-'));
let files = 0;

/** Bans a second, each of which was on the disk when the next in its place was begun. */
async function journalRate(inFlight: number, count: number): Promise<number> {
  const bans = await openBanJournal({ file: join(folder, `journal-${files++}`), list: new IpList() });
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < count)
      await bans.add(addressOf(next++), { reason: 'guessed passwords', source: 'autoBan', expiresAt });
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const rate = (1_000 * count) / (performance.now() - start);
  await bans.close();
  return rate;
}

/** The least that one line and one sync at a time can cost here. */
async function bareRate(count: number): Promise<number> {
  const file = await open(join(folder, `bare-${files++}`), 'a');
  const start = performance.now();
  for (let number = 0; number < count; number++) {
    const entry = { add: addressOf(number), reason: 'guessed passwords', source: 'autoBan', expiresAt };
    await file.write(`${JSON.stringify(entry)}\n`);
    await file.datasync();
  }
  const rate = (1_000 * count) / (performance.now() - start);
  await file.close();
  return rate;
}

async function openingMs(count: number): Promise<number> {
  const file = join(folder, `open-${files++}`);
  const bans = await openBanJournal({ file, list: new IpList() });
  for (let number = 0; number < count; number += 10_000) {
    const batch = Array.from({ length: 10_000 }, (_, n) =>
      bans.add(addressOf(number + n), { reason: 'spam', expiresAt }),
    );
    await Promise.all(batch);
  }
  await bans.close();
  const start = performance.now();
  const again = await openBanJournal({ file, list: new IpList() });
  const ms = performance.now() - start;
  await again.close();
  return ms;
}

const contenders = [
  { name: 'bare write and sync, 1 in flight', rate: () => bareRate(300) },
  { name: 'journal, 1 in flight', rate: () => journalRate(1, 300) },
  { name: 'journal, 10 in flight', rate: () => journalRate(10, 3_000) },
  { name: 'journal, 100 in flight', rate: () => journalRate(100, 20_000) },
  { name: 'journal, 1,000 in flight', rate: () => journalRate(1_000, 50_000) },
];
try {
  const rates = contenders.map((): number[] => []);
  for (let round = 0; round < ROUNDS; round++) {
    // Another one is first in each round: what one leaves the disk to do is not always the same one's burden.
    for (let turn = 0; turn < contenders.length; turn++) {
      const index = (turn + round) % contenders.length;
      rates[index]?.push((await contenders[index]?.rate()) ?? Number.NaN);
    }
  }
  const bare = median(rates[0] ?? []);
  for (const [index, { name }] of contenders.entries()) {
    const rate = median(rates[index] ?? []);
    console.log(`${name}: ${Math.round(rate)} bans/s, ${(rate / bare).toFixed(2)} × bare`);
  }
  const openings: number[] = [];
  for (let round = 0; round < 3; round++) openings.push(await openingMs(100_000));
  console.log(`opening a file of 100,000 bans: ${Math.round(median(openings))} ms`);
} finally {
  await rm(folder, { recursive: true, force: true });
}
