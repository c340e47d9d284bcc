import { isSubdomainOf } from '@postern/core';
import type { SpfFindings } from './spf-findings.ts';
import type { SpfTreeRecord, SpfTreeTerm } from './spf-tree.ts';

/** How the lint came to a record. `chain`: by redirects alone, so that its `all` and its `exp` count. */
interface RecordRole {
  /** The domain that is linted. */
  readonly top: string;
  readonly chain: boolean;
}

/** RFC 7208 §3.4: name and TXT records of up to 450 octets fit into a UDP answer of 512. */
const LARGE_ANSWER_BYTES = 450;
/** RFC 1035 §3.3: one character-string. */
const LONGEST_STRING = 255;

const mechanisms: ReadonlySet<string> = new Set(['all', 'include', 'a', 'mx', 'ptr', 'ip4', 'ip6', 'exists']);

/** What is to be said of a record as such: its text, its end, its modifiers. */
export function judgeRecord(record: SpfTreeRecord, role: RecordRole, findings: SpfFindings): void {
  judgeText(record, role, findings);
  if (record.status !== 'record') return;
  judgeEnd(record, role, findings);
  for (const term of record.terms) if (term.qualifier === undefined) judgeModifier(record, term, findings);
}

/** Its octets: how many, and how they are written. */
function judgeText(
  { domain, status, record = '', txtBytes, others }: SpfTreeRecord,
  { top }: RecordRole,
  findings: SpfFindings,
): void {
  // With several records, these are the others.
  for (const text of status === 'several' ? [] : others) {
    if (text.toLowerCase().startsWith('spf2.0/')) {
      const advice = 'Remove it: nobody evaluates it any more (RFC 6686).';
      findings.add('sender-id-record', 'info', `${domain} still has a Sender ID record.`, advice, { domain, text });
    } else {
      const message = `A TXT record of ${domain} looks like an SPF record and is none, since it does not begin with "v=spf1 ".`;
      findings.add('stray-record', 'warning', message, 'Correct it or remove it.', { domain, text });
    }
  }
  // What others publish is theirs to keep small.
  if (domain === top || isSubdomainOf(domain, top)) {
    if (domain.length + txtBytes > LARGE_ANSWER_BYTES) {
      const message = `The TXT records of ${domain} have ${txtBytes} octets together, which does not fit into a small UDP answer.`;
      const advice =
        'Remove TXT records that nobody needs, or move parts of the SPF record to a name of their own (RFC 7208 §3.4).';
      findings.add('large-answer', 'warning', message, advice, { domain, txtBytes });
    }
    if (record.length > LONGEST_STRING) {
      const message = `The record of ${domain} is longer than the ${LONGEST_STRING} octets that one character-string holds.`;
      const advice =
        'It is published in several strings, which are joined without a space between them (RFC 7208 §3.3).';
      findings.add('long-record', 'info', message, advice, { domain, octets: record.length });
    }
  }
  const oddSpace = record.includes('  ') || record.endsWith(' ');
  const names = record.split(' ').map((term) => /^[+?~-]?[A-Za-z0-9._-]*/.exec(term)?.[0] ?? '');
  if (oddSpace || names.some((name) => name !== name.toLowerCase())) {
    const message = `The record of ${domain} has ${oddSpace ? 'more spaces than it needs' : 'names in capital letters'}.`;
    findings.add('odd-spelling', 'info', message, 'It is valid; some programs cannot read it all the same.', {
      domain,
      record,
    });
  }
}

/** What it says of everybody else. */
function judgeEnd(record: SpfTreeRecord, { chain }: RecordRole, findings: SpfFindings): void {
  const { domain, terms } = record;
  const all = terms.find(({ name, qualifier }) => name === 'all' && qualifier !== undefined);
  const redirect = terms.find(({ name }) => name === 'redirect');
  if (all !== undefined) {
    const behind = terms.filter(({ status, qualifier }) => status === 'ignored' && qualifier !== undefined);
    if (behind.length > 0) {
      const evidence = { domain, terms: behind.map(({ text }) => text).slice(0, 20) };
      const message = `In the record of ${domain}, ${behind.length === 1 ? 'a term stands' : `${behind.length} terms stand`} behind "${all.text}", where nobody reads on.`;
      findings.add(
        'term-after-all',
        'warning',
        message,
        'Move what is meant to count before it, and remove the rest.',
        evidence,
      );
    }
    if (redirect !== undefined) {
      const message = `In the record of ${domain}, "${redirect.text}" has no effect, since there is an "all".`;
      findings.add('redirect-ignored', 'warning', message, 'Remove one of them (RFC 7208 §5.1).', {
        domain,
        term: redirect.text,
      });
    }
  }
  if (!chain) return;
  if (all === undefined && redirect === undefined) {
    const message = `The record of ${domain} does not say what is to become of everybody else.`;
    findings.add('missing-all', 'warning', message, 'End it with "-all" or "~all".', { domain });
  }
  const term = all?.text ?? '';
  switch (all?.qualifier) {
    case 'neutral':
      findings.add(
        'neutral-all',
        'warning',
        `With "${term}", ${domain} says nothing about everybody else.`,
        'Use "-all" or "~all".',
        { domain, term },
      );
      break;
    case 'softfail':
      findings.add('softfail-all', 'info', `Everybody else gets softfail ("${term}").`, '', { domain, term });
      break;
    case 'fail':
      findings.add('fail-all', 'info', `Everybody else gets fail ("${term}").`, '', { domain, term });
      break;
    default:
  }
}

function judgeModifier({ domain }: SpfTreeRecord, term: SpfTreeTerm, findings: SpfFindings): void {
  const evidence = { domain, term: term.text };
  if (term.name === 'redirect') return;
  if (term.name === 'exp') {
    if (term.problem === undefined || term.status !== 'known') return;
    const message = `The explanation that "${term.text}" of ${domain} names cannot be used: ${term.problem}.`;
    const advice = 'Publish one TXT record of printable text there, or remove the modifier.';
    findings.add('explanation-unusable', 'warning', message, advice, { ...evidence, problem: term.problem });
  } else if (term.name === 'v') {
    const message = `The record of ${domain} has another record in it, from "${term.text}" on.`;
    findings.add(
      'joined-records',
      'warning',
      message,
      'Make one record of them, with one "v=spf1" and one "all".',
      evidence,
    );
  } else if (mechanisms.has(term.name)) {
    const message = `"${term.text}" of ${domain} is a modifier that nobody knows, and has no effect.`;
    const advice = `The mechanism is written "${term.name}:…", with a colon.`;
    findings.add('modifier-for-mechanism', 'warning', message, advice, evidence);
  } else {
    const message = `"${term.text}" of ${domain} is a modifier that nobody knows, and has no effect.`;
    findings.add('unknown-modifier', 'info', message, '', evidence);
  }
}
