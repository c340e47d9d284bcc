import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import wabt from 'wabt';
import { bodyScannerProgram } from './body-scanner-program.ts';

describe('bodyScannerProgram', () => {
  it('is what body-scanner.wat says', async () => {
    const text = await readFile(new URL('body-scanner.wat', import.meta.url), 'utf8');
    const { parseWat } = await wabt();
    const module = parseWat('body-scanner.wat', text, { simd: true });
    try {
      const { buffer } = module.toBinary({});
      expect(bodyScannerProgram).toBe(Buffer.from(buffer).toString('base64'));
    } finally {
      module.destroy();
    }
  });
});
