import { execFile } from 'node:child_process';
import { existsSync, readdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';

const run = promisify(execFile);
const here = fileURLToPath(new URL('..', import.meta.url));
const packages = fileURLToPath(new URL('../../../packages/', import.meta.url));
const names = readdirSync(packages).filter((name) => existsSync(`${packages}${name}/package.json`));

/** What plain Node prints, in a process that knows nothing of the workspace's source condition. */
async function node(...args: readonly string[]): Promise<string> {
  const { NODE_OPTIONS: _, ...env } = process.env;
  const { stdout } = await run(process.execPath, args, { cwd: here, env });
  return stdout;
}

describe.each(names)('@postern/%s as it is built', (name) => {
  it('gives the same names to import and to require', async () => {
    const print =
      'process.stdout.write(JSON.stringify(Object.keys(face).filter((key) => key !== "module.exports").sort()))';
    const imported = await node('--input-type=module', '-e', `import * as face from '@postern/${name}'; ${print}`);
    const required = await node('--input-type=commonjs', '-e', `const face = require('@postern/${name}'); ${print}`);
    expect(JSON.parse(imported)).not.toEqual([]);
    expect(JSON.parse(required).filter((key: string) => key !== '__esModule')).toEqual(JSON.parse(imported));
  });

  it('does nothing when it is imported: no handle is left that keeps the process', async () => {
    const source = `import '@postern/${name}'; process.stdout.write(JSON.stringify(process.getActiveResourcesInfo()))`;
    const handles: readonly string[] = JSON.parse(await node('--input-type=module', '-e', source));
    expect(handles.filter((handle) => !/^(Pipe|TTY|File|FSReq)/.test(handle))).toEqual([]);
  });
});
