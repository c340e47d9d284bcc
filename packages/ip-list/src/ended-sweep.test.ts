import { type Cidr, formatCidr, parseCidr } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { EndedSweep } from './ended-sweep.ts';
import { emptyContents, type ListContents, releaseEntry, tableOf, useEntry } from './list-contents.ts';

function cidr(text: string): Cidr {
  const result = parseCidr(text);
  if (!result.ok) throw new Error(text);
  return result.cidr;
}

/** Contents with these prefixes, each with its end. */
function contentsOf(entries: Iterable<readonly [prefix: string, expiresAt: number | undefined]>): ListContents {
  const contents = emptyContents();
  for (const [prefix, expiresAt] of entries) {
    const where = cidr(prefix);
    releaseEntry(
      contents,
      tableOf(contents, where.network).set(where, useEntry(contents, 'test', { reason: prefix, expiresAt })),
    );
  }
  return contents;
}

function prefixesIn({ ipv4, ipv6 }: ListContents): string[] {
  const all: string[] = [];
  for (const table of [ipv4, ipv6]) {
    for (let place = table.after(undefined); place >= 0; place = table.next(place)) all.push(table.textAt(place));
  }
  return all;
}

const UNBOUNDED = Number.POSITIVE_INFINITY;
const elsewhere = cidr('203.0.113.1/32');

describe('EndedSweep', () => {
  it('takes out all that has ended in as many steps as a quarter of the prefixes, in both families', () => {
    const contents = contentsOf(
      Array.from({ length: 400 }, (_, n) => [
        n % 4 === 0 ? `2001:db8:${n.toString(16)}::/48` : `10.0.${n >> 8}.${n & 255}/32`,
        n % 3 === 0 ? undefined : n % 3 === 1 ? 1_000 : 2_000,
      ]),
    );
    const sweep = new EndedSweep();
    // One step more for each of the two ends of a table.
    for (let count = 0; count < 102; count++) sweep.step(contents, elsewhere, 1_000, UNBOUNDED);
    const left = prefixesIn(contents);
    expect(left).toHaveLength(400 - 133);
    expect(contents.expiring).toBe(133);
    expect(left).not.toContain('10.0.0.1/32');
    expect(left).toContain('10.0.0.2/32');
  });

  it('takes an entry out at the millisecond at which it ends, not before', () => {
    const contents = contentsOf([['192.0.2.1/32', 1_000]]);
    const sweep = new EndedSweep();
    for (let count = 0; count < 5; count++) sweep.step(contents, elsewhere, 999, UNBOUNDED);
    expect(prefixesIn(contents)).toEqual(['192.0.2.1/32']);
    for (let count = 0; count < 5; count++) sweep.step(contents, elsewhere, 1_000, UNBOUNDED);
    expect(prefixesIn(contents)).toEqual([]);
    expect(contents.expiring).toBe(0);
  });

  it('gives up the one that ends first, never the one that was added', () => {
    const contents = contentsOf([
      ['192.0.2.1/32', 3_000],
      ['192.0.2.2/32', 1_000],
      ['192.0.2.3/32', 2_000],
      ['192.0.2.4/32', undefined],
    ]);
    new EndedSweep().step(contents, cidr('192.0.2.2/32'), 0, 2);
    expect(prefixesIn(contents)).toEqual(['192.0.2.1/32', '192.0.2.2/32', '192.0.2.4/32']);
  });

  it('keeps what is alone and was added, however low the bound', () => {
    const contents = contentsOf([['192.0.2.1/32', 1_000]]);
    new EndedSweep().step(contents, cidr('192.0.2.1/32'), 0, 0);
    expect(prefixesIn(contents)).toEqual(['192.0.2.1/32']);
  });

  it('finds one to give up behind many without an end, in a bounded number of looks', () => {
    const contents = contentsOf([
      ...Array.from({ length: 3_000 }, (_, n) => [`10.0.${n >> 8}.${n & 255}/32`, undefined] as const),
      ['192.0.2.1/32', 1_000],
      ['192.0.2.2/32', 2_000],
    ]);
    const sweep = new EndedSweep();
    let steps = 0;
    for (; contents.expiring > 1 && steps < 10; steps++) sweep.step(contents, elsewhere, 0, 1);
    expect(steps).toBe(3);
    expect(prefixesIn(contents)).toHaveLength(3_001);
    expect(prefixesIn(contents).at(-1)).toBe('192.0.2.2/32');
  });

  it('goes on when the prefix that it looked at last was taken out meanwhile', () => {
    const contents = contentsOf(Array.from({ length: 50 }, (_, n) => [`192.0.2.${n}/32`, n < 25 ? 1_000 : undefined]));
    const sweep = new EndedSweep();
    for (let n = 0; n < 60; n++) {
      sweep.step(contents, elsewhere, 500, UNBOUNDED);
      const victim = cidr(`192.0.2.${(n * 7) % 50}/32`);
      if (n % 3 === 0) releaseEntry(contents, contents.ipv4.remove(victim));
    }
    for (let n = 0; n < 20; n++) sweep.step(contents, elsewhere, 1_000, UNBOUNDED);
    expect(contents.expiring).toBe(0);
    expect(prefixesIn(contents).every((each) => Number(formatCidr(cidr(each)).split(/[./]/)[3]) >= 25)).toBe(true);
  });
});
