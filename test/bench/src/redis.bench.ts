/**
 * One decision over three limits (client, network, everyone), 100 in flight, on a `redis-server` of its own: `RedisStore`
 * beside a trivial EVALSHA (`return 1`, one key) and beside `RateLimiterRedis` of rate-limiter-flexible, all through the same
 * client with the same options. `RateLimiterRedis` decides one limit a call, so three of them are asked at once for the same
 * three keys. The contenders take turns; medians.
 */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { RedisStore } from '@postern/redis';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';

const IN_FLIGHT = 100;
const CALLS = 20_000;
const ROUNDS = 9;
const CLIENTS = 10_000;

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const address = server.address();
  server.close();
  await once(server, 'close');
  return typeof address === 'object' && address !== null ? address.port : 0;
}

const port = await freePort();
const server = spawn('redis-server', ['--port', `${port}`, '--bind', '127.0.0.1', '--save', '', '--appendonly', 'no'], {
  stdio: 'ignore',
});
server.once('error', () => {
  console.log('redis-server was not found (Debian package redis-server): nothing to measure');
  process.exit(0);
});
process.once('exit', () => server.kill('SIGKILL'));

const client = new Redis(port, '127.0.0.1', { maxRetriesPerRequest: null });
client.on('error', () => {});
await client.ping();

// So patient that the busiest machine measures Redis, and never the local store.
const store = new RedisStore(client, { timeoutMs: 60_000 });
const trivial = String(await client.script('LOAD', 'return 1'));
const theirs = ['client', 'network', 'everyone'].map(
  (keyPrefix) => new RateLimiterRedis({ storeClient: client, keyPrefix, points: 1_000_000_000, duration: 60 }),
);

let turn = 0;
function next(): number {
  turn = (turn + 1) % CLIENTS;
  return turn;
}

function keys(): [client: string, network: string, everyone: string] {
  const n = next();
  return [`192.0.${n % 256}.${n % 250}`, `192.0.${n % 256}`, ''];
}

function charges(): Parameters<RedisStore['charge']>[0] {
  const [client, network] = keys();
  // Never refused, as with the others.
  const rate = { algorithm: 'gcra', cost: 1, count: 600, perMs: 60_000, burst: 1_000_000_000 } as const;
  return [
    { ...rate, key: `client:${client}` },
    { ...rate, key: `network:${network}` },
    { ...rate, key: 'everyone' },
  ];
}

let local = 0;
const contenders: Record<string, () => Promise<unknown>> = {
  'trivial EVALSHA': () => client.evalsha(trivial, 1, `{postern}:c:${next()}`),
  'RedisStore, three limits': async () => {
    const { states } = await store.charge(charges());
    if (states.length !== 3) local++;
  },
  'RateLimiterRedis, one limit': async () => theirs[0]?.consume(keys()[0]),
  'RateLimiterRedis, three limits': () => {
    const named = keys();
    return Promise.all(theirs.map((limiter, index) => limiter.consume(named[index] ?? '')));
  },
};

async function measure(call: () => Promise<unknown>): Promise<number> {
  const started = performance.now();
  let left = CALLS;
  const one = async (): Promise<void> => {
    while (left-- > 0) await call();
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  return CALLS / (performance.now() - started);
}

function median(values: readonly number[]): number {
  return [...values].sort((one, other) => one - other)[Math.floor(values.length / 2)] ?? 0;
}

const results = new Map<string, number[]>(Object.keys(contenders).map((name) => [name, []]));
for (let round = 0; round <= ROUNDS; round++) {
  for (const [name, call] of Object.entries(contenders)) {
    const speed = await measure(call);
    // The first round warms up.
    if (round > 0) results.get(name)?.push(speed);
  }
}

const medians = new Map([...results].map(([name, values]) => [name, median(values)]));
for (const [name, speed] of medians) console.log(`${name.padEnd(30)} ${speed.toFixed(1).padStart(6)} k/s`);
const own = medians.get('RedisStore, three limits') ?? 0;
const base = medians.get('trivial EVALSHA') ?? 1;
const flexible = medians.get('RateLimiterRedis, three limits') ?? 1;
console.log(`RedisStore ÷ trivial EVALSHA (wanted: 0.8)                ${(own / base).toFixed(2)}`);
console.log(`RedisStore ÷ RateLimiterRedis, three limits (wanted: 4)   ${(own / flexible).toFixed(2)}`);
if (local > 0) throw new Error('some decisions were not made');

store.close();
client.disconnect();
server.kill();
