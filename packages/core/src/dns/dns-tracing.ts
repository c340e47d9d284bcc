import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { DnsAnswer, RecordType } from './resolver.ts';

/** What subscribers of the tracing channel `postern.core.resolve` learn of one lookup that went to a server. */
export interface ResolveTrace {
  readonly name: string;
  readonly type: RecordType;
  /** The server that gave the answer, once it has: `udp://192.0.2.1:53`. */
  server?: string;
  /** Once it is there. */
  answer?: DnsAnswer;
}

/**
 * The channel `postern.core.resolve`: `start`, `end`, `asyncStart` and `asyncEnd` of each lookup, `error` only for a
 * programmer's mistake.
 */
export function resolveChannel(): TracingChannel<unknown, ResolveTrace> {
  return tracingChannel<unknown, ResolveTrace>('postern.core.resolve');
}
