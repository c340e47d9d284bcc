import { isSubdomainOf, toAsciiDomain } from '@postern/core';
import { type AskOptions, askZones, type Question } from './ask-zones.ts';
import { type CompiledZone, LONGEST_NAME } from './compiled-zone.ts';
import { type DnsblResult, nobodyAsked } from './dnsbl-result.ts';
import { skippedResult } from './judge-answer.ts';

/**
 * Finds the registrable domain of a name: `example.co.uk` of `mail.example.co.uk`; `undefined`, `null` or `''` when there
 * is none. `getDomain` of `tldts` is one.
 */
export type RegistrableDomain = (domain: string) => string | null | undefined;

/** How domain zones are asked. */
export interface DomainAskOptions extends AskOptions {
  readonly askSpecial: boolean;
  readonly registrableDomain: RegistrableDomain | undefined;
}

/**
 * Domains that mean nothing on the internet, and what is below them: RFC 6761 §6, RFC 6762 §3, RFC 7686, RFC 8375,
 * RFC 9476 and ICANN's reservation of `internal`.
 */
const specialDomains = [
  'alt',
  'example',
  'home.arpa',
  'internal',
  'invalid',
  'local',
  'localhost',
  'onion',
  'test',
] as const;

function isSpecial(domain: string): boolean {
  return !domain.includes('.') || specialDomains.some((each) => domain === each || isSubdomainOf(domain, each));
}

/**
 * The name as far as it fits before the zone's suffix, without its first labels if need be. Nobody shall escape a list by
 * a long name: whatever answers for all names below a listed one answers for what is left.
 */
function fitting(domain: string, { suffix }: CompiledZone): string {
  let name = domain;
  while (name.length + suffix.length > LONGEST_NAME) name = name.slice(name.indexOf('.') + 1);
  return name;
}

function questionTo(zone: CompiledZone, domain: string, registrable: string | undefined): Question {
  if (!zone.registrable) return { zone, labels: fitting(domain, zone), result: undefined };
  if (registrable === undefined) return { zone, labels: '', result: skippedResult(zone, 'no-registrable-domain') };
  return { zone, labels: fitting(registrable, zone), result: undefined };
}

/** Asks domain zones about a domain, as it came from the wire. Never rejects because of DNS. */
export function askAboutDomain(
  text: string,
  zones: readonly CompiledZone[],
  options: DomainAskOptions,
  signal: AbortSignal | undefined,
): Promise<DnsblResult> {
  // Addresses are no domains to `toAsciiDomain`, and so are never asked about: lists of domains answer all of them.
  const domain = toAsciiDomain(text, { underscores: true });
  if (domain === undefined) return Promise.resolve(nobodyAsked(zones, 'not-a-domain'));
  if (!options.askSpecial && isSpecial(domain)) return Promise.resolve(nobodyAsked(zones, 'special-domain'));
  const found = options.registrableDomain?.(domain) ?? '';
  const registrable = toAsciiDomain(found, { underscores: true });
  return askZones(
    zones.map((zone) => questionTo(zone, domain, registrable)),
    domain,
    options,
    signal,
  );
}
