/**
 * Runs every `*.bench.ts` of this folder, or those whose names contain one of the arguments: `pnpm bench address`.
 * Each in a process of its own, so that none shapes the machine code or the heap of another.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const folder = fileURLToPath(new URL('.', import.meta.url));
const wanted = process.argv.slice(2);
const files = readdirSync(folder)
  .filter((file) => file.endsWith('.bench.ts'))
  .filter((file) => wanted.length === 0 || wanted.some((word) => file.includes(word)))
  .sort();

let failed = files.length === 0;
for (const file of files) {
  console.log(`\n── ${file}`);
  // `gc` for the benchmarks that measure memory.
  const { status } = spawnSync(process.execPath, ['--expose-gc', `${folder}${file}`], { stdio: 'inherit' });
  failed ||= status !== 0;
}
process.exitCode = failed ? 1 : 0;
