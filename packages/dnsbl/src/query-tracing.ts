import { type TracingChannel, tracingChannel } from 'node:diagnostics_channel';
import { formatIp, type IpAddress } from '@postern/core';
import type { DnsblResult } from './dnsbl-result.ts';

/** What subscribers of the tracing channel `postern.dnsbl.query` learn of one query to DNS lists. */
export interface QueryTrace {
  /** The address or the domain that is asked about. */
  readonly subject: string;
  /** Once it is there. */
  result?: DnsblResult;
}

/** Made when the first query comes. */
let channel: TracingChannel<unknown, QueryTrace> | undefined;

/** Traces a query if somebody listens; costs next to nothing if nobody does. */
export function traced(subject: IpAddress | string, query: () => Promise<DnsblResult>): Promise<DnsblResult> {
  channel ??= tracingChannel<unknown, QueryTrace>('postern.dnsbl.query');
  if (!channel.hasSubscribers) return query();
  const trace: QueryTrace = { subject: typeof subject === 'string' ? subject : formatIp(subject) };
  return channel.tracePromise(async () => {
    const result = await query();
    trace.result = result;
    return result;
  }, trace);
}
