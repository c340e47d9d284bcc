import { spawn } from 'node:child_process';
import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { once } from 'node:events';
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { DomainList } from './domain-list.ts';
import { IpList } from './ip-list.ts';
import type { ReloadEvent } from './reload-event.ts';
import { type FileWatch, type IpWatchOptions, watchFile } from './watch-file.ts';

/** The announcements of a watch, which tests wait for; vitest's own limit ends a wait in vain. */
class Announcements {
  readonly all: ReloadEvent[] = [];
  #wake: (() => void) | undefined;

  readonly hear = (event: ReloadEvent): void => {
    this.all.push(event);
    this.#wake?.();
  };

  async until(isIt: (event: ReloadEvent) => boolean): Promise<ReloadEvent> {
    for (let at = 0; ; at++) {
      while (at >= this.all.length) {
        await new Promise<void>((resolve) => {
          this.#wake = resolve;
        });
      }
      const event = this.all[at];
      if (event !== undefined && isIt(event)) return event;
    }
  }
}

const loadedWith =
  (entries: number) =>
  (event: ReloadEvent): boolean =>
    event.outcome === 'loaded' && event.entries === entries;
const refusedFor =
  (error: string) =>
  (event: ReloadEvent): boolean =>
    event.outcome === 'refused' && event.error === error;

describe('watchFile', () => {
  let folder: string;
  let path: string;
  let list: IpList;
  let heard: Announcements;
  const watches: FileWatch[] = [];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-watch-'));
    path = join(folder, 'list.txt');
    list = new IpList();
    heard = new Announcements();
  });

  afterEach(() => {
    for (const each of watches.splice(0)) each.close();
    rmSync(folder, { recursive: true, force: true });
  });

  function start(options: IpWatchOptions = {}): FileWatch {
    const watch = watchFile(path, list, { debounceMs: 20, onReload: heard.hear, ...options });
    watches.push(watch);
    return watch;
  }

  function lines(count: number): string {
    return Array.from({ length: count }, (_, at) => `10.0.${at >> 8}.${at & 255}\n`).join('');
  }

  it('loads at once', async () => {
    writeFileSync(path, '192.0.2.1 # spam\nx\n');
    const event = await start().loaded;
    expect(event).toMatchObject({ outcome: 'loaded', path, entries: 1, problems: { skipped: 1 } });
    expect(list.lookup('192.0.2.1')).toMatchObject({ reason: 'spam', source: path });
    expect(heard.all).toEqual([event]);
  });

  it('follows a file that is written to, and one that is renamed onto it', async () => {
    writeFileSync(path, lines(3));
    await start().loaded;
    appendFileSync(path, '192.0.2.1\n');
    await heard.until(loadedWith(4));
    writeFileSync(join(folder, 'new'), lines(6));
    renameSync(join(folder, 'new'), path);
    await heard.until(loadedWith(6));
    // The new file is another one, and followed as well.
    appendFileSync(path, '192.0.2.1\n');
    await heard.until(loadedWith(7));
    expect(list.size).toBe(7);
  });

  it('follows a symbolic link that is turned to another file', async () => {
    for (const [name, count] of [
      ['one', 2],
      ['two', 3],
    ] as const) {
      mkdirSync(join(folder, name));
      writeFileSync(join(folder, name, 'list.txt'), lines(count));
    }
    symlinkSync('one', join(folder, 'data'));
    symlinkSync(join('data', 'list.txt'), path);
    await start().loaded;
    symlinkSync('two', join(folder, 'data.new'));
    renameSync(join(folder, 'data.new'), join(folder, 'data'));
    await heard.until(loadedWith(3));
  });

  it('finds by looking what it is not told', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    writeFileSync(join(elsewhere, 'list.txt'), lines(2));
    symlinkSync(join(elsewhere, 'list.txt'), path);
    await start({ pollMs: 20 }).loaded;
    // Of this directory the system was not asked to tell.
    appendFileSync(join(elsewhere, 'list.txt'), '192.0.2.1\n');
    await heard.until(loadedWith(3));
  });

  it('finds a file whose directory comes later', async () => {
    path = join(folder, 'later', 'list.txt');
    expect(await start({ pollMs: 20 }).loaded).toMatchObject({ outcome: 'refused', error: 'unreadable' });
    mkdirSync(join(folder, 'later'));
    writeFileSync(path, lines(2));
    await heard.until(loadedWith(2));
  });

  it('is told of changes again after the directory was made anew, or a link to it turned', async () => {
    for (const name of ['one', 'two']) mkdirSync(join(folder, name));
    writeFileSync(join(folder, 'one', 'list.txt'), lines(2));
    writeFileSync(join(folder, 'two', 'list.txt'), lines(3));
    symlinkSync('one', join(folder, 'data'));
    path = join(folder, 'data', 'list.txt');
    const watch = start();
    await watch.loaded;
    symlinkSync('two', join(folder, 'data.new'));
    renameSync(join(folder, 'data.new'), join(folder, 'data'));
    // As the next look would do, in a minute.
    expect(await watch.reload()).toMatchObject({ outcome: 'loaded', entries: 3 });
    appendFileSync(path, '192.0.2.1\n');
    await heard.until(loadedWith(4));
    rmSync(join(folder, 'two'), { recursive: true });
    await heard.until(refusedFor('unreadable'));
    mkdirSync(join(folder, 'two'));
    writeFileSync(path, lines(5));
    expect(await watch.reload()).toMatchObject({ outcome: 'loaded', entries: 5 });
    appendFileSync(path, '192.0.2.1\n');
    await heard.until(loadedWith(6));
  });

  it('finds a file that was written to and has its size and time as before', async () => {
    const elsewhere = join(folder, 'elsewhere');
    mkdirSync(elsewhere);
    const target = join(elsewhere, 'list.txt');
    symlinkSync(target, path);
    writeFileSync(target, '192.0.2.1\n');
    utimesSync(target, 1_000, 1_000);
    await start({ pollMs: 20 }).loaded;
    writeFileSync(target, '192.0.2.2\n');
    utimesSync(target, 1_000, 1_000);
    await heard.until(() => list.get('192.0.2.2') !== undefined);
  });

  it('keeps the list when the file goes away', async () => {
    writeFileSync(path, lines(3));
    await start({ pollMs: 10 }).loaded;
    rmSync(path);
    await heard.until(refusedFor('unreadable'));
    expect(list.size).toBe(3);
    writeFileSync(path, lines(5));
    await heard.until(loadedWith(5));
  });

  it('keeps the list when the new file is empty, is no list, or has lost most', async () => {
    writeFileSync(path, lines(100));
    const watch = start();
    await watch.loaded;
    writeFileSync(path, '# nothing\n');
    expect(await watch.reload()).toMatchObject({ outcome: 'refused', error: 'empty' });
    writeFileSync(path, '<html>not found</html>\n');
    expect(await watch.reload()).toMatchObject({ outcome: 'refused', error: 'too-many-bad-lines' });
    writeFileSync(path, lines(9));
    expect(await watch.reload()).toMatchObject({ outcome: 'refused', error: 'shrunk' });
    expect(list.size).toBe(100);
    writeFileSync(path, lines(10));
    expect(await watch.reload()).toMatchObject({ outcome: 'loaded', entries: 10 });
    expect(list.size).toBe(10);
  });

  it('lets a list become empty when told to, and begin empty', async () => {
    writeFileSync(path, '');
    const watch = start({ allowEmpty: true });
    expect(await watch.loaded).toMatchObject({ outcome: 'loaded', entries: 0 });
    writeFileSync(path, lines(50));
    await watch.reload();
    writeFileSync(path, '');
    expect(await watch.reload()).toMatchObject({ outcome: 'loaded', entries: 0 });
    expect(list.size).toBe(0);
  });

  it('begins with an empty file when the list has nothing to lose', async () => {
    writeFileSync(path, '');
    expect(await start().loaded).toMatchObject({ outcome: 'loaded', entries: 0 });
  });

  it('does not empty a list that was filled before', async () => {
    list.add('192.0.2.1');
    writeFileSync(path, '');
    expect(await start().loaded).toMatchObject({ outcome: 'refused', error: 'empty' });
    expect(list.size).toBe(1);
  });

  it('never reads twice at a time, and once more when asked meanwhile', async () => {
    writeFileSync(path, lines(2));
    let replacing = 0;
    let most = 0;
    let times = 0;
    const slow = {
      size: 0,
      async replace(): Promise<void> {
        times++;
        replacing++;
        most = Math.max(most, replacing);
        await new Promise((resolve) => setTimeout(resolve, 5));
        replacing--;
      },
    };
    const watch = watchFile(path, slow, { onReload: heard.hear });
    watches.push(watch);
    const again = [watch.reload(), watch.reload(), watch.reload()];
    await watch.loaded;
    await Promise.all(again);
    expect({ most, times }).toEqual({ most: 1, times: 2 });
  });

  it('tells when the list would not take the entries', async () => {
    writeFileSync(path, lines(2));
    const watch = watchFile(path, { size: 0, replace: () => Promise.reject(new Error('no room')) }, {});
    watches.push(watch);
    expect(await watch.loaded).toMatchObject({
      outcome: 'refused',
      error: 'rejected',
      message: `The list ${path} was not used: no room.`,
    });
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('in the callback');
      },
    ],
    ['rejects', () => Promise.reject(new Error('in the callback'))],
  ])('publishes on the channel, and survives a callback that %s', async (_how, onReload) => {
    writeFileSync(path, lines(2));
    const published: unknown[] = [];
    const hear = (message: unknown): void => {
      published.push(message);
    };
    const warned = new Promise<Error>((resolve) => {
      const hearWarning = (warning: Error): void => {
        if (warning.message !== 'in the callback') return;
        process.removeListener('warning', hearWarning);
        resolve(warning);
      };
      process.on('warning', hearWarning);
    });
    subscribe('postern.ip-list.reload', hear);
    try {
      const watch = start({ onReload });
      const event = await watch.loaded;
      expect(published).toEqual([event]);
      expect(await watch.reload()).toMatchObject({ outcome: 'loaded' });
      expect((await warned).message).toBe('in the callback');
    } finally {
      unsubscribe('postern.ip-list.reload', hear);
    }
  });

  it('has no effect any more once it is closed', async () => {
    writeFileSync(path, lines(2));
    const closed = start();
    closed.close();
    expect(await closed.loaded).toMatchObject({ outcome: 'refused', error: 'aborted' });
    expect(await closed.reload()).toMatchObject({ outcome: 'refused', error: 'aborted' });
    const controller = new AbortController();
    const aborted = start({ signal: controller.signal });
    controller.abort();
    expect(await aborted.loaded).toMatchObject({ error: 'aborted' });
    expect(await start({ signal: AbortSignal.abort() }).loaded).toMatchObject({ error: 'aborted' });
    {
      using disposed = start();
      await disposed.loaded;
    }
    expect(heard.all).toHaveLength(1);
    expect(list.size).toBe(2);
  });

  it('watches lists of names', async () => {
    const names = new DomainList();
    writeFileSync(path, '0.0.0.0 bad.example\n');
    using watch = watchFile(path, names, { format: 'hosts' });
    expect(await watch.loaded).toMatchObject({ outcome: 'loaded', entries: 1 });
    expect(names.lookup('bad.example')?.source).toBe(path);
  });

  it('throws at once on options that are none', () => {
    expect(() => watchFile('', list)).toThrow(TypeError);
    // @ts-expect-error: not a list
    expect(() => watchFile(path, {})).toThrow(TypeError);
    expect(() => watchFile(path, list, { debounceMs: -1 })).toThrow(RangeError);
    // @ts-expect-error: no such option
    expect(() => watchFile(path, list, { debounce: 1 })).toThrow('unknown option');
    // @ts-expect-error: no such format
    expect(() => watchFile(path, list, { format: 'xml' })).toThrow('"format"');
  });

  it('lets the process end', async () => {
    writeFileSync(path, lines(2));
    const code = `
      import { watchFile } from ${JSON.stringify(new URL('./watch-file.ts', import.meta.url).href)};
      watchFile(process.argv[1], { size: 0, replace() {} }, { onReload: (event) => console.log(event.outcome) });
    `;
    const child = spawn(process.execPath, ['--conditions=@postern/source', '--input-type=module', '-e', code, path], {
      stdio: ['ignore', 'pipe', 'inherit'],
      cwd: fileURLToPath(new URL('..', import.meta.url)),
    });
    let output = '';
    child.stdout.on('data', (chunk) => {
      output += chunk;
    });
    const [exitCode] = await once(child, 'close');
    expect({ exitCode, output }).toEqual({ exitCode: 0, output: 'loaded\n' });
  });
});
