import type { IpAddress } from '@postern/core';
import { findAddress } from './address-in-name.ts';
import { wordPoints } from './name-words.ts';

const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const SMALL_A = 0x61;
const SMALL_Z = 0x7a;

/** One sign in a name, for or against. */
export type NameEvidence = {
  /** `address`: it spells the client's address. `word`: a word that says what the host is. */
  readonly kind: 'address' | 'word';
  /** What was found: `4 octets, decimal`, `dhcp`. */
  readonly found: string;
  readonly points: number;
};

/** How much a name looks like one that a provider gives to every address of a pool. Plain JSON. */
export type GenericName = {
  readonly name: string;
  /** The score is at least {@link GENERIC_FROM_SCORE}. */
  readonly generic: boolean;
  /** The points of the evidence, added up. Below 0 for names that speak of a fixed address or of a mail server. */
  readonly score: number;
  readonly evidence: readonly NameEvidence[];
};

/** From this score on a name counts as generic. */
export const GENERIC_FROM_SCORE = 3;

/** Words of a name that say the same thing do not add up without end. */
const MOST_WORD_POINTS = 4;
const LEAST_WORD_POINTS = -4;

/** Under these, below the domain of a country, names are registered one label further down: `example.co.uk`. */
const registries: ReadonlySet<string> = new Set([
  'ac',
  'ad',
  'asn',
  'co',
  'com',
  'ed',
  'edu',
  'go',
  'gob',
  'gov',
  'govt',
  'gr',
  'gv',
  'id',
  'lg',
  'ltd',
  'me',
  'mil',
  'ne',
  'net',
  'nom',
  'or',
  'org',
  'plc',
  'sch',
]);

/** All of the address, three quarters of it, or half, which may be chance. */
function addressPoints(octets: number, family: 4 | 6): number {
  if (family === 6) return 3;
  return octets === 4 ? 3 : octets === 3 ? 2 : 1;
}

/**
 * What stands before the domain that somebody registered, which says who the provider is and not what the host is:
 * `dsl-reviews.example` reviews. Without the Public Suffix List: two labels, and three below `co.uk`, `net.au`,
 * `ne.jp` and the like.
 */
function hostPart(name: string): string {
  const last = name.lastIndexOf('.');
  const second = name.lastIndexOf('.', last - 1);
  if (second < 0) return '';
  if (name.length - last !== 3 || !registries.has(name.slice(second + 1, last))) return name.slice(0, second);
  const third = name.lastIndexOf('.', second - 1);
  return third < 0 ? '' : name.slice(0, third);
}

/** The words of a label or of its parts between hyphens (`b2b`), and the letters alone in them (`dsl7`), each once. */
function wordsOf(text: string): ReadonlySet<string> {
  const found = new Set<string>();
  let wordStart = 0;
  let lettersStart = 0;
  for (let at = 0; at <= text.length; at++) {
    const code = at < text.length ? text.charCodeAt(at) : DOT;
    if (code >= SMALL_A && code <= SMALL_Z) continue;
    if (at > lettersStart) found.add(text.slice(lettersStart, at));
    lettersStart = at + 1;
    if (code >= ZERO && code <= NINE) continue;
    if (at > wordStart) found.add(text.slice(wordStart, at));
    wordStart = at + 1;
  }
  return found;
}

/**
 * Scores a reverse name: does it look like one that a provider gives to every address (`dsl-192-0-2-7.pool.isp.example`),
 * or like one that somebody gave to this host? A heuristic: hosts with such names seldom send mail that anybody wants,
 * and some do. Signs for it are the client's address inside the name and words such as `dyn`, `pool`, `dsl`; signs
 * against it words such as `static`, `business`, `mail`. Only the part before the registered domain is looked at.
 *
 * On the package's labelled names (see the README) its precision and recall are tested.
 *
 * @param name - in lower case and A-labels, as `toAsciiDomain` gives it
 *
 * @example
 * ```ts
 * import { parseIp } from '@postern/core';
 * import { judgeName } from '@postern/rdns';
 *
 * const ip = parseIp('203.0.113.7');
 * if (ip !== undefined) judgeName('dyn-203-0-113-7.isp.example', ip).generic; // true
 * ```
 */
export function judgeName(name: string, ip: IpAddress): GenericName {
  const text = hostPart(name);
  const evidence: NameEvidence[] = [];
  const address = findAddress(text, ip);
  if (address !== undefined) {
    const found = `${address.octets} octets, ${address.form}`;
    evidence.push({ kind: 'address', found, points: addressPoints(address.octets, ip.family) });
  }
  let words = 0;
  for (const word of wordsOf(text)) {
    const points = wordPoints(word);
    if (points === 0) continue;
    evidence.push({ kind: 'word', found: word, points });
    words += points;
  }
  const bounded = Math.min(MOST_WORD_POINTS, Math.max(LEAST_WORD_POINTS, words));
  const score = (address === undefined ? 0 : addressPoints(address.octets, ip.family)) + bounded;
  return { name, generic: score >= GENERIC_FROM_SCORE, score, evidence };
}
