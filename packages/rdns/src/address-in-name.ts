import type { IpAddress } from '@postern/core';

const HYPHEN = 0x2d;
const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;
const UNDERSCORE = 0x5f;
const SMALL_A = 0x61;
const SMALL_F = 0x66;

/** How a name spells the address of its host. */
export interface SpelledAddress {
  /** `decimal`: octets as numbers, in any order; `hexadecimal`: digits in a row; `number`: all of it as one number. */
  readonly form: 'decimal' | 'hexadecimal' | 'number';
  /** How many octets of the address the name spells. */
  readonly octets: number;
}

/** The octets of an IPv4 address, or all sixteen. */
function octetsOf(ip: IpAddress): readonly number[] {
  const words = ip.family === 4 ? [ip.word3] : [ip.word0, ip.word1, ip.word2, ip.word3];
  return words.flatMap((word) => [word >>> 24, (word >>> 16) & 255, (word >>> 8) & 255, word & 255]);
}

/** Decimal numbers of at most three digits, leading zeros allowed; and longer runs of digits as text. */
function scanNumbers(text: string): { readonly numbers: readonly number[]; readonly runs: readonly string[] } {
  const numbers: number[] = [];
  const runs: string[] = [];
  for (let at = 0; at < text.length; at++) {
    const start = at;
    while (at < text.length && text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= NINE) at++;
    if (at === start) continue;
    const run = text.slice(start, at);
    if (run.length <= 3) numbers.push(Number(run));
    else runs.push(run);
  }
  return { numbers, runs };
}

/** How many of the four octets stand in the name as numbers of their own, each number used once. */
function countNumbers(numbers: readonly number[], octets: readonly number[]): number {
  const left = [...numbers];
  let found = 0;
  for (const octet of octets) {
    const at = left.indexOf(octet);
    if (at < 0) continue;
    left.splice(at, 1);
    found++;
  }
  return found;
}

/** `198051100007`: the octets run together, each with three digits or as short as it is, either way round. */
function isJoined(run: string, octets: readonly number[]): boolean {
  const reversed = octets.toReversed();
  return [octets, reversed].some(
    (order) => run.includes(order.map((octet) => String(octet).padStart(3, '0')).join('')) || run === order.join(''),
  );
}

/** Two hexadecimal digits an octet. */
function hexOf(octets: readonly number[]): string {
  return octets.map((octet) => octet.toString(16).padStart(2, '0')).join('');
}

/** The runs of hexadecimal digits; hyphens, dots and underscores between them left out when `joined`. */
function hexRuns(text: string, joined: boolean): readonly string[] {
  const runs: string[] = [];
  let run = '';
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if ((code >= ZERO && code <= NINE) || (code >= SMALL_A && code <= SMALL_F)) {
      run += text.charAt(at);
    } else if (!joined || (code !== HYPHEN && code !== DOT && code !== UNDERSCORE)) {
      runs.push(run);
      run = '';
    }
  }
  runs.push(run);
  return runs;
}

function spelledIpv4(text: string, ip: IpAddress): SpelledAddress | undefined {
  const octets = octetsOf(ip);
  const { numbers, runs } = scanNumbers(text);
  const decimal = runs.some((run) => isJoined(run, octets)) ? 4 : countNumbers(numbers, octets);
  if (decimal === 4) return { form: 'decimal', octets: 4 };
  if (runs.includes(String(ip.word3))) return { form: 'number', octets: 4 };

  // From all four octets down to two neighbours: providers leave the first one out, or the last.
  for (let length = 4; length > Math.max(decimal, 1); length--) {
    for (let start = 0; start + length <= 4; start++) {
      const part = octets.slice(start, start + length);
      const [forward, backward] = [hexOf(part), hexOf(part.toReversed())];
      if (hexRuns(text, false).some((run) => run.includes(forward) || run.includes(backward))) {
        return { form: 'hexadecimal', octets: length };
      }
    }
  }
  return decimal >= 2 ? { form: 'decimal', octets: decimal } : undefined;
}

/** `2001-db8-0-0-0-0-0-1` and the like: groups between hyphens or dots, each without leading zeros or with them. */
function spelledGroups(text: string, octets: readonly number[]): number {
  const groups = Array.from({ length: 8 }, (_, at) => ((octets[2 * at] ?? 0) << 8) | (octets[2 * at + 1] ?? 0));
  const runs = hexRuns(text, false).filter((run) => run.length >= 1 && run.length <= 4);
  let most = 0;
  for (let start = 0; start < runs.length; start++) {
    // A row of groups that begins anywhere in the address: names often leave out the provider's own half.
    for (let first = 0; first < 8; first++) {
      let length = 0;
      while (first + length < 8 && Number.parseInt(runs[start + length] ?? 'x', 16) === groups[first + length])
        length++;
      // `node-0-0-1` counts nodes, and says nothing of `2001:db8::1`.
      const telling = groups.slice(first, first + length).filter((group) => group !== 0).length;
      if (telling > 1 && length > most) most = length;
    }
  }
  return most;
}

function spelledIpv6(text: string, ip: IpAddress): SpelledAddress | undefined {
  const octets = octetsOf(ip);
  const nibbles = hexOf(octets);
  const backward = [...nibbles].toReversed().join('');
  const runs = hexRuns(text, true);
  if (runs.some((run) => run.includes(nibbles) || run.includes(backward))) return { form: 'hexadecimal', octets: 16 };
  // The half that the host or its network has of its own, if it says anything.
  for (const half of [octets.slice(8), octets.slice(0, 8)]) {
    const digits = hexOf(half);
    if (half.filter((octet) => octet !== 0).length >= 3 && runs.some((run) => run.includes(digits))) {
      return { form: 'hexadecimal', octets: 8 };
    }
  }
  const groups = spelledGroups(text, octets);
  return groups >= 3 ? { form: 'hexadecimal', octets: 2 * groups } : undefined;
}

/**
 * Whether the name spells the address: in decimal (dashed, dotted, padded with zeros, run together, in any order), in
 * hexadecimal (either way round, in part), or as one number. Of an IPv4 address at least two octets, of an IPv6 address
 * at least three groups, not all but one of them zero. Bounded by the length of a name, 253 characters.
 *
 * @param text - the part of the name that the provider makes up for each address, in lower case
 */
export function findAddress(text: string, ip: IpAddress): SpelledAddress | undefined {
  return ip.family === 4 ? spelledIpv4(text, ip) : spelledIpv6(text, ip);
}
