import { ZoneResolver } from '@postern/testing';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import type { DmarcOptions } from './dmarc-settings.ts';
import { type DmarcInput, evaluateDmarc } from './evaluate-dmarc.ts';
import type { DkimIdentifier, SpfIdentifier } from './identifier-alignment.ts';

/** What a `ZoneResolver` is made of. */
export type ZoneData = ConstructorParameters<typeof ZoneResolver>[0];
/** DMARC records by the domain that they are for. */
export type Records = Readonly<Record<string, string>>;

export function zone(records: Records, rest: ZoneData = {}): ZoneResolver {
  const names = Object.entries(records).map(([domain, TXT]) => [`_dmarc.${domain}`, { TXT }]);
  return new ZoneResolver({ ...Object.fromEntries(names), ...rest });
}

/** What differs from a message of ann@example.com that nobody authenticated, and whose owner asks for reject. */
export interface Case extends Partial<DmarcInput> {
  readonly records?: Records;
  readonly zone?: ZoneResolver;
  readonly options?: Partial<DmarcOptions>;
}

export function evaluate({ records, zone: own, options, ...input }: Case = {}): Promise<DmarcEvaluation> {
  const resolver = own ?? zone(records ?? { 'example.com': 'v=DMARC1; p=reject' });
  return evaluateDmarc({ headerFrom: 'Ann <ann@example.com>', dkim: [], ...input }, { resolver, ...options });
}

export function spf(domain: string, result: SpfIdentifier['result'] = 'pass'): SpfIdentifier {
  return { result, domain };
}

/** Signatures that hold. */
export function dkim(...domains: readonly string[]): readonly DkimIdentifier[] {
  return domains.map((domain) => ({ result: 'pass', domain, selector: 's' }));
}
