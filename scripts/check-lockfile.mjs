// The lockfile holds integrity hashes and no address: whoever installs decides from where.
import { readFileSync } from 'node:fs';

const lockfile = readFileSync(new URL('../pnpm-lock.yaml', import.meta.url), 'utf8');
const named = lockfile.split('\n').flatMap((line, index) => (/https?:|tarball|registry/.test(line) ? [index + 1] : []));
if (named.length > 0) {
  console.error(`pnpm-lock.yaml names where a package comes from, in line ${named.join(', ')}`);
  process.exit(1);
}
