import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import fc from 'fast-check';
import { afterAll, describe, expect, it, vi } from 'vitest';
import { SignerSpool } from './signer-spool.ts';

const directory = mkdtempSync(join(tmpdir(), 'postern-test-'));
afterAll(() => rmSync(directory, { recursive: true }));

async function contentOf(spool: SignerSpool): Promise<Buffer> {
  const parts: Uint8Array[] = [];
  for await (const part of spool.read()) parts.push(part);
  return Buffer.concat(parts);
}

describe('SignerSpool', () => {
  it('gives back what it got, from memory and from the disk', async () => {
    const sizes = fc.array(fc.constantFrom(0, 1, 1_000, 65_535, 65_536, 65_537, 200_000), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(sizes, fc.constantFrom(0, 131_072, 1_048_576), async (lengths, memoryBytes) => {
        const spool = new SignerSpool(memoryBytes, directory);
        const chunks = lengths.map((length, at) => Buffer.alloc(length, `${at} and so on`));
        for (const chunk of chunks) {
          const reused = Buffer.from(chunk);
          await spool.write(reused);
          reused.fill(0);
        }
        expect((await contentOf(spool)).equals(Buffer.concat(chunks))).toBe(true);
        await spool.close();
        await spool.close();
      }),
      { numRuns: 30 },
    );
    expect(readdirSync(directory)).toEqual([]);
  });

  it('closes the file when it is closed while the disk is busy', async () => {
    const spool = new SignerSpool(0, directory);
    const writing = expect(spool.write(Buffer.alloc(1_000_000))).rejects.toThrow('closed');
    await spool.close();
    await writing;
  });

  it('closes the file of a message that nobody closed', async () => {
    setFlagsFromString('--expose-gc');
    const collect: unknown = runInNewContext('gc');
    if (typeof collect !== 'function') throw new Error('there is no gc');
    const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    let spool: SignerSpool | undefined = new SignerSpool(0, directory);
    const gone = new WeakRef(spool);
    await spool.write(Buffer.alloc(200_000));
    spool = undefined;
    await expect
      .poll(
        () => {
          collect();
          return gone.deref();
        },
        { timeout: 30_000 },
      )
      .toBeUndefined();
    // Were the handle collected with it, Node would say so in the same turn or the next.
    for (let turn = 0; turn < 10; turn++) {
      collect();
      await new Promise((resolve) => setImmediate(resolve));
    }
    expect(warned.mock.calls).toEqual([]);
    warned.mockRestore();
  });
});
