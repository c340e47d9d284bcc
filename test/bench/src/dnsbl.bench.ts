/**
 * Ten zones and one address:
 *
 * - warm caches, 1,000 addresses a round: `queryDnsbl`, its check, and the bare lookups that both stand on
 * - no cache, a real rbldnsd on loopback (left out without one): `queryDnsbl` beside the same questions to `DnsClient`
 * - early decision: one zone hangs, the others reach the score; beside the time at which the slowest of them answered
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  CachingResolver,
  type Context,
  type DnsAnswer,
  DnsClient,
  MemoryStore,
  parseIp,
  type RecordType,
  type Resolver,
  reverseLabels,
  type Session,
  systemClock,
} from '@postern/core';
import { dnsbl, queryDnsbl } from '@postern/dnsbl';
import { bench, do_not_optimize, run, summary } from 'mitata';

const ADDRESSES = 1_000;
const ZONES = 10;

/** Knows no name, for an hour. */
const upstream: Resolver = {
  resolve: async <T extends RecordType>(): Promise<DnsAnswer<T>> => ({
    kind: 'nxdomain',
    ttl: 3_600,
    authentic: false,
  }),
};
const resolver = new CachingResolver(upstream, { maxEntries: 2 * ADDRESSES * ZONES, maxBytes: 256 * 1_048_576 });
const zones = Array.from({ length: ZONES }, (_, n) => `list${n}.example`);
const addresses = Array.from({ length: ADDRESSES }, (_, n) =>
  Buffer.from(`9.${n % 256}.${n >> 8}.7`).toString('latin1'),
);
const signal = new AbortController().signal;

const clients = addresses.map((address) => ({ address, port: 25_000, ip: parseIp(address) }));
const context: Context = { resolver, store: new MemoryStore(), clock: systemClock };
const runs = clients.map((client) => {
  const session: Session = {
    id: 's',
    service: 'mx',
    client,
    local: { address: '192.0.2.25', port: 25 },
    startedAt: 0,
    helo: undefined,
    esmtp: false,
    tls: undefined,
    user: undefined,
    trusted: false,
  };
  return dnsbl({ zones }).start(session, context);
});

summary(() => {
  bench('queryDnsbl ×1,000', async () => {
    for (const address of addresses) do_not_optimize(await queryDnsbl(address, { zones, resolver, signal }));
  });
  bench('dnsbl() at connect ×1,000', async () => {
    for (const each of runs) do_not_optimize(await each?.connect?.(signal));
  });
  bench('bare lookups of the same names ×1,000', async () => {
    for (const { ip } of clients) {
      if (ip === undefined) continue;
      const labels = reverseLabels(ip);
      do_not_optimize(await Promise.all(zones.map((zone) => resolver.resolve(`${labels}.${zone}`, 'A'))));
    }
  });
});

await run();

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN;
}

/** Calls `ask` for each address, so many at a time. Queries a second. */
async function race(ask: (address: string) => Promise<unknown>, atOnce: number): Promise<number> {
  let next = 0;
  const worker = async (): Promise<void> => {
    for (let address = addresses[next++]; address !== undefined; address = addresses[next++]) await ask(address);
  };
  const start = performance.now();
  await Promise.all(Array.from({ length: atOnce }, worker));
  return (addresses.length * 1_000) / (performance.now() - start);
}

async function freePort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1');
  await once(socket, 'listening');
  const { port } = socket.address();
  socket.close();
  return port;
}

async function cold(rbldnsd: string): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'postern-bench-'));
  const port = await freePort();
  const client = new DnsClient({ servers: [`127.0.0.1:${port}`] });
  let server: ChildProcess | undefined;
  try {
    writeFileSync(join(folder, 'list'), ':127.0.0.2:Listed\n127.0.0.2\n', { mode: 0o644 });
    // rbldnsd gives up root before it reads.
    chmodSync(folder, 0o755);
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const data = zones.map((zone) => `${zone}:ip4set:list`);
    server = spawn(rbldnsd, ['-n', ...user, '-w', folder, '-b', `127.0.0.1/${port}`, ...data], { stdio: 'ignore' });
    const probe = `2.0.0.127.${zones[0]}`;
    for (let tries = 0; (await client.resolve(probe, 'A')).kind !== 'records'; tries++) {
      if (tries > 100) throw new Error('rbldnsd does not answer');
      await sleep(50);
    }
    const ours = (address: string): Promise<unknown> => queryDnsbl(address, { zones, resolver: client });
    const bare = (address: string): Promise<unknown> => {
      const ip = parseIp(address);
      const labels = ip === undefined ? '' : reverseLabels(ip);
      return Promise.all(zones.map((zone) => client.resolve(`${labels}.${zone}`, 'A')));
    };
    for (const atOnce of [1, 10]) {
      const reached: { ours: number; bare: number }[] = [];
      for (let round = 0; round < 12; round++) {
        reached.push({ ours: await race(ours, atOnce), bare: await race(bare, atOnce) });
      }
      const ratio = median(reached.slice(2).map((each) => each.ours / each.bare));
      const perSecond = Math.round(median(reached.slice(2).map((each) => each.ours)));
      console.log(`cold, rbldnsd, ${atOnce} at once: ${perSecond} queryDnsbl/s, ${ratio.toFixed(2)} × bare (≥ 0.7)`);
    }
  } finally {
    server?.kill();
    client.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

const listed = JSON.stringify({ kind: 'records', records: ['127.0.0.2'], ttl: 60, authentic: false });

async function earlyDecision(): Promise<void> {
  const ratios: number[] = [];
  for (let round = 0; round < 200; round++) {
    let slowest = 0;
    const start = performance.now();
    const slow: Resolver = {
      async resolve<T extends RecordType>(name: string): Promise<DnsAnswer<T>> {
        const zone = zones.findIndex((each) => name.endsWith(each));
        // The first one hangs, far beyond the end.
        if (zone === 0) return new Promise(() => {});
        await sleep(2 * zone);
        slowest = performance.now() - start;
        return JSON.parse(listed);
      },
    };
    await queryDnsbl('9.9.9.9', { zones, resolver: slow, stopAtScore: ZONES - 1, timeoutMs: 10_000 });
    ratios.push((performance.now() - start) / slowest);
  }
  console.log(`early decision: ${median(ratios).toFixed(3)} × the slowest zone that answers (≤ 1.2)`);
}

const rbldnsd = ['/usr/sbin/rbldnsd', '/usr/local/sbin/rbldnsd', '/usr/bin/rbldnsd'].find((path) => existsSync(path));
if (rbldnsd === undefined) console.log('cold: left out, there is no rbldnsd');
else await cold(rbldnsd);
await earlyDecision();
