import { readOriginators } from '@postern/core';
import type { DmarcReason } from './dmarc-evaluation.ts';

/** How many domains of a From field a result quotes. */
const MOST_QUOTED = 20;

/** The author domains of a message, or why it has none to go by. */
export type AuthorReading =
  | { readonly ok: true; readonly domains: readonly [string, ...string[]] }
  | { readonly ok: false; readonly reason: DmarcReason; readonly domains: readonly string[] };

/**
 * The domains of the From field (RFC 9989 §5.3.1), in lower case and A-labels, each once.
 *
 * RFC 9989 §4.4: a message whose From field is absent, repeated or malformed has no author domain that could be relied on.
 * The members of a group (RFC 6854) are authors like others. An address literal has no domain.
 *
 * @param headerFrom - the values of all From fields, unfolded
 * @param most - so many different domains make sense
 */
export function readAuthorDomains(headerFrom: string | readonly string[], most: number): AuthorReading {
  const values = typeof headerFrom === 'string' ? [headerFrom] : headerFrom;
  const [value] = values;
  if (value === undefined) return { ok: false, reason: 'no-from', domains: [] };
  if (values.length > 1) {
    const domains = values.slice(0, MOST_QUOTED).flatMap((each) => readAuthorDomains(each, MOST_QUOTED).domains);
    return { ok: false, reason: 'several-from', domains: [...new Set(domains)].slice(0, MOST_QUOTED) };
  }
  const reading = readOriginators(value, { groups: true });
  if (!reading.ok) {
    return { ok: false, reason: reading.reason === 'bad-domain' ? 'bad-author-domain' : 'bad-from', domains: [] };
  }
  const domains: string[] = [];
  for (const { domain } of reading.originators) {
    // One more than makes sense for anybody says that there are too many.
    if (domain.startsWith('[') || domains.length > MOST_QUOTED || domains.includes(domain)) continue;
    domains.push(domain);
  }
  if (!isAny(domains)) return { ok: false, reason: 'no-author-domain', domains };
  if (domains.length <= most) return { ok: true, domains };
  return { ok: false, reason: 'several-author-domains', domains: domains.slice(0, MOST_QUOTED) };
}

function isAny(domains: readonly string[]): domains is readonly [string, ...string[]] {
  return domains.length > 0;
}
