import type { Cidr } from '@postern/core';
import { type ListContents, releaseEntry, tableOf } from './list-contents.ts';

/** So many prefixes are looked at by each addition. */
const SWEPT = 4;
/** So many that have an end are compared for the one to give up. */
const COMPARED = 16;
/** So many are looked at in one addition at most. */
const MOST_SWEPT = 1_024;

/**
 * Takes out what has ended, a few prefixes with each addition, round and round, with no timer: of n prefixes all are
 * looked at within n/4 additions, so a list that is added to does not grow by what has ended.
 *
 * When more have an end than may have, the one of the next 16 goes that ends first. Prefixes without an end that stand
 * between are skipped, 1,024 in one addition at most: the bound is exceeded by one for each 1,024 of them at most.
 */
export class EndedSweep {
  #family: 'ipv4' | 'ipv6' = 'ipv4';
  /** The prefix that was looked at last. */
  #last: Cidr | undefined;

  /** @param added - the prefix that was just added, which is not given up */
  step(contents: ListContents, added: Cidr, now: number, most: number): void {
    if (contents.expiring === 0) return;
    let looked = this.#round(contents, added, now, contents.expiring > most);
    while (contents.expiring > most && looked < MOST_SWEPT) looked += this.#round(contents, added, now, true);
  }

  /** How many were looked at. */
  #round(contents: ListContents, added: Cidr, now: number, full: boolean): number {
    const ended: Cidr[] = [];
    let victim: Cidr | undefined;
    let soonest = Number.POSITIVE_INFINITY;
    let looked = 0;
    let before = -1;
    let place = contents[this.#family].after(this.#last);
    for (let compared = 0; looked < (full ? MOST_SWEPT : SWEPT) && compared < COMPARED; looked++) {
      if (place < 0) {
        this.#family = this.#family === 'ipv4' ? 'ipv6' : 'ipv4';
        this.#last = undefined;
        before = -1;
        place = contents[this.#family].after(undefined);
        continue;
      }
      const table = contents[this.#family];
      const end = contents.pool.endOf(table.numberAt(place));
      if (end !== Number.POSITIVE_INFINITY) {
        const cidr = table.cidrAt(place);
        compared++;
        if (end <= now) ended.push(cidr);
        else if (end < soonest && !isSame(cidr, added)) {
          victim = cidr;
          soonest = end;
        }
      }
      before = place;
      place = table.next(place);
    }
    // By its prefix: places change when something is taken out.
    if (before >= 0) this.#last = contents[this.#family].cidrAt(before);
    for (const cidr of ended) releaseEntry(contents, tableOf(contents, cidr.network).remove(cidr));
    if (full && ended.length === 0 && victim !== undefined) {
      releaseEntry(contents, tableOf(contents, victim.network).remove(victim));
    }
    return looked;
  }
}

function isSame(one: Cidr, other: Cidr): boolean {
  return (
    one.prefixLength === other.prefixLength &&
    one.network.word3 === other.network.word3 &&
    one.network.word2 === other.network.word2 &&
    one.network.word1 === other.network.word1 &&
    one.network.word0 === other.network.word0
  );
}
