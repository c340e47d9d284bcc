import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IpList } from './ip-list.ts';
import { openBanJournal } from './open-ban-journal.ts';

let folder = '';
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'postern-crash-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const arguments_ = ['--conditions=@postern/source', '--input-type=module', '--eval'];
const imports = `
import { openBanJournal } from ${JSON.stringify(new URL('open-ban-journal.ts', import.meta.url).href)};
import { IpList } from ${JSON.stringify(new URL('ip-list.ts', import.meta.url).href)};
const [file] = process.argv.slice(-1);
const bans = await openBanJournal({ file, list: new IpList(), compactAtBytes: 20_000, compactAtGrowth: 2 });
`;

/** The address of the ban with this number; each is used four times, so that compactions have something to leave out. */
function addressOf(number: number): string {
  const address = number % 2_500;
  return `10.0.${address >> 8}.${address & 255}`;
}

/** Adds 10,000 bans, 50 in flight, and says the number of each that is acknowledged. */
const addProgram = `${imports}
let next = 0;
async function worker() {
  while (next < 10_000) {
    const number = next++;
    const address = number % 2_500;
    await bans.add('10.0.' + (address >> 8) + '.' + (address & 255), { reason: String(number) });
    process.stdout.write(number + '\\n');
  }
}
await Promise.all(Array.from({ length: 50 }, worker));
// Stays until it is killed.
setInterval(() => undefined, 1_000);
`;

/** The lines that the child says until it is gone; `onLine` may end it. */
async function linesOf(child: ChildProcess, onLine: (count: number) => void): Promise<string[]> {
  const lines: string[] = [];
  if (child.stdout === null) throw new Error('the child has no standard output');
  const reader = createInterface({ input: child.stdout });
  reader.on('line', (line) => {
    lines.push(line);
    onLine(lines.length);
  });
  await Promise.all([once(reader, 'close'), once(child, 'exit')]);
  return lines;
}

describe('a ban journal', () => {
  it('has every acknowledged ban after kill -9 in the middle of 10,000, wherever that is', async () => {
    const points = [1, ...Array.from({ length: 4 }, () => 1 + Math.floor(Math.random() * 9_000))];
    for (const [run, point] of points.entries()) {
      const file = join(folder, `killed-${run}.jsonl`);
      const child = spawn(process.execPath, [...arguments_, addProgram, file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      const acknowledged = await linesOf(child, (count) => {
        if (count === point) child.kill('SIGKILL');
      });
      expect(acknowledged.length).toBeGreaterThanOrEqual(point);
      expect(child.signalCode).toBe('SIGKILL');

      const bans = await openBanJournal({ file, list: new IpList() });
      expect(bans.replay.badLineCount).toBe(0);
      const newest = new Map<string, number>();
      for (const number of acknowledged.map(Number)) {
        newest.set(addressOf(number), Math.max(number, newest.get(addressOf(number)) ?? 0));
      }
      for (const [address, number] of newest) {
        // One that was not acknowledged any more may have come after it.
        expect(Number(bans.list.lookup(address)?.reason)).toBeGreaterThanOrEqual(number);
      }
      await bans.close();
    }
  }, 180_000);

  it('is taken over from a process that was killed, and not from one that runs', async () => {
    const file = join(folder, 'held.jsonl');
    const program = `${imports}
      process.stdout.write('open\\n');
      setInterval(() => {}, 1_000);`;
    const child = spawn(process.execPath, [...arguments_, program, file], { stdio: ['ignore', 'pipe', 'inherit'] });
    let refusal: unknown;
    await linesOf(child, () => {
      openBanJournal({ file, list: new IpList() })
        .then((bans) => bans.close())
        .catch((error: unknown) => {
          refusal = error;
        })
        .finally(() => child.kill('SIGKILL'));
    });
    expect(refusal).toMatchObject({ code: 'locked' });
    expect((await stat(`${file}.lock`)).isFile()).toBe(true);
    await (await openBanJournal({ file, list: new IpList() })).close();
    await expect(stat(`${file}.lock`)).rejects.toThrow('ENOENT');
  }, 60_000);

  it('tells a process from an earlier one with its id, and takes no lock that it does not understand', async () => {
    const file = join(folder, 'reused.jsonl');
    await writeFile(`${file}.lock`, `${JSON.stringify({ pid: process.pid, started: 'another-boot/1' })}\n`);
    const opening = openBanJournal({ file, list: new IpList() });
    if (process.platform === 'linux') await (await opening).close();
    else await expect(opening).rejects.toMatchObject({ code: 'locked' });

    for (const content of ['', 'somebody\n', '{"pid":-1,"started":""}', '[]']) {
      await writeFile(`${file}.lock`, content);
      await expect(openBanJournal({ file, list: new IpList() })).rejects.toMatchObject({ code: 'locked' });
      expect(await readFile(`${file}.lock`, 'utf8')).toBe(content);
    }
  });

  it('is taken over even from one that was killed while it took it over', async () => {
    const file = join(folder, 'twice.jsonl');
    const gone = `${JSON.stringify({ pid: 2 ** 31 - 1, started: 'another-boot/1' })}\n`;
    for (const suffix of ['', '.takeover', '.takeover.takeover']) await writeFile(`${file}.lock${suffix}`, gone);
    const openings = await Promise.allSettled(
      Array.from({ length: 8 }, () => openBanJournal({ file, list: new IpList() })),
    );
    const opened = openings.filter((each) => each.status === 'fulfilled');
    expect(opened).toHaveLength(1);
    for (const each of opened) await each.value.close();
    expect((await readdir(folder)).filter((name) => name.startsWith('twice'))).toEqual(['twice.jsonl']);
  });

  it('goes on when there is room again after the system refused to write', async () => {
    const file = join(folder, 'limited.jsonl');
    const program = `${imports}
      const refusals = [];
      const refused = (error) => refusals.push(error);
      const add = (number) => bans.add('10.1.0.' + number, { reason: 'x'.repeat(100) });
      let added = 0;
      while (refusals.length < 5) await add(added++).catch(refused);
      const { size } = (await import('node:fs')).statSync(file);
      const inForce = bans.list.lookup('10.1.0.' + (added - 1)) !== undefined;
      for (let number = 0; number < added - 10; number++) await bans.delete('10.1.0.' + number).catch(refused);
      await bans.compact();
      await add(255);
      const { code, cause } = refusals[0];
      console.log(JSON.stringify({ added, refusals: refusals.length, size, inForce, code, cause: cause.code }));
      process.kill(process.pid, 'SIGKILL');`;
    // No file may be larger than 20 blocks, of 512 or 1,024 bytes: a full disk, for one process.
    const limited = ['-c', 'ulimit -S -f 20 && exec "$0" "$@"', process.execPath, ...arguments_, program, file];
    const child = spawn('sh', limited, { stdio: ['ignore', 'pipe', 'inherit'] });
    const lines = await linesOf(child, () => undefined);
    const { added, refusals, size, ...rest } = JSON.parse(lines.join(''));
    expect(rest).toEqual({ inForce: true, code: 'write-failed', cause: 'EFBIG' });
    expect(refusals).toBeGreaterThanOrEqual(5);
    expect(added).toBeGreaterThan(50);
    expect(size).toBeLessThanOrEqual(20_480);

    const bans = await openBanJournal({ file, list: new IpList() });
    expect(bans.replay).toMatchObject({ entries: 11, badLineCount: 0, tornBytes: 0 });
    await bans.close();
  }, 60_000);
});
