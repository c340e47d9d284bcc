import type { Cidr, IpAddress } from '@postern/core';
import { cidrContains } from '@postern/core';

interface Row {
  readonly cidr: Cidr;
  number: number;
}

function compare(one: Cidr, other: Cidr): number {
  return (
    one.network.word0 - other.network.word0 ||
    one.network.word1 - other.network.word1 ||
    one.network.word2 - other.network.word2 ||
    one.network.word3 - other.network.word3 ||
    one.prefixLength - other.prefixLength
  );
}

/** The prefixes of one family, each with the number of its entry, in the order of their addresses. */
export class PrefixTable {
  readonly #rows: Row[];

  constructor(rows: readonly Row[] = []) {
    this.#rows = rows.map((row) => ({ ...row }));
  }

  clone(): PrefixTable {
    return new PrefixTable(this.#rows);
  }

  get size(): number {
    return this.#rows.length;
  }

  /** The place of the longest prefix that contains the address, -1 for none. */
  find(ip: IpAddress): number {
    for (let at = this.#rows.length - 1; at >= 0; at--) {
      const row = this.#rows[at];
      if (row !== undefined && cidrContains(row.cidr, ip)) return at;
    }
    return -1;
  }

  /** The place of the longest prefix that contains the one at `at`, -1 for none. */
  parent(at: number): number {
    const { network, prefixLength } = this.cidrAt(at);
    for (let before = at - 1; before >= 0; before--) {
      const row = this.#rows[before];
      if (row !== undefined && row.cidr.prefixLength < prefixLength && cidrContains(row.cidr, network)) return before;
    }
    return -1;
  }

  exact(cidr: Cidr): number {
    return this.#rows.findIndex((row) => compare(row.cidr, cidr) === 0);
  }

  /** The place of the first prefix behind this one, -1 for none. */
  after(cidr: Cidr | undefined): number {
    return cidr === undefined && this.#rows.length > 0
      ? 0
      : this.#rows.findIndex((row) => cidr !== undefined && compare(row.cidr, cidr) > 0);
  }

  next(at: number): number {
    return at + 1 < this.#rows.length ? at + 1 : -1;
  }

  /** Adds a prefix, or gives it another entry: then the number before, else -1. */
  set(cidr: Cidr, number: number): number {
    const row = this.#rows[this.exact(cidr)];
    if (row !== undefined) {
      const before = row.number;
      row.number = number;
      return before;
    }
    this.#rows.push({ cidr, number });
    this.#rows.sort((one, other) => compare(one.cidr, other.cidr));
    return -1;
  }

  /** Takes out a prefix: the number of its entry, -1 when it is not there. */
  remove(cidr: Cidr): number {
    const at = this.exact(cidr);
    if (at < 0) return -1;
    return this.#rows.splice(at, 1)[0]?.number ?? -1;
  }

  numberAt(at: number): number {
    return this.#rows[at]?.number ?? -1;
  }

  cidrAt(at: number): Cidr {
    const row = this.#rows[at];
    if (row === undefined) throw new RangeError(`PrefixTable: nothing at ${at}`);
    return row.cidr;
  }
}
