import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DnsClient } from '@postern/core';
import { DomainList, IpList, loadDomainList, loadIpList } from '@postern/ip-list';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { freePort } from './free-port.ts';
import { describeWith, RealServer, type RunningServer } from './real-server.ts';

const rbldnsd = new RealServer('rbldnsd');

/** So many zone files of each type are served and compared. */
const FILES = 12;
const LINES = 60;
const QUESTIONS = 150;
/** What every zone file lists, so that a zone that is served can be told from one that is not. */
const TEST_ENTRY = '127.0.0.2';

// A small corner of the address space, so that entries meet.
const octets = fc.tuple(
  fc.constant(10),
  fc.integer({ min: 0, max: 2 }),
  fc.integer({ min: 0, max: 3 }),
  fc.integer({ min: 0, max: 15 }).map((last) => (last < 8 ? last : last + 240)),
);
const address = octets.map((parts) => parts.join('.'));
const initial = fc
  .tuple(octets, fc.integer({ min: 1, max: 4 }))
  .map(([parts, count]) => parts.slice(0, count).join('.'));
const single = fc.oneof(
  { weight: 3, arbitrary: address },
  initial,
  fc.tuple(initial, fc.integer({ min: 8, max: 33 })).map(([text, length]) => `${text}/${length}`),
);
const range = fc.oneof(
  fc.tuple(initial, initial).map(([first, last]) => `${first}-${last}`),
  fc.tuple(initial, fc.integer({ min: 0, max: 300 })).map(([first, last]) => `${first}-${last}`),
);
const value = fc.constantFrom(
  '',
  ' ; comment',
  ' # comment',
  ' :3:text',
  '\t:3',
  ' text',
  ':4:',
  ' :x',
  ' :3 text',
  'x',
);

function lines(entry: fc.Arbitrary<string>): fc.Arbitrary<string> {
  const line = fc.oneof(
    { weight: 12, arbitrary: fc.tuple(entry, value).map((parts) => parts.join('')) },
    { weight: 5, arbitrary: entry.map((text) => `!${text}`) },
    fc.constantFrom('', '# comment', '; comment', ':2:default', ':y', '! ', 'nonsense', '$TTL 1h', '$1 var'),
  );
  return fc.array(line, { minLength: LINES, maxLength: LINES }).map((all) => `${[TEST_ENTRY, ...all].join('\n')}\n`);
}

const name = fc
  .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 })
  .map((labels) => `${labels.join('.')}.example`);
const nameEntry = fc.tuple(fc.constantFrom('', '.', '*.'), name).map((parts) => parts.join(''));

interface Zone {
  readonly zone: string;
  readonly type: 'ip4set' | 'ip4trie' | 'dnset';
  readonly path: string;
  readonly text: string;
}

describeWith([rbldnsd], 'zone files that rbldnsd serves', () => {
  let folder: string;
  let server: RunningServer;
  let client: DnsClient;
  const zones: Zone[] = [];

  function write(type: Zone['type'], texts: readonly string[]): void {
    for (const text of texts) {
      const zone = `z${zones.length}.test`;
      const path = join(folder, zone);
      writeFileSync(path, text);
      zones.push({ zone, type, path, text });
    }
  }

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'postern-ip-list-'));
    // rbldnsd gives up root before it reads.
    chmodSync(folder, 0o755);
    write('ip4set', fc.sample(lines(fc.oneof(single, range)), FILES));
    write('ip4trie', fc.sample(lines(single), FILES));
    write(
      'dnset',
      fc.sample(lines(nameEntry), FILES).map((text) => text.replace(TEST_ENTRY, 'test.example')),
    );
    const port = await freePort();
    client = new DnsClient({ servers: [`127.0.0.1:${port}`], timeoutMs: 10_000, attemptTimeoutMs: 2_000 });
    const user = process.getuid?.() === 0 ? ['-u', 'nobody'] : [];
    server = await rbldnsd.start(
      // -e: prefixes with host bits are taken as their networks, as we do.
      [
        '-n',
        '-e',
        ...user,
        '-w',
        folder,
        '-b',
        `127.0.0.1/${port}`,
        ...zones.map((each) => `${each.zone}:${each.type}:${each.zone}`),
      ],
      async () => (await client.resolve('2.0.0.127.z0.test', 'A')).kind === 'records',
    );
  }, 30_000);

  afterAll(async () => {
    client?.close();
    await server?.stop();
    rmSync(folder, { recursive: true, force: true });
  });

  async function isListed(question: string, zone: string): Promise<boolean> {
    const answer = await client.resolve(`${question}.${zone}`, 'A');
    if (answer.kind === 'failure') throw new Error(`${question}.${zone}: ${answer.detail}`);
    return answer.kind === 'records';
  }

  it.each(['ip4set', 'ip4trie'] as const)('lists the addresses of %s files that rbldnsd lists', async (type) => {
    for (const { zone, path, text } of zones.filter((each) => each.type === type)) {
      const file = await loadIpList(path, { format: type, maxBadShare: 1 });
      if (!file.ok) throw new Error(file.message);
      const list = IpList.from(file.entries);
      const questions = new Set([...fc.sample(address, QUESTIONS), TEST_ENTRY]);
      const differing: string[] = [];
      for (const ip of questions) {
        const listed = await isListed(ip.split('.').reverse().join('.'), zone);
        if (listed !== (list.lookup(ip)?.action === 'block')) differing.push(`${ip} is ${listed ? '' : 'not '}listed`);
      }
      expect(differing, text).toEqual([]);
    }
  });

  it('lists the names of dnset files that rbldnsd lists', async () => {
    for (const { zone, path, text } of zones.filter((each) => each.type === 'dnset')) {
      const file = await loadDomainList(path, { format: 'dnset', maxBadShare: 1 });
      if (!file.ok) throw new Error(file.message);
      const list = DomainList.from(file.entries);
      const questions = new Set([...fc.sample(name, QUESTIONS), 'test.example', 'other.test.example']);
      const differing: string[] = [];
      for (const each of questions) {
        const listed = await isListed(each, zone);
        if (listed !== (list.lookup(each)?.action === 'block'))
          differing.push(`${each} is ${listed ? '' : 'not '}listed`);
      }
      expect(differing, text).toEqual([]);
    }
  });
});
