import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { DnsAnswer, RecordType } from './resolver.ts';

/** What subscribers of the tracing channel `postern.core.resolve` learn of one lookup that went to a server. */
export interface ResolveTrace {
  /** As the caller wrote it, or its `shownAs`. */
  readonly name: string;
  readonly type: RecordType;
  /** The server that gave the answer, once it has: `udp://192.0.2.1:53`. */
  server?: string;
  /** Once it is there; of a name that is not shown, without its records and its canonical name. */
  answer?: DnsAnswer;
}

/** What may be shown of the answer about a name that holds a secret: its records and aliases may repeat the secret. */
export function answerWithoutNames<T extends RecordType>(answer: DnsAnswer<T>): DnsAnswer<T> {
  if (answer.kind !== 'records') return answer;
  const { kind, ttl, authentic, stale } = answer;
  return { kind, records: [], ttl, authentic, ...(stale && { stale }) };
}

/**
 * The channel `postern.core.resolve`: `start`, `end`, `asyncStart` and `asyncEnd` of each lookup, `error` only for a
 * programmer's mistake.
 */
export function resolveChannel(): TracingChannel<unknown, ResolveTrace> {
  return tracingChannel<unknown, ResolveTrace>('postern.core.resolve');
}
