import type { Verdict } from '@postern/core';
import type { SpfCheck } from '../spf/spf-evaluation.ts';
import type { SenderAction } from './sender-action.ts';
import type { SenderPolicy } from './sender-policy.ts';
import { spfFailedReply, spfPermanentReply, spfTemporaryReply } from './sender-reply.ts';

/**
 * What SPF alone leads to at MAIL FROM.
 *
 * @param forwards - the client is a forwarder whom others' mail is not held against
 */
export function judgeSpf(spf: SpfCheck, policy: SenderPolicy, forwards: boolean): Verdict {
  if (forwards) return {};
  switch (spf.result) {
    case 'fail':
      return verdictOf(policy.onSpfFail, spf);
    case 'temperror':
      return verdictOf(policy.onSpfTempError, spf);
    case 'permerror':
      return verdictOf(policy.onSpfPermError, spf);
    default:
      return {};
  }
}

function verdictOf(action: SenderAction, { result, domain, ip }: SpfCheck): Verdict {
  switch (action) {
    case 'ignore':
      return {};
    case 'quarantine':
      return { verdict: 'quarantine' };
    case 'defer':
      return { verdict: 'defer', reply: spfTemporaryReply(domain) };
    case 'reject': {
      const reply = result === 'fail' ? spfFailedReply(domain, ip) : spfPermanentReply(domain);
      return { verdict: 'reject', reply };
    }
  }
}
