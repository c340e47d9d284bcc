// Runs pnpm at the version that package.json names, on any machine that has Node 20 and npm: installs what the lockfile
// says, then runs the given pnpm command. Plain JavaScript without dependencies, because it runs before anything is installed.
//
// POSTERN_NODE=system   run on the Node that started this script instead of the one that the workspace brings (CI's matrix)
import { spawnSync } from 'node:child_process';
import { existsSync, readFileSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const { packageManager } = JSON.parse(readFileSync(`${root}package.json`, 'utf8'));
const env = { ...process.env, TURBO_TELEMETRY_DISABLED: '1', DO_NOT_TRACK: '1' };

function pnpm(args) {
  // --prefer-offline: what npm and pnpm have in their caches serves without asking the registry, so that a second run needs no network.
  const command = ['exec', '--yes', '--prefer-offline', `--package=${packageManager}`, '--', 'pnpm', ...args];
  const { status, error } = spawnSync('npm', command, { cwd: root, env, stdio: 'inherit' });
  if (error) throw error;
  if (status !== 0) process.exit(status ?? 1);
}

pnpm(['install', '--frozen-lockfile', '--prefer-offline', '--reporter=append-only', '--loglevel=warn']);

// Every tool's launcher prefers the `node` that lies beside it.
const broughtNode = `${root}node_modules/.bin/node`;
if (process.env.POSTERN_NODE === 'system' && existsSync(broughtNode)) rmSync(broughtNode);

pnpm(process.argv.slice(2));
