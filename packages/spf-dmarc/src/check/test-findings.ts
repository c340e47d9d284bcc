import { sampleTransaction } from '@postern/testing';
import type { DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import { spfOf } from '../spf/test-spf-check.ts';
import { headerOf } from '../test-header.ts';
import type { SenderFindings } from './sender-findings.ts';

export function dmarcOf(more: Partial<DmarcEvaluation> = {}): DmarcEvaluation {
  return {
    result: 'fail',
    reason: 'not-aligned',
    summary: 'Nobody who is aligned was authenticated.',
    authorDomain: 'example.org',
    authorDomains: ['example.org'],
    policyDomain: 'example.org',
    organizationalDomain: 'example.org',
    record: undefined,
    policyTag: 'p',
    publishedPolicy: more.policy ?? 'reject',
    policy: 'reject',
    disposition: 'quarantine',
    overrides: [],
    alignment: { spfAligned: false, dkimAligned: false, spf: undefined, dkim: [] },
    queries: 1,
    failure: undefined,
    rfc7489: undefined,
    ...more,
  };
}

/** A message for `example.org` that fails DMARC under `p=reject`, unless told otherwise. */
export function findingsOf(more: Partial<SenderFindings> = {}): SenderFindings {
  return {
    transaction: sampleTransaction(),
    header: headerOf('From: ann@example.org', 'Subject: hi'),
    spf: spfOf('none'),
    dkim: [],
    dmarc: dmarcOf(),
    ...more,
  };
}
