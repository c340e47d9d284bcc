import { spawnSync } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { DomainList } from './domain-list.ts';
import { IpList } from './ip-list.ts';
import { loadDomainList, loadIpList } from './list-file.ts';

describe('loadIpList', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-list-file-'));
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  function file(name: string, content: string | Uint8Array): string {
    const path = join(folder, name);
    writeFileSync(path, content);
    return path;
  }

  it('gives the entries as often as one likes, with the path as their source', async () => {
    const path = file('plain', '\ufeff192.0.2.0/24 # spam\r\n2001:db8::/32\r\n1.2.3\r\n');
    const loaded = await loadIpList(path);
    if (!loaded.ok) throw new Error(loaded.message);
    expect(loaded.entries.size).toBe(2);
    expect([...loaded.entries]).toHaveLength(2);
    const list = IpList.from(loaded.entries);
    expect(list.lookup('192.0.2.1')).toMatchObject({ action: 'block', reason: 'spam', source: path });
    expect(list.lookup('2001:db8::1')).toMatchObject({ action: 'block', reason: '' });
    expect(loaded.problems).toMatchObject({ skipped: 1, taken: 0 });
    expect(loaded.problems.first).toEqual([
      {
        source: path,
        line: 3,
        kind: 'skipped',
        reason: 'not-an-address',
        text: '"1.2.3" is neither an address nor a prefix.',
      },
    ]);
  });

  it('names a source that it is told', async () => {
    const loaded = await loadIpList(file('named', '192.0.2.1\nx'), { source: 'feed', action: 'allow' });
    if (!loaded.ok) throw new Error(loaded.message);
    expect(loaded.problems.first[0]?.source).toBe('feed');
    expect([...loaded.entries][0]?.[1]).toMatchObject({ source: 'feed', action: 'allow' });
  });

  it('reads names', async () => {
    const loaded = await loadDomainList(file('names', 'example.com\n'), { subdomains: true });
    if (!loaded.ok) throw new Error(loaded.message);
    expect(DomainList.from(loaded.entries).lookup('a.example.com')?.action).toBe('block');
  });

  it('reads many lines over many pieces', async () => {
    const lines = Array.from(
      { length: 20_000 },
      (_, at) => `10.${at >> 16}.${(at >> 8) & 255}.${at & 255} # ${at % 7}`,
    );
    const loaded = await loadIpList(file('many', lines.join('\n')));
    if (!loaded.ok) throw new Error(loaded.message);
    expect(loaded.problems.skipped).toBe(0);
    const list = IpList.from(loaded.entries);
    expect(list.size).toBe(20_000);
    expect(list.lookup('10.0.78.31')?.reason).toBe(String((78 * 256 + 31) % 7));
  });

  it('keeps the first 1,000 reports and counts all', async () => {
    const path = file('bad', `${'nonsense\n'.repeat(1_500)}192.0.2.1/24\n`);
    const loaded = await loadIpList(path, { maxBadShare: 1 });
    expect(loaded.ok).toBe(true);
    expect(loaded.problems).toMatchObject({ skipped: 1_500, taken: 1 });
    expect(loaded.problems.first).toHaveLength(1_000);
  });

  it('escapes and cuts what it reports', async () => {
    const loaded = await loadIpList(file('escape', `\u001b[31m${'x'.repeat(500)}\n192.0.2.1\n`));
    const [problem] = loaded.problems.first;
    expect(problem?.text).toContain('"\\u001b[31mxxx');
    expect(problem?.text.length).toBeLessThan(140);
  });

  it('keeps reasons short and free of controls', async () => {
    const loaded = await loadIpList(file('reasons', `192.0.2.1 # a\u001bb\u0085${'x'.repeat(500)}\n`));
    if (!loaded.ok) throw new Error(loaded.message);
    const reason = [...loaded.entries][0]?.[1].reason ?? '';
    expect(reason).toMatch(/^a b x+$/);
    expect(reason.length).toBe(255);
  });

  it('says why a file cannot be used, and names it', async () => {
    const missing = join(folder, 'missing');
    expect(await loadIpList(missing)).toMatchObject({ ok: false, error: 'unreadable', path: missing });
    expect((await loadIpList(missing)).ok || (await loadIpList(missing))).toMatchObject({
      message: expect.stringContaining(missing),
    });
    mkdirSync(join(folder, 'directory'));
    expect(await loadIpList(join(folder, 'directory'))).toMatchObject({ ok: false });
    expect(await loadIpList(file('empty', '# nothing\n'))).toMatchObject({ ok: false, error: 'empty' });
    expect(await loadIpList(file('html', '<html>\n<p>404</p>\n'))).toMatchObject({
      ok: false,
      error: 'too-many-bad-lines',
      problems: { skipped: 2 },
    });
    expect(await loadIpList(file('wide', '::1-ffff::\n'), { maxEntries: 10 })).toMatchObject({
      ok: false,
      error: 'too-many-entries',
    });
  });

  it('does not wait for a pipe that nobody writes to', async () => {
    const path = join(folder, 'pipe');
    expect(spawnSync('sh', ['-c', 'mkfifo "$1"', 'sh', path]).status).toBe(0);
    expect(await loadIpList(path)).toMatchObject({ ok: false, error: 'not-a-file' });
  });

  it('takes an empty file when told to, and as many bad lines as told', async () => {
    expect(await loadIpList(file('empty2', ''), { allowEmpty: true })).toMatchObject({
      ok: true,
      entries: { size: 0 },
    });
    const path = file('half', '192.0.2.1\nx\ny\n');
    expect(await loadIpList(path)).toMatchObject({ ok: false });
    expect(await loadIpList(path, { maxBadShare: 0.7 })).toMatchObject({ ok: true });
    expect(await loadIpList(file('one', '192.0.2.1\nx\n'), { maxBadShare: 0 })).toMatchObject({ ok: false });
  });

  it('refuses a file that is written to while it is read', async () => {
    const path = file('growing', '192.0.2.1\n'.repeat(200_000));
    const loading = loadIpList(path);
    // The reading takes dozens of turns of the event loop; this is one of them.
    const writing = setInterval(() => appendFileSync(path, '192.0.2.2\n'), 0);
    try {
      expect(await loading).toMatchObject({ ok: false, error: 'changed' });
    } finally {
      clearInterval(writing);
    }
  });

  it('ends when the signal fires', async () => {
    const path = file('long', '192.0.2.1\n'.repeat(500_000));
    expect(await loadIpList(path, { signal: AbortSignal.abort() })).toMatchObject({ ok: false, error: 'aborted' });
    const controller = new AbortController();
    const loading = loadIpList(path, { signal: controller.signal });
    setImmediate(() => controller.abort());
    expect(await loading).toMatchObject({ ok: false, error: 'aborted' });
  });

  it('throws on options that are none', async () => {
    await expect(loadIpList('')).rejects.toThrow(TypeError);
    // @ts-expect-error: a format of names
    await expect(loadIpList('x', { format: 'dnset' })).rejects.toThrow('"format"');
    await expect(loadIpList('x', { format: 'csv' })).rejects.toThrow('"column"');
    await expect(loadIpList('x', { column: 'ip' })).rejects.toThrow('unknown option "column"');
    await expect(loadIpList('x', { format: 'csv', column: 'ip', delimiter: '""' })).rejects.toThrow('"delimiter"');
    await expect(loadIpList('x', { maxBadShare: 2 })).rejects.toThrow(RangeError);
    // @ts-expect-error: an option of lists of names
    await expect(loadIpList('x', { subdomains: true })).rejects.toThrow('"subdomains"');
  });
});
