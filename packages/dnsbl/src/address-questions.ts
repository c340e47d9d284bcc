import { type IpAddress, isGlobal, reverseLabels } from '@postern/core';
import { type AskOptions, askZones, type Question } from './ask-zones.ts';
import type { CompiledZone } from './compiled-zone.ts';
import { type DnsblResult, nobodyAsked } from './dnsbl-result.ts';
import { skippedResult } from './judge-answer.ts';

/** Asks address zones about an address; `undefined` is text that is none. Never rejects. */
export function askAboutAddress(
  client: IpAddress | undefined,
  zones: readonly CompiledZone[],
  options: AskOptions & { readonly askSpecial: boolean },
  signal: AbortSignal | undefined,
): Promise<DnsblResult> {
  if (client === undefined) return Promise.resolve(nobodyAsked(zones, 'not-an-address'));
  // What a private or loopback address has done is known to nobody outside, and asking tells outsiders of it.
  if (!options.askSpecial && !isGlobal(client)) return Promise.resolve(nobodyAsked(zones, 'special-address'));
  const labels = reverseLabels(client);
  const questions = zones.map((zone): Question => {
    const knows = client.family === 4 ? zone.ipv4 : zone.ipv6;
    return { zone, labels, result: knows ? undefined : skippedResult(zone, 'other-family') };
  });
  return askZones(questions, client, options, signal);
}
