import { canonicalName, formatDomainEntryPattern, parseDomainEntryPattern } from './domain-entry-pattern.ts';
import type { DomainOutput } from './line-format.ts';

/**
 * Adds what a pattern of a `DomainList` says, or its problem; `*.example.com` is `.example.com`. A `registrable:` pattern is
 * left as it is written: the list knows which suffixes count.
 */
export function addPatternText(text: string, action: 'allow' | 'block', reason: string, output: DomainOutput): void {
  const plain = text.startsWith('*.') ? text.slice(1) : text;
  const pattern = parseDomainEntryPattern(plain, true);
  if (typeof pattern === 'string') output.problem('skipped', 'not-a-domain', text);
  else output.add(pattern.form === 'registrable' ? plain : formatDomainEntryPattern(pattern), action, reason);
}

/** The name as a list has it, without a dot in front; when it is none, that is reported. */
export function readName(text: string, output: DomainOutput, number?: number): string | undefined {
  const name = canonicalName(text);
  if (name === undefined) output.problem('skipped', 'not-a-domain', text, number);
  return name;
}
