import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, describe, expect, it } from 'vitest';

const run = promisify(execFile);
const root = fileURLToPath(new URL('../../../', import.meta.url));
const here = fileURLToPath(new URL('..', import.meta.url));
/** Inside this workspace, so that the examples find the packages as a user's program would. */
const scratch = `${here}.examples/`;

interface Example {
  readonly title: string;
  readonly file: string;
  readonly source: string;
  /** ` ```ts run `: ends by itself and shows what it prints in `// prints:` comments. */
  readonly runs: boolean;
}

function documents(): readonly string[] {
  const packageReadmes = readdirSync(`${root}packages`).map((name) => `packages/${name}/README.md`);
  const guides = readdirSync(`${root}docs`).map((name) => `docs/${name}`);
  return ['README.md', ...packageReadmes, ...guides].filter((path) => path.endsWith('.md') && existsSync(root + path));
}

/** The `ts` blocks of a Markdown document. */
function examplesOf(path: string): readonly Example[] {
  const examples: Example[] = [];
  let block: { readonly info: string; readonly line: number; readonly lines: string[] } | undefined;
  for (const [index, line] of readFileSync(root + path, 'utf8')
    .split('\n')
    .entries()) {
    if (!line.startsWith('```')) {
      block?.lines.push(line);
    } else if (block === undefined) {
      block = { info: line.slice(3).trim(), line: index + 1, lines: [] };
    } else {
      const [language, ...flags] = block.info.split(' ');
      if (language === 'ts') {
        const file = `${path.replaceAll(/[^a-z]+/gi, '-')}-${block.line}.ts`;
        const runs = flags.includes('run');
        examples.push({
          title: `${path}:${block.line}`,
          file,
          source: `${block.lines.join('\n')}\nexport {};\n`,
          runs,
        });
      }
      block = undefined;
    }
  }
  return examples;
}

const examples = documents().flatMap(examplesOf);
rmSync(scratch, { recursive: true, force: true });
mkdirSync(scratch, { recursive: true });
for (const { file, source } of examples) writeFileSync(scratch + file, source);
writeFileSync(
  `${scratch}tsconfig.json`,
  // Without the source condition: the examples meet the declarations that users meet.
  JSON.stringify({
    extends: '../../../tsconfig.base.json',
    compilerOptions: { customConditions: [] },
    include: ['*.ts'],
  }),
);
afterAll(() => rmSync(scratch, { recursive: true, force: true }));

/** What the example says it prints: the text behind each `// prints: `. */
function promised(source: string): string {
  return source
    .split('\n')
    .flatMap((line) => line.split('// prints: ').slice(1))
    .map((text) => `${text}\n`)
    .join('');
}

describe('the examples in README files and guides', () => {
  it('are there', () => {
    expect(examples.length).toBeGreaterThan(0);
  });

  it('compile under the strict settings against the built packages', async () => {
    const { stdout } = await run(`${root}node_modules/.bin/tsc`, ['--noEmit', '-p', scratch]).catch(
      (error: { stdout: string }) => error,
    );
    expect(stdout).toBe('');
  }, 60_000);

  it.each(examples.filter(({ runs }) => runs))('$title runs and prints what it says', async ({ file, source }) => {
    const { NODE_OPTIONS: _, ...env } = process.env;
    const { stdout } = await run(process.execPath, [scratch + file], { cwd: here, env, timeout: 20_000 });
    expect(stdout).toBe(promised(source));
  });
});
