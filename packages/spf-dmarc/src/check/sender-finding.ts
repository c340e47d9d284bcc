import type { Finding } from '@postern/core';
import type { BimiEvaluation } from '../message/bimi-evaluation.ts';
import type { SpfCheck } from '../spf/spf-evaluation.ts';
import type { DmarcVerdict } from './judge-dmarc.ts';
import type { SenderFindings } from './sender-findings.ts';

/** What a finding quotes of a record or an explanation. */
const LONGEST_QUOTED = 500;

function quoted(text: string | undefined): string | undefined {
  return text?.slice(0, LONGEST_QUOTED);
}

function spfSummary({ result, domain, ip, matched, problem }: SpfCheck): string {
  const term = matched === undefined ? '' : ` (${matched.term})`;
  switch (result) {
    case 'pass':
      return `${domain} allows ${ip} to send for it${term}.`;
    case 'fail':
      return `${domain} does not allow ${ip} to send for it${term}.`;
    case 'softfail':
      return `${domain} says that ${ip} should probably not send for it${term}.`;
    case 'neutral':
      return `${domain} does not say whether ${ip} may send for it${term}.`;
    case 'none':
    case 'temperror':
    case 'permerror':
      return problem ?? `SPF says ${result}.`;
  }
}

/** What SPF found, for a report. */
export function spfFinding(spf: SpfCheck): Finding {
  const { result, identity, domain, ip, matched, record, explanation, problem, lookupTerms, voidLookups } = spf;
  return {
    kind: `spf-dmarc/spf-${result}`,
    summary: spfSummary(spf),
    result,
    identity,
    domain,
    client: ip,
    record: quoted(record),
    matched: matched && { domain: matched.domain, term: matched.term, path: matched.path.map(({ term }) => term) },
    // A stranger wrote it.
    explanation: quoted(explanation),
    problem,
    lookupTerms,
    voidLookups,
    helo: { result: spf.helo.result, domain: spf.helo.domain },
  };
}

/** What everything else found, for a report. */
export function messageFinding(
  { dkim, dmarc, arc }: SenderFindings,
  { action, disposition, overrides }: DmarcVerdict,
  bimi: BimiEvaluation | undefined,
): Finding {
  return {
    kind: `spf-dmarc/dmarc-${dmarc.result}`,
    summary: dmarc.summary,
    result: dmarc.result,
    reason: dmarc.reason,
    authorDomain: dmarc.authorDomain,
    policyDomain: dmarc.policyDomain,
    policy: dmarc.policy,
    publishedPolicy: dmarc.publishedPolicy,
    action,
    disposition,
    overrides: overrides.map(({ type, comment }) => ({ type, comment })),
    spfAligned: dmarc.alignment.spfAligned,
    dkimAligned: dmarc.alignment.dkimAligned,
    dkim: dkim.map(({ result, reason, domain, selector, detail, unsignedBytes }) => ({
      result,
      reason,
      domain,
      selector,
      detail,
      unsignedBytes,
    })),
    arc: arc && { result: arc.result, summary: arc.summary, sealer: arc.sealer, sets: arc.sets.length },
    bimi: bimi && { ...bimi },
  };
}
