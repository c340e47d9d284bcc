import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CachingResolver,
  type DnsAnswer,
  DnsClient,
  type RecordType,
  type ResolveOptions,
  type Resolver,
} from '@postern/core';
import {
  type AddressZone,
  type DomainZone,
  queryDnsbl,
  queryDomainList,
  ZoneMonitor,
  type ZoneStateChange,
} from '@postern/dnsbl';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { describeWith, RealServer, type RunningServer } from './real-server.ts';

const rbldnsd = new RealServer('rbldnsd');

const head = (zone: string): string => `$SOA 60 ns.${zone} hostmaster.${zone} 0 600 300 86400 60\n$NS 60 ns.${zone}\n`;

/** The data of each list, by the type of its data set. */
const data: Readonly<Record<string, { readonly type: string; readonly lines: string }>> = {
  'good.test': { type: 'ip4set', lines: ':127.0.0.2:Listed\n127.0.0.2\n9.9.8.7\n' },
  'gone.test': { type: 'ip4set', lines: ':127.0.0.2:Listed\n127.0.0.2\n9.9.8.7\n' },
  // What a list does that its operator gave up long ago, so that people notice.
  'world.test': { type: 'ip4trie', lines: ':127.0.0.2:This list has shut down\n0.0.0.0/0\n' },
  'empty.test': { type: 'ip4set', lines: ':127.0.0.2:Listed\n9.9.8.7\n' },
  'quota.test': { type: 'ip4trie', lines: ':127.255.255.255:Too many queries\n0.0.0.0/0\n' },
  'six.test': { type: 'ip6trie', lines: ':127.0.0.2:Listed\n::ffff:7f00:2/128\n2a00:1234::/32\n' },
  'names.test': { type: 'dnset', lines: ':127.0.1.2:Listed\n.test\n.spam.example\n' },
  'own.test': { type: 'dnset', lines: ':127.0.1.2:Listed\n.listed.example\n' },
};

const addresses: readonly AddressZone[] = [
  { name: 'good.test', ipv6: false },
  { name: 'gone.test', ipv6: false },
  { name: 'world.test', ipv6: false },
  { name: 'empty.test', ipv6: false },
  { name: 'quota.test', ipv6: false },
  { name: 'six.test', ipv4: false },
];
const names: readonly DomainZone[] = [
  { name: 'names.test', lists: 'domains', answers: [{ code: '127.0.1.2', reason: 'spam' }] },
  { name: 'own.test', lists: 'domains', testPoints: { mustList: ['listed.example'], mustNotList: ['example.com'] } },
];

/** The one server for `gone.test`, the other for everything else: as the delegations of two operators would lead there. */
class TwoServers implements Resolver {
  readonly #gone: Resolver;
  readonly #others: Resolver;

  constructor(gone: Resolver, others: Resolver) {
    this.#gone = gone;
    this.#others = others;
  }

  resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> {
    return (name.endsWith('.gone.test') ? this.#gone : this.#others).resolve(name, type, options);
  }
}

describeWith([rbldnsd], 'ZoneMonitor against rbldnsd', () => {
  let folder: string;
  let lists: RunningServer;
  let gone: RunningServer;
  let goneClient: DnsClient;
  let client: DnsClient;
  let resolver: Resolver;

  const start = async (zones: readonly string[], port: number, asked: DnsClient): Promise<RunningServer> => {
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    const sets = zones.map((zone) => `${zone}:${data[zone]?.type}:${zone}`);
    return await rbldnsd.start(
      ['-n', ...user, '-w', folder, '-b', `127.0.0.1/${port}`, ...sets],
      async () => (await asked.resolve(zones[0] ?? '', 'SOA')).kind === 'records',
    );
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-zone-monitor-'));
    // rbldnsd gives up root before it reads.
    chmodSync(folder, 0o755);
    for (const [zone, { lines }] of Object.entries(data)) writeFileSync(join(folder, zone), head(zone) + lines);
    const port = await freePort();
    client = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 5_000 });
    lists = await start(
      Object.keys(data).filter((zone) => zone !== 'gone.test'),
      port,
      client,
    );
    const gonePort = await freePort();
    goneClient = new DnsClient({ servers: [`127.0.0.1:${gonePort}`], timeoutMs: 5_000 });
    gone = await start(['gone.test'], gonePort, goneClient);
    resolver = new CachingResolver(new TwoServers(goneClient, client));
  }, 60_000);

  afterAll(async () => {
    client?.close();
    goneClient?.close();
    // A server that hangs does not hear that it is to stop.
    gone?.signal('SIGCONT');
    await Promise.all([lists?.stop(), gone?.stop()]);
    rmSync(folder, { recursive: true, force: true });
  });

  it('tells the lists that work from those that do not', async () => {
    using monitor = new ZoneMonitor({ zones: [...addresses, ...names], resolver });
    const states = await monitor.probe();
    expect(states.map(({ zone, status, reason }) => [zone, status, reason])).toEqual([
      ['good.test', 'healthy', undefined],
      ['gone.test', 'healthy', undefined],
      ['world.test', 'aside', 'lists-everything'],
      ['empty.test', 'aside', 'test-point-missing'],
      ['quota.test', 'aside', 'over-quota'],
      ['six.test', 'healthy', undefined],
      ['names.test', 'healthy', undefined],
      ['own.test', 'healthy', undefined],
    ]);
  });

  it('keeps queries from believing a list that lists the world', async () => {
    using monitor = new ZoneMonitor({ zones: [...addresses, ...names], resolver });
    await monitor.probe();
    const zones = ['good.test', 'world.test'];
    expect(await queryDnsbl('9.9.8.8', { zones, resolver })).toMatchObject({ status: 'listed', score: 1 });
    expect(await queryDnsbl('9.9.8.8', { zones, resolver, monitor })).toMatchObject({
      status: 'unknown',
      score: 0,
      zones: [
        { zone: 'good.test', status: 'clean' },
        { zone: 'world.test', status: 'unknown', reasons: ['set-aside'] },
      ],
    });
    expect(await queryDnsbl('9.9.8.7', { zones, resolver, monitor })).toMatchObject({ status: 'listed', score: 1 });
    expect(await queryDomainList('spam.example', { zones: names, resolver, monitor, askSpecial: true })).toMatchObject({
      status: 'listed',
      zones: [{ status: 'listed' }, { status: 'clean' }],
    });
  });

  it('sets a list aside that hangs, and takes it back when it goes on', async () => {
    const changes: ZoneStateChange[] = [];
    let heard = (): void => {};
    const until = async (to: ZoneStateChange['to'], zone: string): Promise<void> => {
      while (!changes.some((change) => change.zone === zone && change.to === to)) {
        await new Promise<void>((resolve) => {
          heard = resolve;
        });
      }
      changes.length = 0;
    };
    using monitor = new ZoneMonitor({
      zones: ['good.test', 'gone.test'],
      resolver,
      intervalMs: 1_000,
      retryMs: 100,
      timeoutMs: 1_000,
      failuresToSetAside: 2,
      onChange: (change) => {
        changes.push(change);
        heard();
      },
    });
    monitor.start();
    await until('healthy', 'gone.test');
    gone.signal('SIGSTOP');
    await until('aside', 'gone.test');
    expect(monitor.states()[1]).toMatchObject({ zone: 'gone.test', status: 'aside', reason: 'timeout' });
    const zones = ['gone.test'];
    expect(await queryDnsbl('9.9.8.7', { zones, resolver, monitor })).toMatchObject({
      status: 'unknown',
      zones: [{ reasons: ['set-aside'] }],
    });
    gone.signal('SIGCONT');
    await until('healthy', 'gone.test');
    expect(await queryDnsbl('9.9.8.7', { zones, resolver, monitor })).toMatchObject({ status: 'listed' });
  }, 60_000);
});
