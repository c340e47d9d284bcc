import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IpList, loadIpList } from '@postern/ip-list';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { describeWith, RealServer } from './real-server.ts';

const postmap = new RealServer('postmap', 'postfix');

const TABLES = 25;
const RULES = 25;
const QUESTIONS = 150;

// A small corner of both families, so that rules meet; host bits are cleared, since Postfix leaves such rules out.
const ip4 = fc.tuple(fc.integer({ min: 0, max: 3 }), fc.constantFrom(0, 64, 128, 192), fc.constantFrom(0, 1, 2, 255));
const ip4Address = ip4.map(([second, third, last]) => `10.${second}.${third}.${last}`);
const ip4Network = fc.oneof(
  ip4Address,
  ip4.map(([second, third]) => `10.${second}.${third}.0/24`),
  ip4.map(([second, third]) => `10.${second}.${third}.0/18`),
  ip4.map(([second]) => `10.${second}.0.0/16`),
  fc.constantFrom('10.0.0.0/15', '10.0.0.0/8', '0.0.0.0/0', '10.0.0.0/33', '10.0.0'),
);
const ip6Address = fc.constantFrom('2001:db8::1', '2001:db8::2', '2001:db8:1::1', '2001:db9::1', '::1');
const ip6Network = fc.oneof(ip6Address, fc.constantFrom('2001:db8::/32', '2001:db8:1::/48', '::/0', '[2001:db8::]/31'));
const network = fc.oneof({ weight: 4, arbitrary: ip4Network }, ip6Network);
const negation = fc.constantFrom('', '', '', '', '!', '!!');
const pattern = fc.tuple(negation, network).map((parts) => parts.join(''));
const action = fc.constantFrom('OK', 'REJECT', 'DUNNO', '450 later', '550 no', 'REJECT with\n text', 'WARN odd');
const rule = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(pattern, action).map((parts) => parts.join(' ')) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom('', '!'), fc.oneof(ip4Network, ip6Network)).map(([not, net]) => ({ not, net })),
  },
  fc.constantFrom('', '# comment', ' # comment', '10.0.0.1'),
);

/** Blocks are closed again, and hold only patterns that Postfix reads: it would apply what a broken one holds. */
const table = fc.array(rule, { minLength: RULES, maxLength: RULES }).map((rules) => {
  const lines: string[] = [];
  let open = 0;
  for (const each of rules) {
    if (typeof each === 'string') lines.push(each);
    else if (/\/33$|^10\.0\.0$/.test(each.net)) lines.push('# broken');
    else {
      lines.push(`if ${each.not}${each.net}`);
      open++;
    }
    if (open > 0 && lines.length % 4 === 0) {
      lines.push('endif');
      open--;
    }
  }
  return `${[...lines, ...Array.from({ length: open }, () => 'endif')].join('\n')}\n`;
});

/** What the table says to each address that it says anything to. */
function ask(folder: string, path: string, addresses: readonly string[]): Promise<Map<string, string>> {
  return new Promise((resolve, reject) => {
    const child = execFile(postmap.path ?? '', ['-c', folder, '-q', '-', `cidr:${path}`], (error, stdout, stderr) => {
      // It ends with 1 when there is no answer at all.
      if (error !== null && error.code !== 1) reject(new Error(stderr));
      const answers = stdout.split('\n').filter((line) => line !== '');
      resolve(new Map(answers.map((line) => [line.slice(0, line.indexOf('\t')), line.slice(line.indexOf('\t') + 1)])));
    });
    child.stdin?.end(`${addresses.join('\n')}\n`);
  });
}

describeWith([postmap], 'cidr tables that Postfix reads', () => {
  let folder: string;

  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'postern-cidr-'));
    writeFileSync(join(folder, 'main.cf'), 'compatibility_level = 3.6\n');
  });

  afterAll(() => {
    rmSync(folder, { recursive: true, force: true });
  });

  it('say the same of every address', async () => {
    for (const [number, text] of fc.sample(table, TABLES).entries()) {
      const path = join(folder, `table${number}`);
      writeFileSync(path, text);
      const file = await loadIpList(path, { format: 'postfix-cidr', maxBadShare: 1, allowEmpty: true });
      if (!file.ok) throw new Error(file.message);
      const list = IpList.from(file.entries);
      const questions = [...new Set(fc.sample(fc.oneof(ip4Address, ip6Address), QUESTIONS))];
      const answers = await ask(folder, path, questions);
      for (const question of questions) {
        const ours = list.lookup(question)?.reason.replace(/\s+/g, ' ');
        expect(ours, `${question} in\n${text}`).toBe(answers.get(question)?.replace(/\s+/g, ' '));
      }
    }
  }, 60_000);
});
