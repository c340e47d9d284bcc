import { chmod, mkdtemp, readdir, readFile, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { FakeClock } from '@postern/testing';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BanJournal } from './ban-journal.ts';
import { DomainList } from './domain-list.ts';
import { IpList } from './ip-list.ts';
import { type JournalDisk, systemDisk } from './journal-disk.ts';
import { type BanJournalOptions, openBanJournal, openBanJournalOn } from './open-ban-journal.ts';

let folder = '';
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-journal-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function newFile(): string {
  return join(folder, `bans-${files++}.jsonl`);
}

function open(file: string, options: Partial<BanJournalOptions<DomainList>> = {}): Promise<BanJournal<DomainList>> {
  const clock = options.clock;
  return openBanJournal({ file, list: new DomainList(clock && { clock }), ...options });
}

function patternsOf(journal: BanJournal<DomainList>): string[] {
  return [...journal.list].map(({ pattern }) => pattern).sort();
}

/** Four hundred lines about one entry, ten at a time. */
async function addOften(journal: BanJournal<DomainList>): Promise<void> {
  for (let count = 0; count < 40; count++) {
    await Promise.all(Array.from({ length: 10 }, () => journal.add('a.example', { reason: 'again and again' })));
  }
}

/** Waits for no disk: for the many openings of a property, of which none is to survive a loss of power. */
const hastyDisk: JournalDisk = {
  ...systemDisk,
  open: async (path, flags) => Object.assign(await systemDisk.open(path, flags), { datasync: async () => undefined }),
  syncFolder: async () => undefined,
};

const header = '{"journal":"postern.bans","version":1}\n';

describe('openBanJournal', () => {
  it('finds after a restart what was added, and not what was deleted', async () => {
    const file = newFile();
    const bans = await openBanJournal({ file, list: new IpList() });
    const entry = {
      action: 'allow',
      reason: 'ours',
      source: 'me',
      expiresAt: 9e15,
      evidence: { at: [1, 'two'] },
    } as const;
    await bans.add('192.0.2.7', { reason: 'first' });
    await bans.add('192.0.2.0/24', entry);
    await bans.add('2001:db8::/32');
    await bans.add('192.0.2.7', { reason: 'second' });
    expect(await bans.delete('2001:db8::/32')).toBe(true);
    expect(await bans.delete('2001:db8::/32')).toBe(false);
    await bans.close();
    expect((await readdir(folder)).filter((name) => file.endsWith(name) || name.includes('lock'))).toHaveLength(1);

    const again = await openBanJournal({ file, list: new IpList() });
    expect(again.list.lookup('192.0.2.7')?.reason).toBe('second');
    expect(again.list.lookup('192.0.2.8')).toMatchObject(entry);
    expect(again.list.lookup('2001:db8::1')).toBeUndefined();
    expect(again.replay).toEqual({ changes: 6, ended: 0, entries: 2, tornBytes: 0, badLineCount: 0, badLines: [] });
    await again.close();
  });

  it('makes a file for its owner alone, with one line of JSON a change', async () => {
    const file = newFile();
    const bans = await open(file);
    await bans.add('.Example.com', { reason: 'line\nfeed' });
    await bans.delete('.example.com');
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    expect(await readFile(file, 'utf8')).toBe(
      `${header}{"add":".Example.com","reason":"line\\nfeed"}\n{"delete":".example.com"}\n`,
    );
    await bans.close();
  });

  it('is in force at once, before it is on the disk', async () => {
    const bans = await open(newFile());
    const added = bans.add('example.com');
    expect(bans.list.lookup('example.com')).toBeDefined();
    await added;
    await bans.close();
  });

  it('drops what has ended, also when that replaced an entry without an end', async () => {
    const file = newFile();
    const clock = new FakeClock(1_000);
    const bans = await open(file, { clock });
    await bans.add('a.example');
    await bans.add('a.example', { expiresAt: 2_000 });
    await bans.add('b.example', { expiresAt: 3_000 });
    await bans.close();
    clock.set(2_000);
    const again = await open(file, { clock });
    expect(patternsOf(again)).toEqual(['b.example']);
    expect(again.replay).toMatchObject({ changes: 3, ended: 1, entries: 1 });
    await again.close();
  });

  it('changes nothing for what the list refuses', async () => {
    const file = newFile();
    const bans = await open(file);
    await expect(bans.add('no domain')).rejects.toThrow(RangeError);
    await expect(bans.delete('no domain')).rejects.toThrow(RangeError);
    // @ts-expect-error as a program without types would
    await expect(bans.add(7)).rejects.toThrow(TypeError);
    // @ts-expect-error as a program without types would
    await expect(bans.add('example.com', { acton: 'allow' })).rejects.toThrow(TypeError);
    await expect(bans.add('example.com', { reason: 'x'.repeat(65_536) })).rejects.toThrow('65536 bytes');
    expect(patternsOf(bans)).toEqual([]);
    expect(await readFile(file, 'utf8')).toBe(header);
    await bans.close();
  });

  it.each([
    [{}, 'file'],
    [{ file: '' }, 'file'],
    [{ file: 'a\0b' }, 'file'],
    [{ file: 'x' }, 'list'],
    [{ file: 'x', list: new Map() }, 'list'],
    [{ file: 'x', list: DomainList.from(['example.com']) }, 'empty'],
    [{ file: 'x', list: new DomainList(), clock: 7 }, 'clock'],
    [{ file: 'x', list: new DomainList(), compactAtBytes: 0 }, 'compactAtBytes'],
    [{ file: 'x', list: new DomainList(), compactAtGrowth: 1 }, 'compactAtGrowth'],
    [{ file: 'x', list: new DomainList(), signal: 7 }, 'signal'],
    [{ file: 'x', list: new DomainList(), lists: 7 }, 'lists'],
  ])('refuses the options %# by name', async (options, named) => {
    // @ts-expect-error as a program without types would
    await expect(openBanJournal(options)).rejects.toThrow(named);
  });

  it('refuses a second opening until the first is closed', async () => {
    const file = newFile();
    const bans = await open(file);
    await expect(open(file)).rejects.toMatchObject({ name: 'BanJournalError', code: 'locked' });
    await bans.close();
    await (await open(file)).close();
  });

  it('refuses a file that is something else, and leaves it as it is', async () => {
    for (const text of ['192.0.2.1\n', '{"journal":"postern.bans","version":2}\n', `x${header}`, '{"journal":"other']) {
      const file = newFile();
      await writeFile(file, text);
      // Somebody else's, as the file is.
      await writeFile(`${file}.new`, text);
      await expect(open(file)).rejects.toMatchObject({ code: 'not-a-journal' });
      expect(await readFile(file, 'utf8')).toBe(text);
      expect(await readFile(`${file}.new`, 'utf8')).toBe(text);
    }
    await expect(open(folder)).rejects.toMatchObject({ name: 'BanJournalError' });
    await expect(open(join(folder, 'absent', 'bans'))).rejects.toMatchObject({ code: 'unusable' });
    expect((await readdir(folder)).filter((name) => name.includes('.lock'))).toEqual([]);
  });

  it('follows a link, and leaves the link in place when it compacts', async () => {
    const file = newFile();
    const name = newFile();
    await (await open(file)).close();
    await symlink(file, name);
    const bans = await open(name);
    await bans.add('example.com');
    await bans.compact();
    await bans.close();
    expect(await readFile(file, 'utf8')).toContain('example.com');
    expect(await readFile(name, 'utf8')).toContain('example.com');
  });

  it('ends the opening with the signal', async () => {
    const file = newFile();
    const signal = AbortSignal.abort(new Error('enough'));
    await expect(open(file, { signal })).rejects.toThrow('enough');
    await (await open(file)).close();
  });

  it('reports lines that say nothing by number, and goes on behind them', async () => {
    const file = newFile();
    const lines = [
      '{"add":"a.example"}',
      'not JSON',
      '[]',
      'null',
      '{"add":"no domain"}',
      '{"add":"b.example","acton":"allow"}',
      '{"add":"b.example","delete":"a.example"}',
      '{"delete":"a.example","reason":"why"}',
      '{"add":7}',
      `{"add":"b.example","reason":"${'x'.repeat(200_000)}"}`,
      `{"add":"b.example","reason":"${'é'.repeat(40_000)}"}`,
      '{"__proto__":{"add":"b.example"}}',
      '{"add":"b.example","__proto__":{"action":"allow"}}',
      '',
      '\0'.repeat(500),
      '{"add":"c.example"}',
    ];
    await writeFile(file, header + lines.map((line) => `${line}\n`).join(''));
    const bans = await open(file);
    expect(patternsOf(bans)).toEqual(['a.example', 'c.example']);
    expect(bans.replay).toMatchObject({ changes: 2, badLineCount: 14, tornBytes: 0 });
    expect(bans.replay.badLines.map(({ line }) => line)).toEqual([3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16]);
    expect(bans.replay.badLines[0]?.reason).toBe('it is not JSON');
    expect(bans.replay.badLines[3]?.reason).toContain('"no domain"');
    expect(bans.replay.badLines[8]?.reason).toBe('it is longer than 65536 bytes');
    const before = await readFile(file);
    await bans.compact();
    expect(await readFile(`${file}.damaged`)).toEqual(before);
    expect(await readFile(file, 'utf8')).toBe(`${header}{"add":"a.example"}\n{"add":"c.example"}\n`);
    await bans.compact();
    expect(await readFile(`${file}.damaged`)).toEqual(before);
    await bans.close();
  });

  it('takes bytes that are not UTF-8, and describes 100 bad lines of many', async () => {
    const file = newFile();
    const bad = Buffer.from([0x7b, 0xff, 0xfe, 0x0a]);
    await writeFile(file, Buffer.concat([Buffer.from(header), ...new Array<Buffer>(50_000).fill(bad)]));
    const bans = await open(file);
    expect(bans.replay).toMatchObject({ changes: 0, badLineCount: 50_000 });
    expect(bans.replay.badLines).toHaveLength(100);
    expect(bans.replay.badLines[99]).toEqual({ line: 101, reason: 'it is not UTF-8' });
    await bans.close();
  });

  it('has, cut off anywhere, exactly the changes whose lines are complete', async () => {
    const changes = fc.array(
      fc.tuple(fc.boolean(), fc.constantFrom('a.example', '.b.example', 'bücher.example'), fc.string()),
      { maxLength: 6 },
    );
    const hasty = (file: string): Promise<BanJournal<DomainList>> =>
      openBanJournalOn(hastyDisk, { file, list: new DomainList() });
    await fc.assert(
      fc.asyncProperty(changes, async (wanted) => {
        const file = newFile();
        const bans = await hasty(file);
        await Promise.all(wanted.map(([add, key, reason]) => (add ? bans.add(key, { reason }) : bans.delete(key))));
        await bans.close();
        const whole = await readFile(file);
        const cut = newFile();
        for (let length = 0; length <= whole.length; length++) {
          await writeFile(cut, whole.subarray(0, length));
          const opened = await hasty(cut);
          const complete = whole.subarray(0, length).toString('latin1').split('\n').length - 2;
          const model = new Map<string, string>();
          for (const [add, key, reason] of wanted.slice(0, Math.max(0, complete))) {
            if (add) model.set(key.replace('bücher', 'xn--bcher-kva'), reason);
            else model.delete(key.replace('bücher', 'xn--bcher-kva'));
          }
          expect([...opened.list].map(({ pattern, reason }) => [pattern, reason]).sort()).toEqual([...model].sort());
          expect(opened.replay.tornBytes).toBe(length - (whole.subarray(0, length).lastIndexOf(0x0a) + 1));
          // It is whole again, and goes on.
          await opened.add('more.example');
          await opened.close();
          const next = await hasty(cut);
          expect(next.list.size).toBe(model.size + 1);
          expect(next.replay).toMatchObject({ tornBytes: 0, badLineCount: 0 });
          await next.close();
        }
      }),
      { numRuns: 6 },
    );
  }, 60_000);
});

describe('BanJournal', () => {
  it('compacts to what is in force', async () => {
    const file = newFile();
    const clock = new FakeClock(1_000);
    const bans = await open(file, { clock });
    await bans.add('ended.example', { expiresAt: 2_000 });
    for (let count = 0; count < 50; count++) await bans.add('a.example', { reason: `${count}` });
    await bans.add('gone.example');
    await bans.delete('gone.example');
    clock.set(2_000);
    await bans.compact();
    expect(await readFile(file, 'utf8')).toBe(`${header}{"add":"a.example","reason":"49"}\n`);
    expect((await stat(file)).mode & 0o777).toBe(0o600);
    await bans.add('b.example');
    await bans.close();
    const again = await open(file, { clock });
    expect(patternsOf(again)).toEqual(['a.example', 'b.example']);
    await again.close();
  });

  it('compacts by itself when the file has grown, at once when it is opened so', async () => {
    const file = newFile();
    const bans = await open(file, { compactAtBytes: 10_000 });
    await addOften(bans);
    await bans.close();
    // Of 18,839 bytes at least 10,000 are gone, however long that took.
    expect((await stat(file)).size).toBeLessThan(10_000);

    const grown = await open(file);
    await addOften(grown);
    await grown.close();
    expect((await stat(file)).size).toBeGreaterThan(20_000);

    const small = await open(file, { compactAtBytes: 10_000 });
    await small.compact();
    await small.close();
    expect((await stat(file)).size).toBeLessThan(1_000);
  });

  it('loses nothing of what changes while it compacts', async () => {
    const file = newFile();
    const bans = await openBanJournal({ file, list: new IpList() });
    const model = new Map<string, string>();
    const work: Promise<unknown>[] = [];
    const change = (number: number): void => {
      const key = `10.${(number >> 8) % 7}.${number & 255}.0/24`;
      if (number % 3 === 0) {
        model.delete(key);
        work.push(bans.delete(key));
      } else {
        model.set(key, `${number}`);
        work.push(bans.add(key, { reason: `${number}` }));
      }
    };
    for (let number = 0; number < 3_000; number++) change(number);
    let compactions = 0;
    let number = 3_000;
    while (compactions < 5) {
      const compaction = bans.compact().then(() => compactions++);
      const before = compactions;
      while (compactions === before) {
        for (let count = 0; count < 20; count++) change(number++);
        await new Promise((resolve) => setImmediate(resolve));
      }
      await compaction;
    }
    await Promise.all(work);
    await bans.close();
    const again = await openBanJournal({ file, list: new IpList() });
    expect([...again.list].map(({ prefix, reason }) => [prefix, reason]).sort()).toEqual([...model].sort());
    expect(again.replay.badLineCount).toBe(0);
    await again.close();
  });

  it('takes away what a crash left of a compaction', async () => {
    const file = newFile();
    const bans = await open(file);
    await bans.add('a.example');
    await bans.close();
    await writeFile(`${file}.new`, `${header}{"add":"half.exam`);
    await chmod(`${file}.new`, 0o600);
    const again = await open(file);
    expect(patternsOf(again)).toEqual(['a.example']);
    await expect(stat(`${file}.new`)).rejects.toThrow('ENOENT');
    await again.close();
  });

  it('writes on close what was not awaited, and refuses what comes after', async () => {
    const file = newFile();
    let bans = await open(file);
    const adds = Array.from({ length: 100 }, (_, n) => bans.add(`n${n}.example`));
    const compaction = bans.compact().catch((error: unknown) => error);
    const closes = Promise.all([bans.close(), bans.close(), bans[Symbol.asyncDispose]()]);
    await expect(bans.add('late.example')).rejects.toMatchObject({ code: 'closed' });
    await expect(bans.delete('n1.example')).rejects.toMatchObject({ code: 'closed' });
    await expect(bans.compact()).rejects.toMatchObject({ code: 'closed' });
    await Promise.all([...adds, closes, compaction]);
    bans = await open(file);
    expect(bans.list.size).toBe(100);
    expect(bans.list.lookup('late.example')).toBeUndefined();
    await bans.close();
  });
});
