import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { SpfEvaluation } from './spf-evaluation.ts';

/** What subscribers of the tracing channel `postern.spf-dmarc.spf` learn of one check. */
export interface SpfTrace {
  readonly ip: string;
  readonly helo: string;
  /** Absent where the HELO identity alone is checked. */
  readonly mailFrom?: string;
  /** Once it is there. */
  result?: SpfEvaluation;
}

/** Made when the first check comes. */
let channel: TracingChannel<unknown, SpfTrace> | undefined;

/** Traces a check if somebody listens; costs next to nothing if nobody does. */
export function traced<T extends SpfEvaluation>(
  input: { readonly ip: string; readonly helo: string; readonly mailFrom?: string },
  check: () => Promise<T>,
): Promise<T> {
  channel ??= tracingChannel<unknown, SpfTrace>('postern.spf-dmarc.spf');
  if (!channel.hasSubscribers) return check();
  const trace: SpfTrace = { ...input };
  return channel.tracePromise(async () => {
    const result = await check();
    trace.result = result;
    return result;
  }, trace);
}
