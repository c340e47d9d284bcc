/**
 * Ten zones and one address with warm caches, 1,000 addresses a round: `queryDnsbl`, its check, and the bare lookups that
 * both stand on.
 */
import {
  CachingResolver,
  type Context,
  type DnsAnswer,
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
