import { formatCidr } from '@postern/core';
import { countAddresses, toCidrs } from './address-ranges.ts';
import { SpfFlattening } from './spf-flattening.ts';
import type { SpfGap, SpfNetworkResult, SpfNetworkSet, SpfNetworks } from './spf-networks.ts';
import type { SpfTreeRecord } from './spf-tree.ts';

/** Bounds each list. */
const MOST_NETWORKS = 20_000;

const results = ['pass', 'neutral', 'softfail', 'fail', 'permerror', 'none'] as const;

interface FlatFamily {
  readonly otherwise: SpfNetworkResult;
  readonly gaps: readonly SpfGap[];
  networks(result: SpfNetworkResult): readonly string[];
}

function flattenFamily(record: SpfTreeRecord, family: 4 | 6): FlatFamily {
  const flattening = new SpfFlattening(family);
  const sets = flattening.flatten(record);
  const gaps: SpfGap[] = [...flattening.gaps];
  const size = (result: SpfNetworkResult): bigint => countAddresses(sets[result]);
  const otherwise = results.reduce((largest, result) => (size(result) > size(largest) ? result : largest));
  const lists = new Map<SpfNetworkResult, readonly string[]>();
  for (const result of results) {
    if (result === otherwise && result !== 'pass') continue;
    const cidrs = toCidrs(sets[result], family, MOST_NETWORKS + 1);
    if (cidrs.length > MOST_NETWORKS) gaps.push({ domain: record.domain, reason: 'too-complex' });
    lists.set(result, cidrs.slice(0, MOST_NETWORKS).map(formatCidr));
  }
  return { otherwise, gaps, networks: (result) => lists.get(result) ?? [] };
}

/**
 * Which addresses get which result, from what the tree says. Bounds: 1,000,000 steps a family, 20,000 networks a list; what
 * stands beyond is a gap.
 */
export function flattenSpf(record: SpfTreeRecord): SpfNetworks {
  const ip4 = flattenFamily(record, 4);
  const ip6 = flattenFamily(record, 6);
  const both = (result: SpfNetworkResult): SpfNetworkSet => ({
    ip4: ip4.networks(result),
    ip6: ip6.networks(result),
  });
  const gaps = new Map([...ip4.gaps, ...ip6.gaps].map((gap) => [JSON.stringify(gap), gap]));
  return {
    pass: both('pass'),
    neutral: both('neutral'),
    softfail: both('softfail'),
    fail: both('fail'),
    permerror: both('permerror'),
    otherwise: { ip4: ip4.otherwise, ip6: ip6.otherwise },
    complete: gaps.size === 0,
    gaps: [...gaps.values()],
  };
}
