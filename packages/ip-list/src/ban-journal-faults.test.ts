import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { BanJournal } from './ban-journal.ts';
import { DomainList } from './domain-list.ts';
import { type JournalDisk, type JournalHandle, systemDisk } from './journal-disk.ts';
import { openBanJournalOn } from './open-ban-journal.ts';

let folder = '';
let files = 0;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-faults-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

function newFile(): string {
  return join(folder, `bans-${files++}.jsonl`);
}

type Call = 'open' | 'write' | 'half' | 'datasync' | 'truncate' | 'rename' | 'syncFolder';

/** The machine's disk, whose calls fail when they are told to; a `half` write has written some of the bytes when it does. */
class FaultyDisk implements JournalDisk {
  readonly failing = new Set<Call>();
  /** Files that are open. */
  handles = 0;

  async open(path: string, flags: string): Promise<JournalHandle> {
    this.#fail('open');
    const handle = await systemDisk.open(path, flags);
    this.handles++;
    return {
      read: (...args) => handle.read(...args),
      write: async (bytes, offset, length, position) => {
        this.#fail('write');
        if (this.failing.has('half') && length > 1) {
          await handle.write(bytes, offset, length >> 1, position);
          this.#fail('half');
        }
        // As the system may: less than was asked for.
        return await handle.write(bytes, offset, Math.min(length, 1_000), position);
      },
      datasync: async () => {
        this.#fail('datasync');
        await handle.datasync();
      },
      truncate: async (length) => {
        this.#fail('truncate');
        await handle.truncate(length);
      },
      stat: () => handle.stat(),
      close: async () => {
        await handle.close();
        this.handles--;
      },
    };
  }

  async rename(from: string, to: string): Promise<void> {
    this.#fail('rename');
    await systemDisk.rename(from, to);
  }

  async syncFolder(file: string): Promise<void> {
    this.#fail('syncFolder');
    await systemDisk.syncFolder(file);
  }

  #fail(call: Call): void {
    if (this.failing.has(call)) throw Object.assign(new Error(`ENOSPC: no space left, ${call}`), { code: 'ENOSPC' });
  }
}

function open(disk: JournalDisk, file: string): Promise<BanJournal<DomainList>> {
  return openBanJournalOn(disk, { file, list: new DomainList() });
}

/** What one would find after a restart now. */
async function afterRestart(file: string): Promise<string[]> {
  const copy = newFile();
  await writeFile(copy, await readFile(file));
  const bans = await open(systemDisk, copy);
  expect(bans.replay).toMatchObject({ badLineCount: 0, tornBytes: 0 });
  const patterns = [...bans.list].map(({ pattern }) => pattern);
  await bans.close();
  return patterns.sort();
}

describe('BanJournal on a disk that fails', () => {
  it.each<Call>(['write', 'half', 'datasync'])(
    'keeps a ban in force whose %s failed, refuses it, and writes it before the next',
    async (call) => {
      const disk = new FaultyDisk();
      const file = newFile();
      const bans = await open(disk, file);
      await bans.add('before.example');
      disk.failing.add(call);
      const refusal = { name: 'BanJournalError', code: 'write-failed', cause: { code: 'ENOSPC' } };
      await expect(bans.add('refused.example')).rejects.toMatchObject(refusal);
      await expect(bans.delete('before.example')).rejects.toMatchObject(refusal);
      expect(bans.list.lookup('refused.example')).toBeDefined();
      expect(bans.list.lookup('before.example')).toBeUndefined();
      expect(await afterRestart(file)).toEqual(['before.example']);
      disk.failing.clear();
      await bans.add('next.example');
      expect(await afterRestart(file)).toEqual(['next.example', 'refused.example']);
      await bans.close();
    },
  );

  it('does not acknowledge anything behind bytes that it could not cut off', async () => {
    const disk = new FaultyDisk();
    const file = newFile();
    const bans = await open(disk, file);
    await bans.add('before.example');
    disk.failing.add('half').add('truncate');
    await expect(bans.add(`${'long'.repeat(10)}.example`)).rejects.toThrow('ENOSPC');
    disk.failing.delete('half');
    await expect(bans.add('a.example')).rejects.toThrow('truncate');
    disk.failing.clear();
    await bans.add('b.example');
    expect(await afterRestart(file)).toEqual([
      'a.example',
      'b.example',
      'before.example',
      `${'long'.repeat(10)}.example`,
    ]);
    await bans.close();
  });

  it('writes on close what was refused before, or says that it could not', async () => {
    for (const healed of [true, false]) {
      const disk = new FaultyDisk();
      const file = newFile();
      const bans = await open(disk, file);
      disk.failing.add('datasync');
      await expect(bans.add('example.com')).rejects.toThrow('ENOSPC');
      if (healed) {
        disk.failing.clear();
        await bans.close();
      } else {
        await expect(bans.close()).rejects.toMatchObject({ code: 'write-failed' });
        await expect(bans.close()).rejects.toMatchObject({ code: 'write-failed' });
      }
      const again = await open(systemDisk, file);
      expect(again.list.size).toBe(healed ? 1 : 0);
      await again.close();
    }
  });

  it('keeps of what it could not write the newest', async () => {
    const disk = new FaultyDisk();
    const file = newFile();
    const bans = await open(disk, file);
    disk.failing.add('write');
    for (let count = 0; count < 40; count++) {
      await bans.add(`n${count}.example`, { reason: 'x'.repeat(60_000) }).catch(() => undefined);
    }
    disk.failing.clear();
    await bans.add('last.example');
    const patterns = await afterRestart(file);
    expect(patterns).toContain('n39.example');
    expect(patterns).not.toContain('n0.example');
    expect(patterns).toHaveLength(18);
    await bans.compact();
    expect(await afterRestart(file)).toHaveLength(41);
    await bans.close();
  });

  it.each<Call>(['open', 'write', 'half', 'datasync', 'rename'])(
    'has the old file when %s fails while it compacts',
    async (call) => {
      const disk = new FaultyDisk();
      const file = newFile();
      const bans = await open(disk, file);
      await bans.add('gone.example');
      await bans.delete('gone.example');
      await bans.add('a.example');
      const before = await readFile(file, 'utf8');
      disk.failing.add(call);
      await expect(bans.compact()).rejects.toMatchObject({ code: 'write-failed', cause: { code: 'ENOSPC' } });
      expect(await readFile(file, 'utf8')).toBe(before);
      await expect(readFile(`${file}.new`)).rejects.toThrow('ENOENT');
      disk.failing.clear();
      await bans.add('b.example');
      expect(await afterRestart(file)).toEqual(['a.example', 'b.example']);
      await bans.compact();
      expect(await readFile(file, 'utf8')).not.toContain('gone');
      await bans.close();
    },
  );

  it('acknowledges nothing after a compaction whose new name is not on the disk', async () => {
    const disk = new FaultyDisk();
    const file = newFile();
    const bans = await open(disk, file);
    await bans.add('a.example');
    disk.failing.add('syncFolder');
    await expect(bans.compact()).rejects.toMatchObject({ code: 'write-failed' });
    await expect(bans.add('b.example')).rejects.toMatchObject({ code: 'write-failed' });
    disk.failing.clear();
    await bans.add('c.example');
    expect(await afterRestart(file)).toEqual(['a.example', 'b.example', 'c.example']);
    await bans.close();
  });

  it('warns when a compaction by itself failed, and stays in use', async () => {
    const disk = new FaultyDisk();
    const warnings: Error[] = [];
    const listener = (warning: Error): unknown => warnings.push(warning);
    process.on('warning', listener);
    const bans = await openBanJournalOn(disk, { file: newFile(), list: new DomainList(), compactAtBytes: 1_000 });
    disk.failing.add('rename');
    await Promise.all(Array.from({ length: 30 }, () => bans.add('a.example', { reason: 'again and again' })));
    await expect
      .poll(() => warnings.map(({ message }) => message))
      .toContainEqual(expect.stringContaining('compacted'));
    process.off('warning', listener);
    await bans.add('b.example');
    await bans.close();
  });

  it('cannot be opened on a disk that refuses the first line, and then holds no lock', async () => {
    for (const call of ['open', 'write', 'datasync', 'syncFolder'] as const) {
      const disk = new FaultyDisk();
      const file = newFile();
      disk.failing.add(call);
      await expect(open(disk, file)).rejects.toMatchObject({ code: 'unusable', cause: { code: 'ENOSPC' } });
      expect(disk.handles).toBe(0);
      disk.failing.clear();
      await (await open(disk, file)).close();
    }
  });

  it('has after any faults what was acknowledged, and in the end everything', async () => {
    const fault = fc.constantFrom<Call>('open', 'write', 'half', 'datasync', 'truncate', 'rename', 'syncFolder');
    const step = fc.oneof(
      fc.record({ add: fc.nat(5), faults: fc.uniqueArray(fault, { maxLength: 2 }) }),
      fc.record({ delete: fc.nat(5), faults: fc.uniqueArray(fault, { maxLength: 2 }) }),
      fc.record({ compact: fc.constant(true), faults: fc.uniqueArray(fault, { maxLength: 2 }) }),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), async (steps) => {
        const disk = new FaultyDisk();
        const file = newFile();
        const bans = await open(disk, file);
        for (const each of steps) {
          disk.failing.clear();
          for (const call of each.faults) disk.failing.add(call);
          const done =
            'compact' in each
              ? bans.compact()
              : 'add' in each
                ? bans.add(`n${each.add}.example`)
                : bans.delete(`n${each.delete}.example`);
          const acknowledged = await done.then(
            () => true,
            () => false,
          );
          const inForce = [...bans.list].map(({ pattern }) => pattern).sort();
          // Whatever was refused before went ahead of what was acknowledged now.
          if (acknowledged && !('compact' in each)) expect(await afterRestart(file)).toEqual(inForce);
        }
        disk.failing.clear();
        await bans.close();
        expect(disk.handles).toBe(0);
        expect(await afterRestart(file)).toEqual([...bans.list].map(({ pattern }) => pattern).sort());
      }),
      { numRuns: 50 },
    );
  }, 60_000);
});
