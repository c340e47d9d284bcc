import { type Awaitable, andThen } from '@postern/core';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import type { DmarcPolicy } from './dmarc-policy.ts';
import type { DmarcRecord } from './dmarc-record.ts';
import { type AlignmentReading, alignIdentifiers, type Identifiers, notCompared } from './identifier-alignment.ts';
import {
  applicableRecord,
  type DmarcLookups,
  type FailedLookup,
  type FoundRecord,
  organizationalDomain,
} from './tree-walk.ts';

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
  | 'failedName'
> & { readonly authorDomain: string };

/** The policy that applies; nothing of it is known when DNS did not tell whether the author domain exists. */
interface AppliedPolicy {
  readonly tag: 'p' | 'sp' | 'np' | undefined;
  readonly published: DmarcPolicy | undefined;
  readonly failure: FailedLookup | undefined;
}

/** Evaluates DMARC for one author domain (RFC 9989 §5.3.2 to §5.3.5). Never rejects. */
export function judgeAuthor(
  author: string,
  identifiers: Identifiers,
  lookups: DmarcLookups,
): Awaitable<AuthorJudgement> {
  return andThen(lookups.lookUp(author), (own) => {
    if (own.kind === 'record') {
      return judgeByRecord(author, { domain: author, record: own.record }, undefined, identifiers, lookups);
    }
    if (own.kind === 'failure') return unknown(author, identifiers, own);
    return judgeFromAbove(author, identifiers, lookups);
  });
}

/** For an author domain without a record. */
async function judgeFromAbove(
  author: string,
  identifiers: Identifiers,
  lookups: DmarcLookups,
): Promise<AuthorJudgement> {
  const walk = await lookups.walk(author);
  // What would be found further up might apply instead.
  if (walk.failure !== undefined) return unknown(author, identifiers, walk.failure);
  const organization = organizationalDomain(walk);
  const found = applicableRecord(walk, organization);
  if (found !== undefined) return judgeByRecord(author, found, organization, identifiers, lookups);
  return unjudged(author, 'none', 'no-record', identifiers, { organizationalDomain: organization });
}

function judgeByRecord(
  author: string,
  { domain: policyDomain, record }: FoundRecord,
  organization: string | undefined,
  identifiers: Identifiers,
  lookups: DmarcLookups,
): Awaitable<AuthorJudgement> {
  // RFC 9989 §4.10.1: no DMARC processing; §9.2 names that a permanent error.
  if (record.p === undefined) {
    const facts = { policyDomain, organizationalDomain: organization, record };
    return unjudged(author, 'permerror', 'unusable-record', identifiers, facts);
  }
  return andThen(policyDomain === author ? ownPolicy(record) : inheritedPolicy(author, record, lookups), (applied) =>
    andThen(alignIdentifiers(author, record, identifiers, lookups), (aligned) => {
      const { result, reason } = verdictOf(aligned, applied);
      const { tag, published } = applied;
      const failure = aligned.failure ?? applied.failure;
      return {
        result,
        reason,
        authorDomain: author,
        policyDomain,
        organizationalDomain: organization ?? aligned.organizationalDomain,
        record,
        policyTag: tag,
        publishedPolicy: published,
        policy: published === undefined || !record.testing ? published : oneLevelLower[published],
        alignment: aligned.alignment,
        failure: failure?.reason,
        failedName: failure?.name,
      };
    }),
  );
}

function verdictOf(
  { alignment, missed }: AlignmentReading,
  { failure }: AppliedPolicy,
): Pick<AuthorJudgement, 'result' | 'reason'> {
  if (alignment.spfAligned || alignment.dkimAligned) return { result: 'pass', reason: 'aligned' };
  if (missed !== undefined) return { result: 'temperror', reason: missed };
  // RFC 9989 §5.3.6: nor can a policy be applied that is not known.
  return failure === undefined ? { result: 'fail', reason: 'not-aligned' } : { result: 'temperror', reason: 'dns' };
}

function unknown(author: string, identifiers: Identifiers, { name, reason }: FailedLookup): AuthorJudgement {
  return unjudged(author, 'temperror', 'dns', identifiers, { failure: reason, failedName: name });
}

/** Without a record to go by. */
function unjudged(
  author: string,
  result: DmarcEvaluation['result'],
  reason: DmarcEvaluation['reason'],
  identifiers: Identifiers,
  facts: Partial<AuthorJudgement>,
): AuthorJudgement {
  return {
    result,
    reason,
    authorDomain: author,
    policyDomain: undefined,
    organizationalDomain: undefined,
    record: undefined,
    policyTag: undefined,
    publishedPolicy: undefined,
    policy: undefined,
    alignment: notCompared(identifiers),
    failure: undefined,
    failedName: undefined,
    ...facts,
  };
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
