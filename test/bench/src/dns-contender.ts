/**
 * One contender of the DNS benchmark, in a process of its own: `node dns-contender.ts <name> <port>`. For each message of
 * its parent it asks so many questions, so many at a time, and tells how fast it was.
 */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { once } from 'node:events';
import { DnsClient } from '@postern/core';
import { AUTHENTIC_DATA, decode, encode, RECURSION_DESIRED } from 'dns-packet';

/** What the parent asks for. */
export interface RaceRequest {
  readonly inFlight: number;
  readonly queries: number;
}

/** What the contender reached. */
export interface RaceResult {
  readonly perSecond: number;
  /** Questions without an answer. */
  readonly lost: number;
  /** CPU time of this process, in microseconds a question. */
  readonly cpuMicroseconds: number;
}

/** Rejects when there is no answer. */
type Ask = (name: string) => Promise<unknown>;

const RECEIVE_BYTES = 4 * 1_048_576;

const contenders: { readonly [name: string]: (port: number) => Promise<Ask> } = {
  DnsClient: async (port) => {
    const client = new DnsClient({ servers: [`127.0.0.1:${port}`] });
    return async (name) => {
      const answer = await client.resolve(name, 'A');
      if (answer.kind !== 'records') throw new Error(answer.kind);
    };
  },

  'node:dns': async (port) => {
    const resolver = new Resolver();
    resolver.setServers([`127.0.0.1:${port}`]);
    return (name) => resolver.resolve4(name);
  },

  /** The least that a client of `dns-packet` can do: one socket, ids in a row, no time-out, nothing checked. */
  'dgram and dns-packet': async (port) => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BYTES });
    const waiting = new Map<number, (answers: unknown) => void>();
    let id = 0;
    socket.on('message', (message) => {
      const packet = decode(message);
      waiting.get(packet.id ?? 0)?.(packet.answers);
      waiting.delete(packet.id ?? 0);
    });
    socket.bind(0);
    await once(socket, 'listening');
    const opt = { type: 'OPT', name: '.', udpPayloadSize: 1_232, extendedRcode: 0, ednsVersion: 0 } as const;
    return (name) =>
      new Promise((resolve) => {
        id = (id + 1) & 0xffff;
        waiting.set(id, resolve);
        const flags = RECURSION_DESIRED | AUTHENTIC_DATA;
        const additionals = [{ ...opt, flags: 0, flag_do: false, options: [] }];
        const query = encode({ type: 'query', id, flags, questions: [{ type: 'A', name }], additionals });
        socket.send(query, port, '127.0.0.1');
      });
  },

  /** What sockets alone cost: the same query again and again, only its id changes, and nothing is read but the id. */
  'dgram, octets made ahead': async (port) => {
    const socket = createSocket({ type: 'udp4', recvBufferSize: RECEIVE_BYTES });
    const waiting = new Map<number, (message: Buffer) => void>();
    let id = 0;
    const questions = [{ type: 'A', name: 'host1000.bench.test' }] as const;
    const query = encode({ type: 'query', id, flags: RECURSION_DESIRED, questions: [...questions] });
    socket.on('message', (message) => {
      const replied = message.readUInt16BE(0);
      waiting.get(replied)?.(message);
      waiting.delete(replied);
    });
    socket.connect(port, '127.0.0.1');
    await once(socket, 'connect');
    return () =>
      new Promise((resolve) => {
        id = (id + 1) & 0xffff;
        waiting.set(id, resolve);
        const copy = Buffer.from(query);
        copy.writeUInt16BE(id, 0);
        socket.send(copy);
      });
  },
};

let asked = 0;

async function race(ask: Ask, { inFlight, queries }: RaceRequest): Promise<RaceResult> {
  const last = asked + queries;
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
  const before = process.cpuUsage();
  const start = performance.now();
  await Promise.all(Array.from({ length: inFlight }, worker));
  const perSecond = (queries * 1_000) / (performance.now() - start);
  const { user, system } = process.cpuUsage(before);
  return { perSecond, lost, cpuMicroseconds: (user + system) / queries };
}

const [, , name = '', port = ''] = process.argv;
const ask = await contenders[name]?.(Number(port));
if (ask === undefined) throw new Error(`no contender is called ${JSON.stringify(name)}`);
process.on('message', async (request: RaceRequest) => process.send?.(await race(ask, request)));
process.on('disconnect', () => process.exit());
process.send?.('ready');
