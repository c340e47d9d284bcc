/**
 * Lookups of names that differ, over UDP on loopback, 50, 200 and 500 at a time. The server is another process that sends
 * octets made ahead (`dns-responder.ts`); what `dgram, octets made ahead` reaches shows that it holds nobody back. The
 * contenders take turns in every round, so that whatever else the machine does hits them alike: look at the ratios.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { DnsClient } from '@postern/core';
import { AUTHENTIC_DATA, decode, encode, RECURSION_DESIRED } from 'dns-packet';

const IN_FLIGHT = [50, 200, 500];
const ROUNDS = 9;
const QUERIES_A_ROUND = 8_000;
/** Peer and least ratio, by queries in flight. */
const targets: readonly { readonly peer: string; readonly inFlight: number; readonly least: number }[] = [
  { peer: 'node:dns', inFlight: 50, least: 1.3 },
  { peer: 'node:dns', inFlight: 200, least: 1 },
  { peer: 'node:dns', inFlight: 500, least: 2 },
  { peer: 'dgram and dns-packet', inFlight: 50, least: 0.9 },
  { peer: 'dgram and dns-packet', inFlight: 200, least: 0.9 },
  { peer: 'dgram and dns-packet', inFlight: 500, least: 0.9 },
];

interface Contender {
  readonly name: string;
  /** Rejects when there is no answer. */
  readonly ask: (name: string) => Promise<unknown>;
}

async function startServer(): Promise<{ child: ChildProcess; port: number }> {
  const child = fork(fileURLToPath(new URL('dns-responder.ts', import.meta.url)), { execArgv: [] });
  const [port] = await once(child, 'message');
  return { child, port: Number(port) };
}

function ourClient(port: number): Contender {
  const client = new DnsClient({ servers: [`127.0.0.1:${port}`] });
  const ask = async (name: string): Promise<void> => {
    const answer = await client.resolve(name, 'A');
    if (answer.kind !== 'records') throw new Error(answer.kind);
  };
  return { name: 'DnsClient', ask };
}

function nodeResolver(port: number): Contender {
  const resolver = new Resolver();
  resolver.setServers([`127.0.0.1:${port}`]);
  return { name: 'node:dns', ask: (name) => resolver.resolve4(name) };
}

/** The least that a client of `dns-packet` can do: one socket, ids in a row, no time-out, nothing checked. */
async function bareLoop(port: number): Promise<Contender> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1_048_576 });
  const waiting = new Map<number, (answers: unknown) => void>();
  let id = 0;
  socket.on('message', (message) => {
    const packet = decode(message);
    waiting.get(packet.id ?? 0)?.(packet.answers);
    waiting.delete(packet.id ?? 0);
  });
  socket.bind(0);
  await once(socket, 'listening');
  const ask = (name: string): Promise<unknown> =>
    new Promise((resolve) => {
      id = (id + 1) & 0xffff;
      waiting.set(id, resolve);
      const query = encode({
        type: 'query',
        id,
        flags: RECURSION_DESIRED | AUTHENTIC_DATA,
        questions: [{ type: 'A', name }],
        additionals: [
          {
            type: 'OPT',
            name: '.',
            udpPayloadSize: 1_232,
            extendedRcode: 0,
            ednsVersion: 0,
            flags: 0,
            flag_do: false,
            options: [],
          },
        ],
      });
      socket.send(query, port, '127.0.0.1');
    });
  return { name: 'dgram and dns-packet', ask };
}

/** What sockets alone cost: the same query again and again, only its id changes, and nothing is read but the id. */
async function socketsAlone(port: number): Promise<Contender> {
  const socket = createSocket({ type: 'udp4', recvBufferSize: 4 * 1_048_576 });
  const waiting = new Map<number, (message: Buffer) => void>();
  let id = 0;
  const query = encode({
    type: 'query',
    id: 0,
    flags: RECURSION_DESIRED,
    questions: [{ type: 'A', name: 'host1000.bench.test' }],
  });
  socket.on('message', (message) => {
    const replied = message.readUInt16BE(0);
    waiting.get(replied)?.(message);
    waiting.delete(replied);
  });
  socket.connect(port, '127.0.0.1');
  await once(socket, 'connect');
  const ask = (): Promise<unknown> =>
    new Promise((resolve) => {
      id = (id + 1) & 0xffff;
      waiting.set(id, resolve);
      const copy = Buffer.from(query);
      copy.writeUInt16BE(id, 0);
      socket.send(copy);
    });
  return { name: 'dgram, octets made ahead', ask };
}

let asked = 0;

/** Queries/s, and how many got no answer. */
async function race({ ask }: Contender, inFlight: number): Promise<{ perSecond: number; lost: number }> {
  const last = asked + QUERIES_A_ROUND;
  let lost = 0;
  const worker = async (): Promise<void> => {
    while (asked < last) {
      try {
        await ask(`host${asked++}.bench.test`);
      } catch {
        lost++;
      }
    }
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  return { perSecond: (QUERIES_A_ROUND * 1_000) / (performance.now() - start), lost };
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

const { child, port } = await startServer();
const ours = ourClient(port);
const contenders = [ours, nodeResolver(port), await bareLoop(port), await socketsAlone(port)];
for (const contender of contenders) await race(contender, 50);

for (const inFlight of IN_FLIGHT) {
  const speeds = new Map<string, number[]>(contenders.map(({ name }) => [name, []]));
  const losses = new Map<string, number>();
  for (let round = 0; round < ROUNDS; round++) {
    // Each round begins with another one, so that nobody always follows the same neighbour.
    for (let turn = 0; turn < contenders.length; turn++) {
      const contender = contenders[(round + turn) % contenders.length];
      if (contender === undefined) continue;
      const { perSecond, lost } = await race(contender, inFlight);
      speeds.get(contender.name)?.push(perSecond);
      losses.set(contender.name, (losses.get(contender.name) ?? 0) + lost);
    }
  }

  console.log(`\n${inFlight} in flight, ${ROUNDS} rounds of ${QUERIES_A_ROUND.toLocaleString('en')} (medians)`);
  for (const { name } of contenders) {
    const own = speeds.get(ours.name) ?? [];
    const theirs = speeds.get(name) ?? [];
    const ratio = median(own.map((speed, round) => speed / (theirs[round] ?? Number.NaN)));
    const target = targets.find(({ peer, inFlight: at }) => peer === name && at === inFlight);
    const verdict = target && `target ≥ ${target.least}: ${ratio >= target.least ? 'met' : 'MISSED'}`;
    const speed = Math.round(median(theirs)).toLocaleString('en').padStart(8);
    const compared = name === ours.name ? '' : `DnsClient is ${ratio.toFixed(2)} ×`;
    console.log(`  ${name.padEnd(26)}${speed}/s  lost ${losses.get(name)}  ${compared.padEnd(20)} ${verdict ?? ''}`);
  }
}
child.kill();
process.exit();
