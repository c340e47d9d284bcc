import { parseCidr } from '@postern/core';
import { type AddressRange, rangeOf } from './address-ranges.ts';
import type { SpfTreeTerm } from './spf-tree.ts';

/** A term that changes nothing, and the one that makes it so. */
export interface NetworkOverlap {
  readonly inner: SpfTreeTerm;
  readonly outer: SpfTreeTerm;
}

interface Placed {
  readonly term: SpfTreeTerm;
  readonly index: number;
  readonly range: AddressRange;
}

/** By first address; of those that begin together, the widest first, and of equals the one that stands first. */
function inOrder(one: Placed, other: Placed): number {
  if (one.range.first !== other.range.first) return one.range.first < other.range.first ? -1 : 1;
  if (one.range.last !== other.range.last) return one.range.last > other.range.last ? -1 : 1;
  return one.index - other.index;
}

/**
 * The `ip4` and `ip6` terms whose networks lie within that of another such term and change nothing: those behind the
 * wider one, and those before it that say the same. A narrower term before a wider one that says something else is an
 * exception, as it should be. The same network twice is not among them.
 */
export function overlapsOf(terms: readonly SpfTreeTerm[]): readonly NetworkOverlap[] {
  return [...overlapsWithin('ip4', terms), ...overlapsWithin('ip6', terms)];
}

function overlapsWithin(name: 'ip4' | 'ip6', terms: readonly SpfTreeTerm[]): readonly NetworkOverlap[] {
  const placed: Placed[] = [];
  terms.forEach((term, index) => {
    const read = term.name === name ? parseCidr(term.networks?.[0] ?? '') : undefined;
    if (read?.ok) placed.push({ term, index, range: rangeOf(read.cidr) });
  });
  const overlaps: NetworkOverlap[] = [];
  // Networks lie within each other or apart, so that those around the next one are a stack.
  const around: Placed[] = [];
  for (const inner of placed.sort(inOrder)) {
    while ((around.at(-1)?.range.last ?? inner.range.last) < inner.range.first) around.pop();
    const outer = around.at(-1);
    around.push(inner);
    if (outer === undefined || outer.term.networks?.[0] === inner.term.networks?.[0]) continue;
    if (outer.index < inner.index || outer.term.qualifier === inner.term.qualifier) {
      overlaps.push({ inner: inner.term, outer: outer.term });
    }
  }
  return overlaps;
}
