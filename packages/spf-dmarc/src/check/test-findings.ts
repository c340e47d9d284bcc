import { sampleTransaction } from '@postern/testing';
import type { DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import type { SpfCheck } from '../spf/spf-evaluation.ts';
import { headerOf } from '../test-header.ts';
import type { SenderFindings } from './sender-findings.ts';

const nothing = {
  sender: 'ann@example.org',
  ip: '192.0.2.1',
  heloName: 'client.example',
  record: undefined,
  matched: undefined,
  explanation: undefined,
  problem: undefined,
  lookupTerms: 0,
  voidLookups: 0,
  lookups: [],
} as const;

function spfOf(result: SpfCheck['result'], domain = 'example.org'): SpfCheck {
  const evaluation = { ...nothing, result, identity: 'mailfrom', domain } as const;
  return { ...evaluation, helo: { ...nothing, result: 'none', identity: 'helo', domain: 'client.example' } };
}

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
