/**
 * Lookups of names that differ, over UDP on loopback, 50, 200 and 500 at a time. The server is another process that sends
 * octets made ahead (`dns-responder.ts`); what `dgram, octets made ahead` reaches shows that it holds nobody back. Each
 * contender has a process of its own too, and they take turns in every round, so that whatever else the machine does hits
 * them alike: look at the ratios.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { RaceRequest, RaceResult } from './dns-contender.ts';

const IN_FLIGHT = [50, 200, 500];
const ROUNDS = 15;
const QUERIES_A_ROUND = 8_000;
const OURS = 'DnsClient';
const PEERS = ['node:dns', 'dgram and dns-packet', 'dgram, octets made ahead'];

/** The least ratio to each peer, by queries in flight. */
const targets: { readonly [peer: string]: { readonly [inFlight: number]: number } } = {
  'node:dns': { 50: 1.3, 200: 1, 500: 2 },
  'dgram and dns-packet': { 50: 0.9, 200: 0.9, 500: 0.9 },
};

async function start(file: URL, ...args: string[]): Promise<{ child: ChildProcess; said: unknown }> {
  const child = fork(fileURLToPath(file), args);
  const [said] = await once(child, 'message');
  return { child, said };
}

async function race(child: ChildProcess, request: RaceRequest): Promise<RaceResult> {
  const result = once(child, 'message');
  child.send(request);
  const [reached] = await result;
  return reached;
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const responder = await start(new URL('./dns-responder.ts', import.meta.url));
const contenders: { name: string; child: ChildProcess }[] = [];
for (const name of [OURS, ...PEERS]) {
  const { child } = await start(new URL('./dns-contender.ts', import.meta.url), name, String(responder.said));
  contenders.push({ name, child });
  // The first rounds go to the compiler.
  for (let round = 0; round < 3; round++) await race(child, { inFlight: 50, queries: QUERIES_A_ROUND });
}

for (const inFlight of IN_FLIGHT) {
  const results = new Map<string, RaceResult[]>(contenders.map(({ name }) => [name, []]));
  for (let round = 0; round < ROUNDS; round++) {
    // Each round begins with another one, so that nobody always follows the same neighbour.
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length];
      if (contender === undefined) continue;
      results.get(contender.name)?.push(await race(contender.child, { inFlight, queries: QUERIES_A_ROUND }));
    }
  }

  console.log(`\n${inFlight} in flight, ${ROUNDS} rounds of ${QUERIES_A_ROUND.toLocaleString('en')}: medians`);
  const ours = results.get(OURS) ?? [];
  for (const [name, theirs] of results) {
    const speed = Math.round(median(theirs.map(({ perSecond }) => perSecond))).toLocaleString('en');
    const cpu = median(theirs.map(({ cpuMicroseconds }) => cpuMicroseconds)).toFixed(1);
    const lost = theirs.reduce((sum, each) => sum + each.lost, 0);
    let line = `  ${name.padEnd(26)}${speed.padStart(7)}/s ${cpu.padStart(6)} µs of CPU  ${lost} lost`;
    if (name !== OURS) {
      const ratio = median(ours.map(({ perSecond }, round) => perSecond / (theirs[round]?.perSecond ?? Number.NaN)));
      line += `  DnsClient is ${ratio.toFixed(2)} ×`;
      const target = targets[name]?.[inFlight];
      if (target !== undefined) line += `, target ≥ ${target} ${ratio >= target ? 'met' : 'MISSED'}`;
    }
    console.log(line);
  }
}

for (const { child } of [responder, ...contenders]) child.disconnect();
