import {
  type DnsAnswer,
  type IpAddress,
  isGlobal,
  type ResolveOptions,
  type Resolver,
  reverseLabels,
} from '@postern/core';
import type { CompiledZone } from './compiled-zone.ts';
import { type DnsblResult, sumUp } from './dnsbl-result.ts';
import { judgeAnswer, skippedResult, unknownResult } from './judge-answer.ts';
import { listingText } from './listing-text.ts';
import type { ZoneResult, ZoneUnknownReason } from './zone-result.ts';

/** How zones are asked. */
export interface AskOptions {
  readonly resolver: Resolver;
  readonly timeoutMs: number;
  readonly askSpecial: boolean;
}

/** A zone and what it said so far. */
interface Asked {
  readonly zone: CompiledZone;
  result: ZoneResult | undefined;
}

/** Puts the text of a listing's TXT record into its result. */
function withText(zone: CompiledZone, result: ZoneResult, answer: DnsAnswer<'TXT'>): ZoneResult {
  if (answer.kind !== 'records') return result;
  const text = listingText(answer.records.join(' / '), zone.key);
  return text === '' ? result : { ...result, text };
}

/**
 * Asks one zone, leaves in `asked` what it says as soon as it says it, and calls `done` at the end. Never rejects. `done`
 * instead of a `then` at the caller's: one promise less for each zone, which with warm caches is what a query costs.
 */
async function askZone(
  asked: Asked,
  client: IpAddress,
  labels: string,
  resolver: Resolver,
  how: ResolveOptions,
  done: () => void,
): Promise<void> {
  const { zone } = asked;
  try {
    const name = labels + zone.suffix;
    const result = judgeAnswer(zone, await resolver.resolve(name, 'A', how), client);
    asked.result = result;
    if (result.status === 'listed' && zone.txt) {
      asked.result = withText(zone, result, await resolver.resolve(name, 'TXT', how));
    }
  } catch {
    // A listing stands without its text.
    asked.result ??= unknownResult(zone, 'resolver-error');
  }
  done();
}

/**
 * Asks all zones at once and waits for all of them, at most `timeoutMs`. Never rejects: whatever a resolver does, the
 * zones that have not answered by then are `unknown`.
 */
export function askZones(
  client: IpAddress | undefined,
  zones: readonly CompiledZone[],
  { resolver, timeoutMs, askSpecial }: AskOptions,
  signal: AbortSignal | undefined,
): Promise<DnsblResult> {
  // What a private or loopback address has done is known to nobody outside, and asking tells outsiders of it.
  const skipped =
    client === undefined ? 'not-an-address' : askSpecial || isGlobal(client) ? undefined : 'special-address';
  if (client === undefined || skipped !== undefined) {
    return Promise.resolve(
      sumUp(
        zones.map((zone) => skippedResult(zone, skipped ?? 'not-an-address')),
        skipped,
      ),
    );
  }
  if (signal?.aborted) return Promise.resolve(sumUp(zones.map((zone) => unknownResult(zone, 'aborted'))));

  return new Promise((resolve) => {
    const asked: Asked[] = zones.map((zone) => {
      const knows = client.family === 4 ? zone.ipv4 : zone.ipv6;
      return { zone, result: knows ? undefined : skippedResult(zone, 'other-family') };
    });
    // One more than zones are asked: the loop's own, so that the query cannot settle before it ends.
    let pending = 1;
    const done = (): void => {
      if (--pending === 0) settle('timeout');
    };
    const controller = new AbortController();
    const settle = (missing: ZoneUnknownReason): void => {
      clearTimeout(timer);
      signal?.removeEventListener('abort', onAbort);
      resolve(sumUp(asked.map(({ zone, result }) => result ?? unknownResult(zone, missing))));
    };
    const giveUp = (missing: ZoneUnknownReason): void => {
      settle(missing);
      // What comes now is too late, so nobody needs to wait for it.
      controller.abort();
    };
    const timer = setTimeout(giveUp, timeoutMs, 'timeout');
    timer.unref();
    const onAbort = (): void => giveUp('aborted');
    signal?.addEventListener('abort', onAbort, { once: true });

    // A listing that has expired may have been lifted since: no stale answers.
    const how: ResolveOptions = { signal: controller.signal, staleMs: 0 };
    const labels = reverseLabels(client);
    for (const each of asked) {
      if (each.result !== undefined) continue;
      pending++;
      askZone(each, client, labels, resolver, how, done);
    }
    done();
  });
}
