import type { Cidr } from '@postern/core';
import { rangeToCidrs } from './address-range.ts';
import type { AddressFormat, AddressOutput } from './line-format.ts';
import { type RbldnsdAddress, scanRbldnsdAddress } from './rbldnsd-address.ts';
import { dataSetType, readRbldnsdLine, valueText } from './rbldnsd-line.ts';
import { NO_VALUE, parseRbldnsdValue, type RbldnsdValue, reasonOf } from './rbldnsd-value.ts';
import { SeenPrefixes } from './seen-prefixes.ts';

/** Which of several entries of one address decides. */
interface DataSet {
  readonly ranges: boolean;
  listing(cidr: Cidr, reason: string, output: AddressOutput): void;
  exclusion(cidr: Cidr, output: AddressOutput): void;
  end(output: AddressOutput): void;
}

/**
 * The ip4set data set keeps single addresses, /24, /16 and /8 apart, splits what lies between into the next smaller kind,
 * and looks into one after the other; within a kind an exclusion wins, however narrow the listing and in whatever order.
 * A list in which the longest prefix decides says the same once the listings that an exclusion of their kind covers are
 * lifted one by one.
 */
function ip4set(): DataSet {
  const listed = new SeenPrefixes();
  const excluded = new SeenPrefixes();
  /** The shortest prefix that is of the same kind. */
  const shortestOfKind = ({ prefixLength }: Cidr): number =>
    prefixLength <= 8 ? 0 : prefixLength <= 16 ? 9 : prefixLength <= 24 ? 17 : 25;
  return {
    ranges: true,
    listing(cidr, reason, output) {
      if (excluded.covers(cidr, shortestOfKind(cidr))) return;
      listed.add(cidr);
      output.add(cidr, output.action, reason);
    },
    exclusion(cidr, output) {
      excluded.add(cidr);
      output.add(cidr, 'allow', '');
    },
    end(output) {
      if (excluded.isEmpty) return;
      for (const cidr of listed) {
        if (excluded.covers(cidr, shortestOfKind(cidr))) output.add(cidr, 'allow', '');
      }
    },
  };
}

/** The ip4trie data set: the longest prefix decides, and of entries of the same prefix the first. */
function ip4trie(): DataSet {
  const listed = new SeenPrefixes();
  const excluded = new SeenPrefixes();
  return {
    ranges: false,
    listing(cidr, reason, output) {
      if (excluded.has(cidr)) output.problem('skipped', 'contradiction', '');
      else if (listed.add(cidr)) output.add(cidr, output.action, reason);
    },
    exclusion(cidr, output) {
      if (listed.has(cidr)) output.problem('skipped', 'contradiction', '');
      else if (excluded.add(cidr)) output.add(cidr, 'allow', '');
    },
    end() {},
  };
}

/** What `$MAXRANGE4` says in addresses: a number, or `/24`; `undefined` when it says neither. */
function readMaxRange(text: string): number | undefined {
  const isLength = text.startsWith('/');
  const digits = isLength ? text.slice(1) : text;
  if (!/^\d{1,10}$/.test(digits)) return undefined;
  const value = Number(digits);
  if (!isLength) return value > 0 ? value : undefined;
  return value <= 32 ? 2 ** (32 - value) : undefined;
}

/** Specials that only matter to a name server. */
const OF_THE_SERVER: ReadonlySet<string> = new Set(['soa', 'ns', 'nameserver', 'ttl', '=']);

/**
 * Zone files of rbldnsd(8) for IPv4, with its abbreviations: `127.0.0` is 127.0.0.0/24. Exclusions (`!`) become entries
 * that allow. The reason is the TXT template as it stands, or the A value. In a combined file (`$DATASET`), the ip4set and
 * ip4trie data sets are read into the one list, whatever their subzones.
 */
export function rbldnsdIp4Format(type: 'ip4set' | 'ip4trie'): AddressFormat {
  let dataSet: DataSet | undefined = type === 'ip4set' ? ip4set() : ip4trie();
  let byDefault: RbldnsdValue = NO_VALUE;
  let maxRange = Number.POSITIVE_INFINITY;
  /** In a combined file the exclusions of one data set lift what another one lists, which they do not in rbldnsd. */
  let hasListings = false;
  let hasExclusions = false;
  let isLaterSet = false;

  function startDataSet(text: string, output: AddressOutput): void {
    const name = dataSetType(text);
    dataSet?.end(output);
    dataSet = name === 'ip4set' ? ip4set() : name === 'ip4trie' ? ip4trie() : undefined;
    byDefault = NO_VALUE;
    isLaterSet ||= hasListings || hasExclusions;
    if (dataSet === undefined) output.problem('skipped', 'unsupported', `$DATASET ${text}`);
    else if (hasExclusions) output.problem('taken', 'other-data-set', `$DATASET ${text}`);
  }

  function special(word: string, rest: string, output: AddressOutput): void {
    if (word === 'dataset') {
      startDataSet(rest, output);
    } else if (word === 'maxrange4') {
      const range = readMaxRange(rest);
      if (range === undefined) output.problem('skipped', 'malformed', `$MAXRANGE4 ${rest}`);
      else maxRange = Math.min(maxRange, range);
    } else if (!OF_THE_SERVER.has(word) && !/^\d$/.test(word)) {
      output.problem('skipped', 'unsupported', `$${word} ${rest}`);
    }
  }

  function readAddress(text: string, ranges: boolean, output: AddressOutput): RbldnsdAddress | undefined {
    const address = scanRbldnsdAddress(text, 0, { ranges });
    const next = address === undefined ? '' : text.charAt(address.end);
    if (address === undefined || (next !== '' && !' \t#;:'.includes(next))) {
      output.problem('skipped', 'not-an-address', text);
      return undefined;
    }
    if (address.last.word3 - address.first.word3 + 1 > maxRange) {
      output.problem('skipped', 'too-wide', text);
      return undefined;
    }
    return address;
  }

  function listing(text: string, into: DataSet, output: AddressOutput): void {
    const address = readAddress(text, into.ranges, output);
    if (address === undefined) return;
    const value = parseRbldnsdValue(valueText(text, address.end), byDefault);
    if (value === undefined) {
      output.problem('skipped', 'malformed', text);
      return;
    }
    if (address.hostBitsSet) output.problem('taken', 'host-bits', text);
    const reason = reasonOf(value);
    hasListings = true;
    rangeToCidrs(address.first, address.last, (cidr) => into.listing(cidr, reason, output));
  }

  function exclusion(text: string, from: DataSet, output: AddressOutput): void {
    const address = readAddress(text, from.ranges, output);
    if (address === undefined) return;
    // A list of what is allowed has no word for "neither allowed nor blocked".
    if (output.action === 'allow') {
      output.problem('skipped', 'unsupported', `!${text}`);
      return;
    }
    if (address.hostBitsSet) output.problem('taken', 'host-bits', text);
    if (isLaterSet) output.problem('taken', 'other-data-set', `!${text}`);
    hasExclusions = true;
    rangeToCidrs(address.first, address.last, (cidr) => from.exclusion(cidr, output));
  }

  return {
    line(text, output) {
      const line = readRbldnsdLine(text);
      if (line.kind === 'nothing') return;
      if (line.kind === 'special') special(line.word, line.rest, output);
      else if (dataSet === undefined) return;
      else if (line.kind === 'listing') listing(line.text, dataSet, output);
      else if (line.kind === 'exclusion') exclusion(line.text, dataSet, output);
      else {
        const value = parseRbldnsdValue(line.text, NO_VALUE);
        if (value === undefined) output.problem('skipped', 'malformed', line.text);
        else byDefault = value;
      }
    },
    end(output) {
      dataSet?.end(output);
    },
  };
}
