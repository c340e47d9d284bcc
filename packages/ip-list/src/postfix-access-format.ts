import { readName } from './domain-text.ts';
import type { DomainFormat, DomainOutput } from './line-format.ts';
import { type LogicalLine, LogicalLines, splitWord } from './logical-lines.ts';
import { readPostfixAction } from './postfix-action.ts';

/**
 * The text of a Postfix access(5) table (`hash:`, `lmdb:`, `texthash:`): `example.com action`, `.example.com action` for
 * the names below. `example.com` is this one name: where Postfix has `smtpd_access_maps` among its
 * `parent_domain_matches_subdomains`, as it has by default, it is the names below as well, which the option `subdomains`
 * says. Keys that are mail addresses or networks are reported. The reason is the action with its text.
 */
export function postfixAccessFormat(): DomainFormat {
  const lines = new LogicalLines();

  function read({ text, number }: LogicalLine, output: DomainOutput): void {
    const { word, rest } = splitWord(text);
    if (rest === '') {
      output.problem('skipped', 'malformed', text, number);
    } else if (word.includes('@')) {
      output.problem('skipped', 'unsupported', word, number);
    } else {
      const below = word.startsWith('.');
      const name = readName(below ? word.slice(1) : word, output, number);
      if (name === undefined) return;
      const { action, known } = readPostfixAction(rest);
      if (!known) output.problem('taken', 'unknown-action', text, number);
      output.add(below ? `.${name}` : name, action, rest);
    }
  }

  return {
    line(text, output) {
      const line = lines.push(text, output);
      if (line !== undefined) read(line, output);
    },
    end(output) {
      const line = lines.end(output);
      if (line !== undefined) read(line, output);
    },
  };
}
