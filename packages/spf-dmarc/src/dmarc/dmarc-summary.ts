import { isSubdomainOf } from '@postern/core';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';

type Judged = Pick<
  DmarcEvaluation,
  | 'reason'
  | 'authorDomain'
  | 'policyDomain'
  | 'policyTag'
  | 'publishedPolicy'
  | 'policy'
  | 'alignment'
  | 'failure'
  | 'failedName'
>;
type Decided = Pick<DmarcEvaluation, 'disposition' | 'overrides'>;

/** One sentence for a person about an evaluation. */
export function summarize(
  judged: Judged,
  decided: Decided,
  authorDomains: readonly string[],
  ambiguousNames: readonly string[] = [],
): string {
  const { reason, authorDomain: author = 'the author domain', policyDomain, failure } = judged;
  switch (reason) {
    case 'aligned': {
      const { spfAligned, dkimAligned } = judged.alignment;
      return `${spfAligned && dkimAligned ? 'SPF and DKIM' : spfAligned ? 'SPF' : 'DKIM'} authenticated ${author}.`;
    }
    case 'not-aligned':
      return `Neither SPF nor DKIM authenticated ${author}; ${wishOf(judged, decided)}.`;
    case 'no-record':
      return `There is no DMARC record for ${author}${ambiguity(author, ambiguousNames)}.`;
    case 'no-author-domain':
      return 'The From field names no domain.';
    case 'dns':
      return `DMARC could not be evaluated for ${author} now: DNS failed for ${judged.failedName ?? 'a name'} (${failure ?? 'unknown'}).`;
    case 'authentication':
      return `Whether SPF or DKIM authenticates ${author} could not be told now: DNS failed for one of them.`;
    case 'unusable-record':
      return `The DMARC record of ${policyDomain ?? author} has no valid policy and no address for reports.`;
    case 'no-from':
      return 'The message has no From field.';
    case 'several-from':
      return 'The message has several From fields, of which anybody may read another one.';
    case 'several-author-domains':
      return `The From field names ${authorDomains.length} domains or more, too many to evaluate.`;
    case 'bad-from':
      return 'The From field cannot be read beyond doubt.';
    case 'bad-author-domain':
      return 'What stands for a domain in the From field is none.';
  }
}

/** That there are records, when none of them counts. */
function ambiguity(author: string, names: readonly string[]): string {
  const name = names.find((each) => each.endsWith(`.${author}`) || isSubdomainOf(author, each.slice('_dmarc.'.length)));
  return name === undefined ? '' : `: several stand at ${name}, and none of them counts`;
}

function wishOf(
  { policyDomain, policyTag, publishedPolicy, policy }: Judged,
  { overrides, disposition }: Decided,
): string {
  const tested = policy === publishedPolicy ? '' : `, and for ${policy} while it tests`;
  const wish = `${policyDomain} asks for ${publishedPolicy} (${policyTag})${tested}`;
  const last = overrides.at(-1);
  if (disposition === policy || last === undefined) return wish;
  return `${wish}; here it is ${disposition} (${last.type})`;
}
