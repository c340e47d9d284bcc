import type {
  AnyOpinion,
  Check,
  Finding,
  Opinion,
  PermanentReply,
  SmtpReply,
  Stage,
  TransientReply,
} from '@postern/core';

/** One opinion as the gateway heard it. */
export interface HeardOpinion {
  /** The check's name; `gateway` for what the gateway itself found. */
  readonly check: string;
  readonly stage: Stage;
  /** The recipient that it speaks of, at stage `recipient`. */
  readonly recipient: string | undefined;
  /** It speaks of strangers only: without effect once the client has logged in or is known to be trusted. */
  readonly strangersOnly: boolean;
  readonly opinion: AnyOpinion;
  /** Milliseconds from the question to the answer. */
  readonly durationMs: number;
}

const REFUSED_BY_POLICY: PermanentReply = { code: 550, enhanced: '5.7.1', text: 'Refused by local policy' };
const DEFERRED_BY_POLICY: TransientReply = {
  code: 451,
  enhanced: '4.7.1',
  text: 'Not accepted for now, please try again later',
};

/** The reply that an opinion asks for; `undefined` when it refuses nothing. */
export function refusalOf(opinion: Opinion): SmtpReply | undefined {
  if (opinion.verdict === 'reject') return opinion.reply ?? REFUSED_BY_POLICY;
  if (opinion.verdict === 'defer') return opinion.reply ?? DEFERRED_BY_POLICY;
  return undefined;
}

/** Whether the opinion ends the session at once (RFC 5321 §3.8: 421 is what a server says before it closes). */
export function endsSession(opinion: Opinion): boolean {
  return opinion.verdict === 'defer' && opinion.reply?.code === 421;
}

/** Whether a check's opinions are about strangers only. */
export function isForStrangers(check: Check): boolean {
  return check.appliesTo === 'strangers';
}

/** What the gateway itself found; with the reply that it gave for it, if that refused. */
export function ownOpinion(stage: Stage, finding: Finding, reply?: SmtpReply, recipient?: string): HeardOpinion {
  const verdict = reply === undefined ? {} : { verdict: reply.code < 500 ? ('defer' as const) : ('reject' as const) };
  return {
    check: 'gateway',
    stage,
    recipient,
    strangersOnly: false,
    opinion: { finding, ...verdict },
    durationMs: 0,
  };
}
