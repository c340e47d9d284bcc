import type { SpfLint } from './lint-spf.ts';
import { MOST_LOOKUPS, MOST_VOID_LOOKUPS } from './spf-flattening.ts';
import type { SpfTreeRecord, SpfTreeTerm } from './spf-tree.ts';

const MOST_LINES = 500;
/** What a line has room for, as long as no term alone is longer. */
const COLUMNS = 80;
/** How many networks a line names at most. */
const MOST_NAMED = 4;

const statusNotes: Readonly<Record<SpfTreeRecord['status'], string>> = {
  record: '',
  none: 'no record',
  several: 'several records',
  'syntax-error': 'syntax error',
  loop: 'a loop',
  failed: 'the lookup failed',
  unasked: 'not followed',
};

const termNotes: Readonly<Record<SpfTreeTerm['status'], string>> = {
  known: '',
  depends: 'depends on the message',
  failed: 'the lookup failed',
  unasked: 'not followed',
  permerror: 'an error',
  ignored: 'ignored',
};

function isNetwork({ name, status }: SpfTreeTerm): boolean {
  return (name === 'ip4' || name === 'ip6') && status === 'known';
}

function voidNote({ voidLookups: { ip4, ip6 } }: SpfTreeTerm): string {
  if (ip4 === 0 && ip6 === 0) return '';
  if (ip4 > 0 && ip6 > 0) return 'void';
  return ip4 > 0 ? 'void for IPv4' : 'void for IPv6';
}

/** As many of the texts as there is room for, the first one in any case, and how many more there are. */
function listed(texts: readonly string[], columns: number): string {
  for (let count = Math.min(texts.length, MOST_NAMED); ; count--) {
    const more = texts.length - count;
    const list = texts.slice(0, count).join(' ') + (more > 0 ? ` and ${more} more` : '');
    if (list.length <= columns || count <= 1) return list;
  }
}

function noteOf(term: SpfTreeTerm, columns: number): string {
  const { record, problem } = term;
  const status = record === undefined ? termNotes[term.status] : statusNotes[record.status];
  const reason = problem ?? record?.problem;
  const explained = status !== '' && reason !== undefined ? `${status}: ${reason}` : (problem ?? status);
  const absence = record === undefined ? voidNote(term) : '';
  const networks = term.hosts?.flatMap((host) => host.networks) ?? [];
  const room = [explained, absence].reduce((left, note) => (note === '' ? left : left - note.length - 2), columns);
  const notes = [explained, listed(networks, room), absence];
  return notes.filter((note) => note !== '').join('; ');
}

/** Terms for one line: those that name networks stand together, so that one sees where the lookups go. */
function grouped(terms: readonly SpfTreeTerm[]): readonly (readonly SpfTreeTerm[])[] {
  const groups: SpfTreeTerm[][] = [];
  for (const term of terms) {
    const last = groups.at(-1);
    const before = last?.[0];
    if (last !== undefined && before !== undefined && isNetwork(before) && isNetwork(term)) last.push(term);
    else groups.push([term]);
  }
  return groups;
}

function lineOf(group: readonly SpfTreeTerm[], columns: number): string {
  const text = listed(
    group.map((term) => term.text),
    columns,
  );
  const [term] = group;
  // `  (…)` stands around it.
  const note = term === undefined ? '' : noteOf(term, columns - text.length - 4);
  return note === '' ? text : `${text}  (${note})`;
}

/**
 * A lint's tree for a terminal: a line for each term or row of networks, with the lookups that it costs before it.
 * Printable text, whatever stands in the records; at most 500 lines, of 80 columns unless a term needs more.
 *
 * @example
 * ```text
 * example.com: 3 of 10 lookups; void lookups: 0 of 2 for IPv4, 1 of 2 for IPv6
 *  1  ├─ a:mail.example.com  (203.0.114.1/32; void for IPv6)
 *  2  ├─ include:_spf.provider.example
 *     │  ├─ ip4:203.0.114.64/26 ip6:2a00:1450::/32
 *  1  │  └─ a:out.provider.example  (203.0.115.9/32 2a00:1450:4000::9/128)
 *     └─ -all
 * ```
 */
export function formatSpfTree({ domain, lookupTerms, voidLookups, tree }: SpfLint): string {
  const voids = `${voidLookups.ip4} of ${MOST_VOID_LOOKUPS} for IPv4, ${voidLookups.ip6} of ${MOST_VOID_LOOKUPS} for IPv6`;
  const status = tree.status === 'record' ? '' : `; ${statusNotes[tree.status]}`;
  const lines = [`${domain}: ${lookupTerms} of ${MOST_LOOKUPS} lookups; void lookups: ${voids}${status}`];
  let cut = false;
  const draw = (record: SpfTreeRecord, indent: string): void => {
    const groups = grouped(record.terms);
    groups.forEach((group, index) => {
      const [term] = group;
      if (term === undefined) return;
      if (lines.length >= MOST_LINES) {
        cut = true;
        return;
      }
      const last = index === groups.length - 1;
      const cost = term.lookupTerms > 0 ? String(term.lookupTerms) : '';
      const start = `${cost.padStart(3)}  ${indent}${last ? '└─' : '├─'} `;
      lines.push(start + lineOf(group, COLUMNS - start.length));
      if (term.record !== undefined) draw(term.record, `${indent}${last ? '   ' : '│  '}`);
    });
  };
  draw(tree, '');
  if (cut) lines.push('     and more');
  return lines.join('\n');
}
