import { readName } from './domain-text.ts';
import type { DomainFormat, DomainOutput } from './line-format.ts';
import { dataSetType, readRbldnsdLine, valueText, wordEnd } from './rbldnsd-line.ts';
import { NO_VALUE, parseRbldnsdValue, type RbldnsdValue, reasonOf } from './rbldnsd-value.ts';

/** Specials that only matter to a name server, or to lists of addresses. */
const OF_THE_SERVER: ReadonlySet<string> = new Set(['soa', 'ns', 'nameserver', 'ttl', '=', 'maxrange4']);

/** The patterns that an entry of a dnset stands for, `undefined` when it is no name. */
function readPatterns(text: string, output: DomainOutput): readonly string[] | undefined {
  const star = text.startsWith('*.');
  const dot = !star && text.startsWith('.');
  const name = readName(text.slice(star ? 2 : dot ? 1 : 0), output);
  if (name === undefined) return undefined;
  return star ? [`.${name}`] : dot ? [name, `.${name}`] : [name];
}

/**
 * dnset zone files of rbldnsd(8): `example.com` is the name alone, `*.example.com` the names below it, `.example.com` both.
 * Exclusions (`!`) become entries that allow, and win over a listing of the same pattern, as in rbldnsd. The reason is the
 * TXT template as it stands, or the A value. Of a combined file (`$DATASET`), the dnset data sets are read.
 */
export function rbldnsdDnsetFormat(): DomainFormat {
  let excluded = new Set<string>();
  let byDefault: RbldnsdValue = NO_VALUE;
  let isDnset = true;
  /** In a combined file the exclusions of one data set lift what another one lists, which they do not in rbldnsd. */
  let hasListings = false;
  let hasExclusions = false;
  let isLaterSet = false;

  function startDataSet(text: string, output: DomainOutput): void {
    isDnset = dataSetType(text) === 'dnset';
    isLaterSet ||= hasListings || hasExclusions;
    excluded = new Set();
    byDefault = NO_VALUE;
    if (!isDnset) output.problem('skipped', 'unsupported', `$DATASET ${text}`);
    else if (hasExclusions) output.problem('taken', 'other-data-set', `$DATASET ${text}`);
  }

  function special(word: string, rest: string, output: DomainOutput): void {
    if (word === 'dataset') startDataSet(rest, output);
    else if (!OF_THE_SERVER.has(word) && !/^\d$/.test(word)) {
      output.problem('skipped', 'unsupported', `$${word} ${rest}`);
    }
  }

  function listing(text: string, output: DomainOutput): void {
    const end = wordEnd(text, 0);
    const patterns = readPatterns(text.slice(0, end), output);
    if (patterns === undefined) return;
    const value = parseRbldnsdValue(valueText(text, end), byDefault);
    if (value === undefined) {
      output.problem('skipped', 'malformed', text);
      return;
    }
    hasListings = true;
    for (const pattern of patterns) {
      if (!excluded.has(pattern)) output.add(pattern, output.action, reasonOf(value));
    }
  }

  function exclusion(text: string, output: DomainOutput): void {
    // A list of what is allowed has no word for "neither allowed nor blocked".
    if (output.action === 'allow') {
      output.problem('skipped', 'unsupported', `!${text}`);
      return;
    }
    const patterns = readPatterns(text.slice(0, wordEnd(text, 0)), output);
    if (patterns === undefined) return;
    if (isLaterSet) output.problem('taken', 'other-data-set', `!${text}`);
    hasExclusions = true;
    for (const pattern of patterns) {
      excluded.add(pattern);
      output.add(pattern, 'allow', '');
    }
  }

  return {
    line(text, output) {
      const line = readRbldnsdLine(text);
      if (line.kind === 'special') special(line.word, line.rest, output);
      else if (!isDnset) return;
      else if (line.kind === 'listing') listing(line.text, output);
      else if (line.kind === 'exclusion') exclusion(line.text, output);
      else if (line.kind === 'value') {
        const value = parseRbldnsdValue(line.text, NO_VALUE);
        if (value === undefined) output.problem('skipped', 'malformed', line.text);
        else byDefault = value;
      }
    },
  };
}
