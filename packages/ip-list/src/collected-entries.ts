import { formatCidr } from '@postern/core';
import type { ListProblem } from './list-problem.ts';
import { type DomainTextOptions, type IpTextOptions, readDomainEntries, readIpEntries } from './read-entries.ts';
import type { TextSource } from './text-pieces.ts';

/** For tests: what was read, as lines to compare. */
export interface Collected {
  /** `192.0.2.0/24 block reason` */
  readonly entries: readonly string[];
  /** `1 skipped not-an-address` */
  readonly problems: readonly string[];
}

function problemLine({ line, kind, reason }: ListProblem): string {
  return `${line} ${kind} ${reason}`;
}

/** For tests: everything that a text of addresses gives. */
export async function collectIp(source: TextSource, options: IpTextOptions): Promise<Collected> {
  const problems: string[] = [];
  const entries: string[] = [];
  const onProblem = (problem: ListProblem): number => problems.push(problemLine(problem));
  for await (const [cidr, { action, reason }] of readIpEntries(source, { ...options, onProblem })) {
    entries.push(`${formatCidr(cidr)} ${action} ${reason}`.trim());
  }
  return { entries, problems };
}

/** For tests: everything that a text of names gives. */
export async function collectDomains(source: TextSource, options: DomainTextOptions): Promise<Collected> {
  const problems: string[] = [];
  const entries: string[] = [];
  const onProblem = (problem: ListProblem): number => problems.push(problemLine(problem));
  for await (const [pattern, { action, reason }] of readDomainEntries(source, { ...options, onProblem })) {
    entries.push(`${pattern} ${action} ${reason}`.trim());
  }
  return { entries, problems };
}
