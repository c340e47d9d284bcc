import { isSubdomainOf } from '@postern/core';
import type { DmarcIdentifier, Rfc7489Comparison } from './dmarc-evaluation.ts';
import type { AuthorJudgement } from './judge-author.ts';
import type { DmarcLookups } from './tree-walk.ts';

/**
 * What RFC 7489 would have said of the same author and identifiers: the organizational domain is the registrable domain
 * (§3.2), the record stands there when the author domain has none (§6.6.3), and nothing stands above it.
 */
export async function compareWithRfc7489(
  judgement: AuthorJudgement,
  lookups: DmarcLookups,
  registrableDomain: (name: string) => string | null,
): Promise<Rfc7489Comparison> {
  const { authorDomain: author, alignment } = judgement;
  const organizationOf = (domain: string): string => {
    const registrable = registrableDomain(domain);
    return registrable !== null && isSubdomainOf(domain, registrable) ? registrable : domain;
  };
  const organization = organizationOf(author);
  const say = (
    result: Rfc7489Comparison['result'],
    policyDomain?: string,
    policy?: Rfc7489Comparison['policy'],
  ): Rfc7489Comparison => ({
    result,
    organizationalDomain: organization,
    policyDomain,
    policy,
    differs: result !== judgement.result || policy !== judgement.policy,
  });

  let policyDomain = author;
  let found = await lookups.lookUp(author);
  if (found.kind === 'none' && organization !== author) {
    policyDomain = organization;
    found = await lookups.lookUp(organization);
  }
  if (found.kind === 'failure') return say('temperror');
  if (found.kind === 'none' || found.record.p === undefined) return say('none');
  const { p, sp, adkim, aspf } = found.record;
  const aligns = ({ result, domain }: DmarcIdentifier, mode: 'r' | 's'): boolean =>
    result === 'pass' && (domain === author || (mode === 'r' && organizationOf(domain) === organization));
  const { spf, dkim } = alignment;
  const passes = (spf !== undefined && aligns(spf, aspf)) || dkim.some((each) => aligns(each, adkim));
  return say(passes ? 'pass' : 'fail', policyDomain, policyDomain === author ? p : (sp ?? p));
}
