import { formatIp } from '@postern/core';
import { scanOctets } from './rbldnsd-address.ts';

const COLON = 0x3a;

/** The A value and the TXT template of an entry. The template is kept as it stands, `$` and all. */
export interface RbldnsdValue {
  /** `''`: nobody said one. */
  readonly a: string;
  readonly text: string;
}

export const NO_VALUE: RbldnsdValue = { a: '', text: '' };

/** An A value as rbldnsd abbreviates it: `2` is 127.0.0.2, and the others as inet_aton reads them. */
function expand(value: number, bits: number): string {
  const host =
    bits === 8 ? 0x7f000000 | (value >>> 24) : bits === 16 ? (value & 0xff000000) | ((value >>> 16) & 0xff) : value;
  const whole = bits === 24 ? (value & 0xffff0000) | ((value >>> 8) & 0xff) : host;
  return whole === 0 ? '' : formatIp({ family: 4, word0: 0, word1: 0, word2: 0xffff, word3: whole >>> 0 });
}

/**
 * rbldnsd(8), "Resulting A values and TXT templates": `:A:text`, `:A:`, `:A`, or only text. `undefined` when the A value
 * is none, or when something else follows it.
 *
 * @param text - without the blanks around it; `''` is all by default
 * @param byDefault - the value of the lines before
 */
export function parseRbldnsdValue(text: string, byDefault: RbldnsdValue): RbldnsdValue | undefined {
  if (text === '') return byDefault;
  if (text.charCodeAt(0) !== COLON) return { a: byDefault.a, text };
  const octets = scanOctets(text, 1);
  const a = octets === undefined || (octets.value === 0 && octets.bits !== 8) ? '' : expand(octets.value, octets.bits);
  if (octets === undefined || a === '') return undefined;
  const rest = text.slice(octets.end).trimStart();
  if (rest === '') return { a, text: byDefault.text };
  return rest.charCodeAt(0) === COLON ? { a, text: rest.slice(1).trimStart() } : undefined;
}

/** What a person is to read: the TXT template, or the A value where there is none. */
export function reasonOf({ a, text }: RbldnsdValue): string {
  return text === '' ? a : text;
}
