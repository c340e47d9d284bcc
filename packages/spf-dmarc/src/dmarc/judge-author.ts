import type { DnsFailureReason } from '@postern/core';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import type { DmarcPolicy } from './dmarc-policy.ts';
import type { DmarcRecord } from './dmarc-record.ts';
import { alignIdentifiers, type Identifiers, notCompared } from './identifier-alignment.ts';
import { applicableRecord, type DmarcLookups, organizationalDomain } from './tree-walk.ts';

/** What DMARC says of one author domain. */
export type AuthorJudgement = Pick<
  DmarcEvaluation,
  | 'result'
  | 'reason'
  | 'policyDomain'
  | 'organizationalDomain'
  | 'record'
  | 'policyTag'
  | 'publishedPolicy'
  | 'policy'
  | 'alignment'
  | 'failure'
> & { readonly authorDomain: string };

/** The policy that applies; nothing of it is known when DNS did not tell whether the author domain exists. */
interface AppliedPolicy {
  readonly tag: 'p' | 'sp' | 'np' | undefined;
  readonly published: DmarcPolicy | undefined;
  readonly failure: DnsFailureReason | undefined;
}

/** Evaluates DMARC for one author domain (RFC 9989 §5.3.2 to §5.3.5). Never rejects. */
export async function judgeAuthor(
  author: string,
  identifiers: Identifiers,
  lookups: DmarcLookups,
): Promise<AuthorJudgement> {
  const unjudged = {
    authorDomain: author,
    policyDomain: undefined,
    organizationalDomain: undefined,
    record: undefined,
    policyTag: undefined,
    publishedPolicy: undefined,
    policy: undefined,
    alignment: notCompared(identifiers),
    failure: undefined,
  };
  const own = await lookups.lookUp(author);
  if (own.kind === 'failure') return { ...unjudged, result: 'temperror', reason: 'dns', failure: own.reason };
  let found = own.kind === 'record' ? { domain: author, record: own.record } : undefined;
  let organization: string | undefined;
  if (found === undefined) {
    const walk = await lookups.walk(author);
    // What would be found further up might apply instead.
    if (walk.failure !== undefined) return { ...unjudged, result: 'temperror', reason: 'dns', failure: walk.failure };
    organization = organizationalDomain(walk);
    found = applicableRecord(walk, organization);
    if (found === undefined) {
      return { ...unjudged, result: 'none', reason: 'no-record', organizationalDomain: organization };
    }
  }
  const { domain: policyDomain, record } = found;
  const located = { ...unjudged, policyDomain, organizationalDomain: organization, record };
  // RFC 9989 §4.10.1: no DMARC processing; §9.2 names that a permanent error.
  if (record.p === undefined) return { ...located, result: 'permerror', reason: 'unusable-record' };

  const applied = policyDomain === author ? ownPolicy(record) : await inheritedPolicy(author, record, lookups);
  const {
    alignment,
    missed,
    failure,
    organizationalDomain: walkedTo,
  } = await alignIdentifiers(author, record, identifiers, lookups);
  const judged = {
    ...located,
    organizationalDomain: organization ?? walkedTo,
    policyTag: applied.tag,
    publishedPolicy: applied.published,
    policy: applied.published === undefined || !record.testing ? applied.published : oneLevelLower[applied.published],
    alignment,
    failure: failure ?? applied.failure,
  };
  if (alignment.spfAligned || alignment.dkimAligned) return { ...judged, result: 'pass', reason: 'aligned' };
  if (missed !== undefined) return { ...judged, result: 'temperror', reason: missed };
  // RFC 9989 §5.3.6: nor can a policy be applied that is not known.
  if (applied.failure !== undefined) return { ...judged, result: 'temperror', reason: 'dns' };
  return { ...judged, result: 'fail', reason: 'not-aligned' };
}

/** RFC 9989 §4.7 `t`. */
const oneLevelLower: Readonly<Record<DmarcPolicy, DmarcPolicy>> = {
  reject: 'quarantine',
  quarantine: 'none',
  none: 'none',
};

/** RFC 9989 §4.10.1: the author domain's own record speaks of it with `p`. */
function ownPolicy({ p }: DmarcRecord): AppliedPolicy {
  return { tag: 'p', published: p, failure: undefined };
}

/**
 * RFC 9989 §4.10.1: the record of a domain above has `sp` for subdomains that exist and `np` for those that do not. Which of
 * both is only asked for when it makes a difference.
 */
async function inheritedPolicy(
  author: string,
  { p, sp, np }: DmarcRecord,
  lookups: DmarcLookups,
): Promise<AppliedPolicy> {
  const existing: AppliedPolicy = { tag: sp === undefined ? 'p' : 'sp', published: sp ?? p, failure: undefined };
  if (np === undefined || np === existing.published) return existing;
  const exists = await lookups.exists(author);
  if (exists === true) return existing;
  if (exists === false) return { tag: 'np', published: np, failure: undefined };
  return { tag: undefined, published: undefined, failure: exists };
}
