import { type HeaderFields, isSubdomainOf, readOriginators } from '@postern/core';
import type { SignatureReading } from './signature-tags.ts';

/**
 * Which of too many signatures to look at: those that can count for DMARC first; of these and of the others from both ends
 * of the header in turn. The author's own stands lowest as a rule, as each host adds above what is there; the newest is of
 * the host that had the message last. A thousand signatures that somebody put on top hide neither.
 *
 * @returns indexes of `readings`
 */
export function choose(
  readings: readonly SignatureReading[],
  header: HeaderFields,
  count: number,
): ReadonlySet<number> {
  const chosen = new Set<number>();
  // What cannot be judged costs neither a query nor a check.
  const fit = readings.flatMap(({ ok }, index) => (ok ? [index] : []));
  if (fit.length <= count) return new Set(fit);
  const authors = authorDomains(header);
  const aligned = fit.filter((index) => {
    const domain = readings[index]?.facts.domain ?? '';
    return authors.some((author) => isRelated(author, domain));
  });
  for (const indexes of [aligned, fit]) {
    for (const index of fromBothEnds(indexes)) {
      if (chosen.size === count) return chosen;
      chosen.add(index);
    }
  }
  return chosen;
}

/** The first, the last, the second, the last but one, and so on. */
function* fromBothEnds(indexes: readonly number[]): Generator<number> {
  for (let at = 0; at < indexes.length; at++) {
    const index = indexes[at % 2 === 0 ? at / 2 : indexes.length - (at + 1) / 2];
    if (index !== undefined) yield index;
  }
}

/** Without the list of public suffixes: a suffix that signs is looked at first, and that is all it gets from it. */
function isRelated(author: string, signer: string): boolean {
  return author === signer || isSubdomainOf(author, signer) || isSubdomainOf(signer, author);
}

function authorDomains(header: HeaderFields): readonly string[] {
  const domains: string[] = [];
  for (const { value } of header.all('from')) {
    const reading = readOriginators(value, { groups: true });
    if (!reading.ok) continue;
    for (const { domain } of reading.originators) domains.push(domain);
    if (domains.length >= 10) break;
  }
  return domains.slice(0, 10);
}
