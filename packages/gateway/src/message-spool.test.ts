import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type MessageSpool, SpoolSpace } from './message-spool.ts';

let directory: string;

beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'spool-test-'));
});

afterEach(async () => {
  await rm(directory, { recursive: true });
});

async function readAll(spool: MessageSpool): Promise<Buffer> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of spool.read()) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** Bytes that differ from place to place, so that a swap shows. */
function sample(length: number, seed = 0): Buffer {
  return Buffer.from(Array.from({ length }, (_, i) => (i * 31 + (i >> 8) * 7 + seed) & 0xff));
}

describe('MessageSpool', () => {
  it('keeps a small message in memory, and gives it as one chunk', async () => {
    const space = new SpoolSpace({ directory: join(directory, 'absent') });
    const spool = space.open();
    expect(spool.write(Buffer.from('hello '))).toBeUndefined();
    expect(spool.write(Buffer.from('world'))).toBeUndefined();
    expect(spool.byteLength).toBe(11);
    expect(space.usedBytes).toBe(11);
    const chunks: string[] = [];
    for await (const chunk of spool.read()) chunks.push(Buffer.from(chunk).toString());
    expect(chunks).toEqual(['hello world']);
    await spool.discard();
    expect(space.usedBytes).toBe(0);
  });

  it('copies: the caller may use a chunk again at once, even one that waits for the disk', async () => {
    const spool = new SpoolSpace({ directory, memoryBytes: 10 }).open();
    const expected: Buffer[] = [];
    const chunk = Buffer.alloc(40_000);
    for (let i = 0; i < 10; i++) {
      chunk.fill(i);
      expected.push(Buffer.from(chunk));
      const written = spool.write(chunk);
      chunk.fill(0xff);
      await written;
    }
    expect((await readAll(spool)).equals(Buffer.concat(expected))).toBe(true);
    await spool.discard();
  });

  it('leaves no name in the directory while the file is in use, and only its own bytes in memory', async () => {
    const spool = new SpoolSpace({ directory, memoryBytes: 100 }).open();
    await spool.write(sample(500_000));
    expect(await readdir(directory)).toEqual([]);
    expect((await readAll(spool)).equals(sample(500_000))).toBe(true);
    expect((await readAll(spool)).equals(sample(500_000))).toBe(true);
    await spool.discard();
  });

  it('gives the same bytes for any chunks and any bound of memory, and the space is empty afterwards', async () => {
    const chunks = fc.array(fc.nat(150_000), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(chunks, fc.constantFrom(0, 1, 8192, 100_000, 2 ** 20), async (lengths, memoryBytes) => {
        const space = new SpoolSpace({ directory, memoryBytes });
        const parts = lengths.map((length, i) => sample(length, i));
        const whole = Buffer.concat(parts);
        const spool = space.open();
        // Every other time as somebody who does not wait.
        const waits: (void | Promise<void>)[] = [];
        for (const [i, part] of parts.entries()) {
          const written = spool.write(part);
          if (i % 2 === 0) await written;
          else waits.push(written);
        }
        await Promise.all(waits);
        expect(spool.failure).toBeUndefined();
        expect(spool.byteLength).toBe(whole.length);
        expect(space.usedBytes).toBe(whole.length);
        expect((await readAll(spool)).equals(whole)).toBe(true);
        expect((await readAll(spool)).equals(whole)).toBe(true);
        await spool.discard();
        await spool.discard();
        expect(space.usedBytes).toBe(0);
      }),
      { numRuns: 40 },
    );
  });

  it('refuses with 552 5.3.4 what is larger than one message may be, its header counted', async () => {
    const space = new SpoolSpace({ maxMessageBytes: 100 });
    const spool = space.open();
    spool.charge(40);
    spool.write(sample(60));
    expect(spool.failure).toBeUndefined();
    spool.write(sample(1));
    expect(spool.failure).toMatchObject({ reason: 'too-large', reply: { code: 552, enhanced: '5.3.4' } });
    expect(spool.write(sample(10))).toBeUndefined();
    await spool.discard();
    expect(space.usedBytes).toBe(0);
  });

  it('refuses with 452 4.3.1 what does not fit beside the others, and fits again when they are gone', async () => {
    const space = new SpoolSpace({ totalBytes: 100 });
    const first = space.open();
    first.write(sample(70));
    const second = space.open();
    second.write(sample(31));
    expect(second.failure).toMatchObject({ reason: 'full', reply: { code: 452, enhanced: '4.3.1' } });
    expect(space.usedBytes).toBe(70);
    await second.discard();
    await first.discard();
    await using third = space.open();
    third.write(sample(100));
    expect(third.failure).toBeUndefined();
    expect(space.usedBytes).toBe(100);
  });

  it('answers 451 4.3.0 when the disk fails, without its path, and gives the space back', async () => {
    const space = new SpoolSpace({ memoryBytes: 0, directory: join(directory, 'absent') });
    const spool = space.open();
    await spool.write(sample(100_000));
    expect(spool.failure).toMatchObject({ reason: 'disk', reply: { code: 451, enhanced: '4.3.0' } });
    expect(spool.failure?.detail).toBe('The spool could not be written: ENOENT.');
    await spool.discard();
    expect(space.usedBytes).toBe(0);
  });

  // Whoever got only a part must not take it for the whole message, wherever the rest of it was.
  it.each([
    ['on the disk', 0],
    ['in memory', 2 ** 20],
    ['in memory, and not yet on the disk', 190_000],
  ])('fails while it is read when it was discarded meanwhile, its rest %s', async (_where, memoryBytes) => {
    const spool = new SpoolSpace({ memoryBytes, directory }).open();
    for (let at = 0; at < 200_000; at += 20_000) await spool.write(sample(20_000));
    const reading = spool.read()[Symbol.asyncIterator]();
    expect((await reading.next()).done).toBe(false);
    await spool.discard();
    await expect(reading.next()).rejects.toThrow();
    await expect(readAll(spool)).rejects.toThrow(TypeError);
  });

  it('fails when it was discarded behind its last byte in memory, with the rest not yet on the disk', async () => {
    const spool = new SpoolSpace({ memoryBytes: 8 * 1024, directory }).open();
    await spool.write(sample(8 * 1024));
    await spool.write(sample(10_000));
    const reading = spool.read()[Symbol.asyncIterator]();
    expect(await reading.next()).toEqual({ done: false, value: sample(8 * 1024) });
    await spool.discard();
    await expect(reading.next()).rejects.toThrow();
  });

  it('drops what is written after discard', async () => {
    const space = new SpoolSpace();
    const spool = space.open();
    await spool.discard();
    spool.write(sample(10));
    expect(space.usedBytes).toBe(0);
    expect(spool.byteLength).toBe(0);
  });

  it('names an option that it does not take', () => {
    expect(() => new SpoolSpace({ memoryBytes: -1 })).toThrow(RangeError);
    // @ts-expect-error: misspelt
    expect(() => new SpoolSpace({ maxBytes: 1 })).toThrow(/unknown option "maxBytes"/);
  });
});
