import { OptionReader, parseIp, toAsciiDomain } from '@postern/core';
import type { DnsblAnswer, DnsblZone } from './dnsbl-zone.ts';
import type { ZoneResult } from './zone-result.ts';

/** One meaning in numbers: an answer matches if, under the mask, it is from `low` to `high`. */
interface CompiledAnswer {
  readonly mask: number;
  readonly low: number;
  readonly high: number;
  readonly reason: string;
  readonly weight: number;
}

/** A zone as it is asked: checked once, so that a query only concatenates and compares. */
export interface CompiledZone {
  readonly name: string;
  readonly kind: 'block' | 'allow';
  /** What stands behind the reversed address: `.<key>.<name>`. Holds the secret; never to be shown. */
  readonly suffix: string;
  /** In lower case. Never to be shown. */
  readonly key: string | undefined;
  readonly answers: readonly CompiledAnswer[];
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  readonly txt: boolean;
  /** With `{ip}` in it. */
  readonly lookup: string | undefined;
  /** The most frequent result, made once. */
  readonly clean: ZoneResult;
}

/** 32 nibbles with their dots, the longest reversed address. */
const LONGEST_LABELS = 64;
/** RFC 1035 §2.3.4: 255 octets on the wire are 253 characters of text. */
const LONGEST_NAME = 253;
const MAX_ANSWERS = 256;

const genericAnswers: readonly DnsblAnswer[] = [{ from: '127.0.0.2', to: '127.0.0.254', reason: 'listed' }];

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isZone(value: unknown): value is string | DnsblZone {
  return typeof value === 'string' || (typeof value === 'object' && value !== null && 'name' in value);
}

/** Whether `value` is what an option `zones` takes: which names and answers stand in it is checked by {@link compileZones}. */
export function isZoneList(value: unknown): value is readonly (string | DnsblZone)[] {
  return Array.isArray(value) && value.every(isZone);
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value);
}

function isAnswerList(value: unknown): value is readonly DnsblAnswer[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MAX_ANSWERS;
}

function isLink(value: unknown): value is string {
  // No space, no control character, nothing outside ASCII: the link stands in replies.
  return typeof value === 'string' && /^https?:\/\/[!-~]{1,200}$/.test(value);
}

/** The 32 bits of the dotted quad under an option's name. */
function readQuad(read: OptionReader, name: string, takes: string, accepts: (quad: number) => boolean): number {
  const ip = parseIp(read.required(name, isText, takes));
  if (ip?.family !== 4 || !accepts(ip.word3)) read.refuse(name, takes);
  return ip.word3;
}

const CODE = 'an address in 127.0.0.0/8';
const isCode = (quad: number): boolean => quad >>> 24 === 127;

function compileAnswer(owner: string, answer: unknown, zoneWeight: number): CompiledAnswer {
  const read: OptionReader = new OptionReader(owner, answer);
  const reason = read.required('reason', isWord, 'a word of letters, digits, "-", "_" and "."');
  const weight = read.number('weight', zoneWeight, { min: 0 });
  if (read.value('code', isText, CODE) === undefined) {
    const low = readQuad(read, 'from', CODE, isCode);
    const high = readQuad(read, 'to', `${CODE}, not before "from"`, (quad) => isCode(quad) && quad >= low);
    read.done();
    return { mask: 0xffffffff, low, high, reason, weight };
  }
  const code = readQuad(read, 'code', CODE, isCode);
  const takes = 'a mask that keeps the first octet and every bit of "code"';
  const mask =
    read.value('mask', isText, takes) === undefined
      ? 0xffffffff
      : readQuad(read, 'mask', takes, (quad) => quad >>> 24 === 255 && (quad & code) >>> 0 === code);
  read.done();
  return { mask, low: code, high: code, reason, weight };
}

/**
 * The key, checked without ever showing it: `OptionReader` would quote a value that it refuses.
 */
function readKey(owner: string, read: OptionReader): string | undefined {
  const key = read.value('key', (value): value is unknown => true, '');
  if (key === undefined) return undefined;
  if (typeof key !== 'string') throw new TypeError(`${owner}: option "key" must be a string`);
  if (!/^[a-z\d_-]{1,63}(?:\.[a-z\d_-]{1,63}){0,3}$/i.test(key)) {
    throw new RangeError(`${owner}: option "key" must be one to four labels of letters, digits, "-" and "_"`);
  }
  return key.toLowerCase();
}

function compileZone(owner: string, zone: string | DnsblZone): CompiledZone {
  const read: OptionReader = new OptionReader(owner, typeof zone === 'string' ? { name: zone } : zone);
  const name = toAsciiDomain(read.required('name', isText, 'a domain name'));
  if (name === undefined) read.refuse('name', 'a domain name');
  const kind = read.oneOf('kind', ['block', 'allow'], 'block');
  const weight = read.number('weight', 1, { min: 0 });
  const answers = read.value('answers', isAnswerList, `a list of 1 to ${MAX_ANSWERS} answers`) ?? genericAnswers;
  const ipv4 = read.boolean('ipv4', true);
  const ipv6 = read.boolean('ipv6', true);
  const txt = read.boolean('txt', true);
  const lookup = read.value('lookup', isLink, 'an http(s) link of at most 200 printable ASCII characters');
  const key = readKey(owner, read);
  read.value('source', isText, 'a string');
  read.done();

  const suffix = key === undefined ? `.${name}` : `.${key}.${name}`;
  if (LONGEST_LABELS + suffix.length > LONGEST_NAME) {
    throw new RangeError(`${owner}: name and key together are too long for a query name`);
  }
  return {
    name,
    kind,
    suffix,
    key,
    answers: answers.map((answer, index) => compileAnswer(`${owner}.answers[${index}]`, answer, weight)),
    ipv4,
    ipv6,
    txt,
    lookup,
    clean: Object.freeze({
      zone: name,
      kind,
      status: 'clean',
      codes: Object.freeze([]),
      reasons: Object.freeze([] as const),
      score: 0,
      text: undefined,
      link: undefined,
    }),
  };
}

/**
 * Checks and prepares zones. A mistake is a `TypeError` or `RangeError` that names the owner, the zone's place and the
 * option, and never shows a query key.
 *
 * @param owner - whose option `zones` it is
 */
export function compileZones(owner: string, zones: readonly (string | DnsblZone)[]): readonly CompiledZone[] {
  const compiled = zones.map((zone, index) => compileZone(`${owner}: zones[${index}]`, zone));
  const names = new Set<string>();
  for (const { name } of compiled) {
    if (names.has(name)) throw new RangeError(`${owner}: option "zones" has ${JSON.stringify(name)} twice`);
    names.add(name);
  }
  return compiled;
}
