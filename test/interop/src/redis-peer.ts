/**
 * One of several machines on one Redis, as a process of its own: takes a lease on `slot`, charges `limit` as often as it is
 * told, prints what it was allowed as one line of JSON, and stays until it is killed.
 */
import { RedisStore } from '@postern/redis';
import { Redis } from 'ioredis';

const [port = '0', times = '0', burst = '0', leaseMs = '60000'] = process.argv.slice(2);
const store = new RedisStore(new Redis(Number(port), '127.0.0.1'), { timeoutMs: 60_000 });
const charge = { algorithm: 'gcra', key: 'limit', cost: 1, count: 1, perMs: 3_600_000, burst: Number(burst) } as const;
const results = await Promise.all(Array.from({ length: Number(times) }, async () => store.charge([charge])));
const lease = await store.acquire([{ key: 'slot', limit: 4 }], Number(leaseMs));
const allowed = results.filter((result) => result.allowed).length;
process.stdout.write(`${JSON.stringify({ allowed, granted: lease.granted })}\n`);
