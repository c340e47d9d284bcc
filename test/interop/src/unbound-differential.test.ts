import { Resolver as NodeResolver } from 'node:dns/promises';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type DnsAnswer, DnsClient, fromNodeDns, type RecordType, type Resolver } from '@postern/core';
import { type NameData, Zone, type ZoneData, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { describeWith, RealServer, type RunningServer } from './real-server.ts';
import { unboundConfiguration } from './unbound-configuration.ts';
import { zoneFile } from './zone-file.ts';

const unbound = new RealServer('unbound');

const types: readonly RecordType[] = ['A', 'AAAA', 'TXT', 'MX', 'PTR', 'CNAME', 'NS', 'SOA', 'SRV', 'TLSA', 'CAA'];

const label = fc.stringMatching(/^[a-z0-9_]([a-z0-9_-]{0,10}[a-z0-9_])?$/);
/**
 * A label longer than any that is drawn. Between a drawn name and a wildcard above it there may be names without records of
 * their own, below which the wildcard does not count (RFC 4592 §3.3.1): unbound 1.17 lets it.
 */
const undrawn = 'longer-than-drawn';
const host = fc.array(label, { minLength: 1, maxLength: 4 }).map((labels) => `${labels.join('.')}.elsewhere.test`);
const word = fc.nat({ max: 65_535 });
const octets = fc.uint8Array({ maxLength: 700 }).map((bytes) => Buffer.from(bytes).toString('latin1'));

/** One to so many different records. */
function several<T>(record: fc.Arbitrary<T>, maxLength = 4): fc.Arbitrary<readonly T[]> {
  return fc.uniqueArray(record, { minLength: 1, maxLength, selector: (each) => JSON.stringify(each) });
}

const records: fc.Arbitrary<NameData> = fc
  .record(
    {
      A: several(fc.ipV4(), 20),
      AAAA: several(
        fc
          .tuple(...Array.from({ length: 8 }, () => word))
          .map((words) => words.map((each) => each.toString(16)).join(':')),
      ),
      TXT: several(octets),
      MX: several(fc.record({ preference: word, exchange: fc.oneof(host, fc.constant('')) })),
      PTR: several(host),
      NS: several(host),
      SRV: several(fc.record({ priority: word, weight: word, port: word, target: fc.oneof(host, fc.constant('')) })),
      TLSA: several(
        fc.record({
          usage: fc.nat({ max: 3 }),
          selector: fc.nat({ max: 1 }),
          matchingType: fc.nat({ max: 2 }),
          data: fc.uint8Array({ minLength: 1, maxLength: 64 }).map((bytes) => Buffer.from(bytes).toString('hex')),
        }),
      ),
      CAA: several(
        fc.record({
          critical: fc.boolean(),
          tag: fc.constantFrom('issue', 'issuewild', 'iodef'),
          // c-ares takes an empty one, which RFC 8659 §4.1 allows, for a malformed reply.
          value: fc.string({ minLength: 1, maxLength: 40 }),
        }),
      ),
      ttl: fc.nat({ max: 100_000 }),
    },
    { requiredKeys: [] },
  )
  .filter((data) => Object.keys(data).some((key) => key !== 'ttl'));

const soa: NameData = { SOA: 'ns.random.test hostmaster.random.test 1 7200 3600 1209600 900', NS: 'ns.random.test' };

/** Names below `random.test`, some of them wildcards, some of them below others; and aliases, each to one of them, to another alias, or to nothing. */
const zoneData: fc.Arbitrary<ZoneData> = fc
  .record({
    names: fc.uniqueArray(
      fc.tuple(fc.constantFrom('', '', '', '*.'), fc.array(label, { minLength: 1, maxLength: 3 }), records),
      {
        minLength: 20,
        maxLength: 40,
        selector: ([wildcard, labels]) => wildcard + labels.join('.'),
      },
    ),
    aliases: fc.array(fc.nat(), { maxLength: 12 }),
  })
  .map(({ names, aliases }) => {
    // Below a name with NS records another server would have to be asked.
    const own = names.map(([wildcard, labels, { NS: _, ...data }]): [string, NameData] => [
      `${wildcard}${labels.join('.')}.random.test`,
      Object.keys(data).length > 0 ? data : { A: '192.0.2.1' },
    ]);
    const targets = own.map(([name]) => name.replace('*', undrawn));
    const links = aliases.map((pick, index): [string, NameData] => {
      const known = [
        'nowhere.random.test',
        ...targets,
        ...aliases.slice(0, index).map((_, at) => `alias-${at}.random.test`),
      ];
      return [`alias-${index}.random.test`, { CNAME: known[pick % known.length] ?? '' }];
    });
    return Object.fromEntries([['random.test', soa], ...own, ...links]);
  });

/** Records have no order among themselves, and their TTL counts down in unbound. */
function comparable(answer: DnsAnswer): unknown {
  if (answer.kind === 'failure') return answer;
  if (answer.kind !== 'records') return answer.kind;
  return answer.records.map((record) => JSON.stringify(record)).sort();
}

describeWith([unbound], 'random zones in unbound', () => {
  /** Every name of the zone, and names beside and below it, with every type. */
  async function compare(zone: Zone, port: number): Promise<number> {
    using client = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 5_000 });
    using overTcp = new DnsClient({ servers: [`tcp://127.0.0.1:${port}`], timeoutMs: 5_000 });
    const nodeResolver = new NodeResolver({ timeout: 5_000, tries: 1 });
    nodeResolver.setServers([`127.0.0.1:${port}`]);
    const node = fromNodeDns(nodeResolver);
    const known = new ZoneResolver(zone);
    const names = [...zone].flatMap(([name]) => [name, `${undrawn}.${name}`].map((each) => each.replace('*', undrawn)));
    const questions = names.flatMap((name) => types.map((type): [string, RecordType] => [name, type]));
    const ask = async ([name, type]: readonly [string, RecordType]): Promise<void> => {
      const of = async (resolver: Resolver): Promise<unknown> => comparable(await resolver.resolve(name, type));
      const answer = await of(client);
      expect(answer, `${name} ${type}, as the zone says`).toEqual(await of(known));
      expect(answer, `${name} ${type} over TCP`).toEqual(await of(overTcp));
      // An alias to a name without an SOA record is a malformed reply to c-ares.
      if (type === 'SOA') return;
      expect(answer, `${name} ${type}, as node:dns says`).toEqual(await of(node));
    };
    for (let at = 0; at < questions.length; at += 50) await Promise.all(questions.slice(at, at + 50).map(ask));
    return questions.length;
  }

  /** An unbound in this folder, with these zones. */
  async function start(folder: string, name: string, zones: string): Promise<{ server: RunningServer; port: number }> {
    const port = await freePort();
    const configuration = join(folder, name);
    writeFileSync(configuration, unboundConfiguration({ folder, port }) + zones);
    using client = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 500 });
    const isReady = async (): Promise<boolean> => (await client.resolve('random.test', 'SOA')).kind === 'records';
    return { server: await unbound.start(['-d', '-c', configuration], isReady), port };
  }

  it('are the same to DnsClient, to node:dns, and to ZoneResolver', async () => {
    let questions = 0;
    await fc.assert(
      fc.asyncProperty(zoneData, async (data) => {
        const zone = new Zone(data);
        const folder = mkdtempSync(join(tmpdir(), 'postern-zone-'));
        const servers: RunningServer[] = [];
        try {
          const file = join(folder, 'zone');
          writeFileSync(file, zoneFile(zone));
          const authority = `auth-zone:\n  name: "random.test"\n  zonefile: "${file}"\n  for-upstream: no\n`;
          const source = await start(folder, 'authority.conf', authority);
          servers.push(source.server);
          // It follows every alias to its end, as c-ares expects of its server.
          const stub = `stub-zone:\n  name: "random.test"\n  stub-addr: 127.0.0.1@${source.port}\n`;
          const recursor = await start(folder, 'recursor.conf', stub);
          servers.push(recursor.server);
          questions += await compare(zone, recursor.port);
        } finally {
          for (const server of servers) await server.stop();
          rmSync(folder, { recursive: true, force: true });
        }
      }),
      { numRuns: 3, endOnFailure: true },
    );
    expect(questions).toBeGreaterThan(1_000);
  }, 60_000);
});
