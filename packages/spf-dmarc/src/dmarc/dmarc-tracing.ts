import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import type { Identifiers } from './identifier-alignment.ts';

/** What subscribers of the tracing channel `postern.spf-dmarc.dmarc` learn of one evaluation. */
export interface DmarcTrace extends Partial<Identifiers> {
  readonly headerFrom: string | readonly string[];
  /** Once it is there. */
  result?: DmarcEvaluation;
}

/** Made when the first evaluation comes. */
let channel: TracingChannel<unknown, DmarcTrace> | undefined;

/** Traces an evaluation if somebody listens; costs next to nothing if nobody does. */
export function traced(
  input: Omit<DmarcTrace, 'result'>,
  evaluate: () => Promise<DmarcEvaluation>,
): Promise<DmarcEvaluation> {
  channel ??= tracingChannel<unknown, DmarcTrace>('postern.spf-dmarc.dmarc');
  if (!channel.hasSubscribers) return evaluate();
  const trace: DmarcTrace = { ...input };
  return channel.tracePromise(async () => {
    const result = await evaluate();
    trace.result = result;
    return result;
  }, trace);
}
