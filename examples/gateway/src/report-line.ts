import type { Outcome, Report } from '@postern/core';

const marks: Record<Outcome, string> = {
  accepted: '✓',
  quarantined: '!',
  rejected: '✗',
  deferred: '…',
  aborted: '-',
  unknown: '?',
  none: '·',
};

/** One line for a person: who sent what to whom, how it ended, and every reason. */
export function reportLine(report: Report): string {
  const { session, recipients, opinions, outcome, reply, reversePath } = report;
  const time = new Date(report.startedAt).toISOString().slice(11, 19);
  const who = `${session.client.address} (${session.helo ?? 'no HELO'})`;
  const what =
    reversePath === undefined
      ? 'sent no mail'
      : `<${reversePath}> → ${recipients.map(({ address, reply: { code } }) => `<${address}> ${code}`).join(', ') || 'nobody'}`;
  const reasons = opinions.map(({ check, finding, enforced }) => `${check}: ${finding.summary}${enforced ? ' ←' : ''}`);
  const end = reply === undefined ? outcome : `${outcome}, ${reply.code} ${reply.enhanced}`;
  return `${time} ${marks[outcome]} ${who} ${what}: ${end}${reasons.map((reason) => `\n           ${reason}`).join('')}`;
}
