import type { DkimResult } from '../dkim/dkim-result.ts';
import type { Alignment, DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import { parseDmarcRecord } from '../dmarc/parse-dmarc-record.ts';
import type { SpfResult } from '../spf/spf-result.ts';

interface EvaluationParts {
  readonly record?: string;
  readonly result?: DmarcEvaluation['result'];
  readonly spf?: readonly [SpfResult, string, Alignment];
  readonly dkim?: readonly (readonly [DkimResult, string, Alignment])[];
}

const isAligned = ([result, , alignment]: readonly [string, string, Alignment]): boolean =>
  result === 'pass' && (alignment === 'strict' || alignment === 'relaxed');

/** What DMARC says of a message whose author is at example.com, for tests. */
export function evaluationOf(parts: EvaluationParts = {}): DmarcEvaluation {
  const record = parseDmarcRecord(
    parts.record ?? 'v=DMARC1; p=reject; rua=mailto:a@example.com; ruf=mailto:f@example.com',
  );
  const { spf, dkim = [] } = parts;
  const spfAligned = spf !== undefined && isAligned(spf);
  const dkimAligned = dkim.some(isAligned);
  const result = parts.result ?? (spfAligned || dkimAligned ? 'pass' : 'fail');
  return {
    result,
    reason: result === 'pass' ? 'aligned' : 'not-aligned',
    summary: '',
    authorDomain: 'example.com',
    authorDomains: [],
    policyDomain: 'example.com',
    organizationalDomain: 'example.com',
    record,
    policyTag: 'p',
    publishedPolicy: record?.p,
    policy: record?.p,
    disposition: result === 'fail' ? 'quarantine' : 'none',
    overrides: result === 'fail' ? [{ type: 'local_policy', comment: 'quarantined only' }] : [],
    alignment: {
      spfAligned,
      dkimAligned,
      spf: spf && { result: spf[0], domain: spf[1], alignment: spf[2] },
      dkim: dkim.map(([each, domain, alignment], index) => ({
        result: each,
        domain,
        selector: `s${index}`,
        alignment,
      })),
    },
    queries: 1,
    failure: undefined,
    rfc7489: undefined,
  };
}
