import type { Awaitable, OptionReader } from '@postern/core';
import type { DkimResult } from '../dkim/dkim-result.ts';
import type { DmarcResult } from '../dmarc/dmarc-result.ts';
import type { SpfResult } from '../spf/spf-result.ts';
import {
  type FinalAction,
  finalActions,
  isSenderAction,
  type SenderAction,
  senderActions,
  type TransientAction,
  transientActions,
} from './sender-action.ts';
import type { SenderFindings } from './sender-findings.ts';

/** What is done with a message, or who says so when one comes. */
export type SenderDecision = SenderAction | ((findings: SenderFindings) => Awaitable<SenderAction>);

/** What each result adds to the transaction's score. Each from -1,000,000 to 1,000,000; what is not named adds nothing. */
export interface SenderScores {
  readonly spf?: Readonly<Partial<Record<SpfResult, number>>>;
  /** Of the best signature; `none` without any. */
  readonly dkim?: Readonly<Partial<Record<DkimResult, number>>>;
  readonly dmarc?: Readonly<Partial<Record<DmarcResult, number>>>;
}

/** What is done about each result. */
export interface SenderPolicyOptions {
  /**
   * The SPF result is `fail`. Default `ignore`: DMARC decides when the message is there, and a forwarded message that is
   * signed passes. With `reject` it is refused at MAIL FROM (550 5.7.23) unless it comes from a trusted forwarder.
   */
  readonly onSpfFail?: FinalAction;
  /**
   * The SPF result is `temperror`. Default `defer` (451 4.7.24), for as long as the domain's DNS is broken; `quarantine` and
   * `ignore` take the message, and DMARC decides. A trusted forwarder is never deferred for it.
   */
  readonly onSpfTempError?: TransientAction;
  /** The SPF result is `permerror`: the sender's record is broken. Default `ignore`. */
  readonly onSpfPermError?: FinalAction;
  /**
   * DMARC failed and the domain owner asks for rejection. Default `quarantine`: RFC 9989 §7.4 wants nobody to reject for that
   * alone, since what comes by mailing lists and forwarders fails as well. `reject` answers 550 5.7.26. A function decides
   * from all that is known; what it throws defers the message.
   */
  readonly onReject?: SenderDecision;
  /** DMARC failed and the domain owner asks for quarantine. Default `quarantine`. */
  readonly onQuarantine?: SenderDecision;
  /**
   * Whether the message passes DMARC hangs on a lookup that failed. Default `defer` (451 4.3.0). Who can make DNS fail gets
   * his mail in with `ignore`.
   */
  readonly onDmarcTempError?: TransientAction;
  /**
   * The message has no From field, several, or none that names one author domain, so that no policy can be looked up: a way
   * around DMARC (RFC 9989 §11.5). Default `quarantine`.
   */
  readonly onBadFrom?: FinalAction;
  /** Default: nothing adds anything. */
  readonly scores?: SenderScores;
}

/** {@link SenderPolicyOptions} with their defaults. */
export type SenderPolicy = Required<SenderPolicyOptions>;

const MAX_SCORE = 1_000_000;

const scored: Readonly<Record<keyof SenderScores, readonly string[]>> = {
  spf: ['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror'],
  dkim: ['none', 'pass', 'fail', 'policy', 'neutral', 'temperror', 'permerror'],
  dmarc: ['none', 'pass', 'fail', 'temperror', 'permerror'],
};

function isDecision(value: unknown): value is SenderDecision {
  return typeof value === 'function' || isSenderAction(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function areScores(value: unknown): value is SenderScores {
  if (!isRecord(value)) return false;
  return Object.entries(value).every(([method, scores]) => {
    const results = Object.entries(scored).find(([name]) => name === method)?.[1];
    if (scores === undefined) return results !== undefined;
    if (results === undefined || !isRecord(scores)) return false;
    return Object.entries(scores).every(
      // `NaN` is not within either.
      ([result, score]) => results.includes(result) && typeof score === 'number' && Math.abs(score) <= MAX_SCORE,
    );
  });
}

/** Reads {@link SenderPolicyOptions}. */
export function readSenderPolicy(read: OptionReader): SenderPolicy {
  const actions = senderActions.map((action) => JSON.stringify(action)).join(', ');
  const decision = (name: string): SenderDecision =>
    read.value(name, isDecision, `one of ${actions}, or a function`) ?? 'quarantine';
  return {
    onSpfFail: read.oneOf('onSpfFail', finalActions, 'ignore'),
    onSpfTempError: read.oneOf('onSpfTempError', transientActions, 'defer'),
    onSpfPermError: read.oneOf('onSpfPermError', finalActions, 'ignore'),
    onReject: decision('onReject'),
    onQuarantine: decision('onQuarantine'),
    onDmarcTempError: read.oneOf('onDmarcTempError', transientActions, 'defer'),
    onBadFrom: read.oneOf('onBadFrom', finalActions, 'quarantine'),
    scores:
      read.value('scores', areScores, `an object of "spf", "dkim", "dmarc", each with numbers for its results`) ?? {},
  };
}
