import { type HeaderFields, isSubdomainOf, readOriginators } from '@postern/core';
import type { SignatureReading } from './signature-tags.ts';

/**
 * Which of too many signatures to look at: those that can count for DMARC first, then those that stand higher. A thousand
 * signatures that somebody put on top do not hide the author's.
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
  for (const aligned of [true, false]) {
    for (const index of fit) {
      if (chosen.size === count) return chosen;
      const domain = readings[index]?.facts.domain ?? '';
      if (!aligned || authors.some((author) => isRelated(author, domain))) chosen.add(index);
    }
  }
  return chosen;
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
