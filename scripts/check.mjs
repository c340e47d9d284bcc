// Everything that must hold before a change lands, in the order in which it fails fastest. Every part runs even when one
// before it failed, so that one run tells all. Prints the time of each part, the real servers that were not found (so
// which tests did not run), and last the number of tests, honestly counted over all workspaces.
//
// POSTERN_REQUIRE_SERVERS=1   a server that is not found fails its tests instead of skipping them
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const cache = `${root}node_modules/.cache/postern`;
const testReport = `${cache}/tests.json`;
const summary = `${cache}/summary.txt`;
const missingServers = `${cache}/missing-servers.jsonl`;

mkdirSync(cache, { recursive: true });
for (const file of [testReport, missingServers, summary]) rmSync(file, { force: true });

const parts = [
  ['lint', 'biome', ['check', '--error-on-warnings', '.']],
  ['lockfile', process.execPath, ['scripts/check-lockfile.mjs']],
  ['types', 'pnpm', ['run', '--silent', 'typecheck']],
  ['build', 'pnpm', ['run', '--silent', 'build']],
  [
    'tests',
    'vitest',
    ['run', '--coverage', '--reporter=default', '--reporter=json', `--outputFile.json=${testReport}`],
  ],
  ['packages', 'pnpm', ['run', '--silent', 'pack-check']],
  ['size', 'pnpm', ['run', '--silent', 'size']],
  ['unused', 'pnpm', ['run', '--silent', 'unused']],
  ['docs', 'pnpm', ['run', '--silent', 'docs']],
];

const results = parts.map(([name, command, args]) => {
  console.log(`\n── ${name}`);
  const started = performance.now();
  const { status, error } = spawnSync(command, args, { cwd: root, stdio: 'inherit' });
  if (error) console.error(error.message);
  return { name, ok: status === 0, seconds: (performance.now() - started) / 1000 };
});

console.log('\n── time per part');
for (const { name, ok, seconds } of results) {
  console.log(`${name.padEnd(10)} ${seconds.toFixed(1).padStart(6)} s  ${ok ? 'ok' : 'FAILED'}`);
}

if (existsSync(missingServers)) {
  const lines = readFileSync(missingServers, 'utf8').trim().split('\n');
  const servers = new Map(lines.map((line) => JSON.parse(line)).map((each) => [each.server, each]));
  console.log('\nReal servers not found on this machine; the tests that talk to them were skipped:');
  for (const { server, debianPackage } of servers.values())
    console.log(`  ${server} (Debian package ${debianPackage})`);
}

const failedParts = results.filter(({ ok }) => !ok).length;
const tests = existsSync(testReport)
  ? JSON.parse(readFileSync(testReport, 'utf8'))
  : { numPassedTests: 0, numFailedTests: 1, numPendingTests: 0, numTodoTests: 0 };
const skipped = tests.numPendingTests + tests.numTodoTests;
const closing = `${tests.numPassedTests} passed, ${tests.numFailedTests} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
writeFileSync(summary, `${closing}\n`);
console.log(`\n${closing}`);
process.exit(failedParts + tests.numFailedTests > 0 ? 1 : 0);
