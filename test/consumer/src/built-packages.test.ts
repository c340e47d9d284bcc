import { execFile } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const here = fileURLToPath(new URL('..', import.meta.url));
const packages = fileURLToPath(new URL('../../../packages/', import.meta.url));
/** Every entry of every package: `@postern/spf-dmarc`, `@postern/spf-dmarc/reports`. */
const entries = readdirSync(packages)
  .filter((folder) => existsSync(`${packages}${folder}/package.json`))
  .flatMap((folder) => {
    const { name, exports }: { name: string; exports: object } = JSON.parse(
      readFileSync(`${packages}${folder}/package.json`, 'utf8'),
    );
    return Object.keys(exports).map((path) => name + path.slice(1));
  });

/** What plain Node prints, in a process that knows nothing of the workspace's source condition. */
async function node(...args: readonly string[]): Promise<string> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, args, { cwd: here, env });
  return stdout;
}

describe.each(entries)('%s as it is built', (entry) => {
  it('gives the same names to import and to require', async () => {
    const print =
      'process.stdout.write(JSON.stringify(Object.keys(face).filter((key) => key !== "module.exports").sort()))';
    const imported = await node('--input-type=module', '-e', `import * as face from '${entry}'; ${print}`);
    const required = await node('--input-type=commonjs', '-e', `const face = require('${entry}'); ${print}`);
    expect(JSON.parse(imported)).not.toEqual([]);
    expect(JSON.parse(required).filter((key: string) => key !== '__esModule')).toEqual(JSON.parse(imported));
  });

  it('does nothing when it is imported: no handle is left that keeps the process', async () => {
    const source = `import '${entry}'; process.stdout.write(JSON.stringify(process.getActiveResourcesInfo()))`;
    const handles: readonly string[] = JSON.parse(await node('--input-type=module', '-e', source));
    expect(handles.filter((handle) => !/^(Pipe|TTY|File|FSReq)/.test(handle))).toEqual([]);
  });
});
