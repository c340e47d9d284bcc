import type { Finding, JsonObject, MethodResult, Opinion } from '@postern/core';
import type { ReverseDnsRule, Rules, RuleVerdict } from './reverse-dns-rule.ts';
import { deferReply, rejectReply } from './rule-reply.ts';

/** What one stage found out. */
export interface StageFacts {
  readonly kind: Finding['kind'];
  readonly summary: string;
  readonly facts: JsonObject;
  /** The rules that the facts speak of, the most telling first. */
  readonly broken: readonly ReverseDnsRule[];
  readonly authResults?: readonly MethodResult[];
}

const strength: Readonly<Record<RuleVerdict, number>> = { ignore: 0, quarantine: 1, defer: 2, reject: 3 };

/**
 * Facts and rules make an opinion: the strongest verdict of the rules that are broken, with the reply of the first rule
 * that asks for it, and all their scores. Rules on trial are reported and count for nothing.
 */
export function judgeRules({ kind, summary, facts, broken, authResults }: StageFacts, rules: Rules): Opinion {
  let decided: ReverseDnsRule | undefined;
  let verdict: RuleVerdict = 'ignore';
  let score = 0;
  for (const rule of broken) {
    const policy = rules[rule];
    if (policy.dryRun) continue;
    score += policy.score;
    if (strength[policy.verdict] > strength[verdict]) [decided, verdict] = [rule, policy.verdict];
  }
  const reported = broken.map((rule) => ({ rule, ...rules[rule] }));
  const opinion = {
    finding: { kind, summary, ...facts, rules: reported },
    ...(score === 0 ? {} : { score }),
    ...(authResults === undefined ? {} : { authResults }),
  };
  if (decided === undefined || verdict === 'ignore') return opinion;
  if (verdict === 'quarantine') return { ...opinion, verdict };
  return verdict === 'reject'
    ? { ...opinion, verdict, reply: rejectReply(decided) }
    : { ...opinion, verdict, reply: deferReply(decided) };
}
