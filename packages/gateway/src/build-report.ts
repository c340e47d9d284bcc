import type {
  Outcome,
  Report,
  ReportedOpinion,
  ReportedRecipient,
  Session,
  SmtpReply,
  Transaction,
} from '@postern/core';
import type { HeardOpinion } from './heard-opinion.ts';

/** What a report tells of. */
export interface ReportFacts {
  readonly session: Session;
  /** Absent in the report of a session without any. */
  readonly transaction?: Transaction;
  readonly recipients: readonly ReportedRecipient[];
  readonly opinions: readonly HeardOpinion[];
  /** Whether the opinion decided a reply. */
  readonly enforced: (heard: HeardOpinion) => boolean;
  readonly score: number;
  readonly outcome: Outcome;
  readonly reply: SmtpReply | undefined;
  readonly message: Report['message'] | undefined;
  /** Milliseconds since the epoch. */
  readonly endedAt: number;
  /** The most opinions besides the enforced ones. */
  readonly maxReportedOpinions: number;
}

/** The report as plain JSON: nothing in it is shared with a session that goes on, findings and replies apart. */
export function buildReport(facts: ReportFacts): Report {
  const { session, transaction, outcome, reply, message, score } = facts;
  const { id, startedAt } = transaction ?? session;
  return {
    version: 1,
    kind: transaction === undefined ? 'session' : 'transaction',
    id,
    session: {
      id: session.id,
      service: session.service,
      client: { address: session.client.address, port: session.client.port },
      ...(session.helo !== undefined && { helo: session.helo }),
      ...(session.tls !== undefined && { tls: session.tls }),
      ...(session.user !== undefined && { user: session.user }),
      trusted: session.trusted,
      startedAt: session.startedAt,
    },
    startedAt,
    durationMs: Math.max(0, facts.endedAt - startedAt),
    ...(transaction !== undefined && { reversePath: transaction.reversePath.address }),
    recipients: facts.recipients.slice(),
    opinions: reportedOpinions(facts),
    score,
    outcome,
    ...(reply !== undefined && { reply }),
    ...(message !== undefined && { message }),
  };
}

function reportedOpinions({ opinions, enforced, maxReportedOpinions }: ReportFacts): ReportedOpinion[] {
  let room = maxReportedOpinions;
  const reported: ReportedOpinion[] = [];
  for (const heard of opinions) {
    const decided = enforced(heard);
    if (!decided && room === 0) continue;
    if (!decided) room -= 1;
    reported.push(reportedOpinion(heard, decided));
  }
  const left = opinions.length - reported.length;
  if (left > 0) {
    reported.push({
      check: 'gateway',
      stage: 'message',
      finding: { kind: 'gateway/opinions-left-out', summary: `${left} more opinions are not listed.`, count: left },
      enforced: false,
      durationMs: 0,
    });
  }
  return reported;
}

function reportedOpinion(
  { check, stage, recipient, opinion, durationMs }: HeardOpinion,
  enforced: boolean,
): ReportedOpinion {
  const { finding, verdict, permit, score } = opinion;
  return {
    check,
    stage,
    ...(recipient !== undefined && { recipient }),
    finding,
    ...(verdict !== undefined && { verdict }),
    enforced,
    ...(permit !== undefined && { permit }),
    ...(score !== undefined && { score }),
    durationMs,
  };
}
