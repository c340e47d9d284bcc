import { OptionReader, parseIp, toAsciiDomain } from '@postern/core';
import type { DnsblAnswer, DnsblErrorAnswer, DnsblZone } from './dnsbl-zone.ts';
import { compileProbes, type ZoneProbe } from './zone-probe.ts';
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
  readonly lists: ZoneSubject;
  /** What stands behind the reversed address or the domain: `.<key>.<name>`. Holds the secret; never to be shown. */
  readonly suffix: string;
  /** What is shown instead, if there is a secret: `.[key].<name>`. */
  readonly shownSuffix: string | undefined;
  /** In lower case. Never to be shown. */
  readonly key: string | undefined;
  readonly answers: readonly CompiledAnswer[];
  /** The reason by the answer; `undefined` for most zones. */
  readonly errors: ReadonlyMap<number, DnsblErrorAnswer['reason']> | undefined;
  /** The most that a listing can add to the score. */
  readonly maxScore: number;
  /** Both `false` for a list of domains. */
  readonly ipv4: boolean;
  readonly ipv6: boolean;
  /** It has registrable domains only. */
  readonly registrable: boolean;
  readonly txt: 'listed' | 'always' | 'never';
  /** What a probe asks. */
  readonly probes: readonly ZoneProbe[];
  /** With `{ip}` or `{domain}` in it. */
  readonly lookup: string | undefined;
  /** The most frequent result, made once. */
  readonly clean: ZoneResult;
}

/** What a zone lists. */
export type ZoneSubject = 'addresses' | 'domains';

/** 32 nibbles with their dots, the longest reversed address; a domain's last label, with room to spare. */
const LONGEST_LABELS = 64;
/** RFC 1035 §2.3.4: 255 octets on the wire are 253 characters of text. */
export const LONGEST_NAME = 253;
const MAX_ANSWERS = 256;

const genericAnswers: readonly DnsblAnswer[] = [{ from: '127.0.0.2', to: '127.0.0.254', reason: 'listed' }];

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is object {
  return typeof value === 'object' && value !== null;
}

function isZone(value: unknown): value is string | DnsblZone {
  return typeof value === 'string' || (typeof value === 'object' && value !== null && 'name' in value);
}

/** Whether `value` is what an option `zones` takes: which names and answers stand in it is checked by {@link compileZones}. */
export function isZoneList(value: unknown): value is readonly (string | DnsblZone)[] {
  return Array.isArray(value) && value.every(isZone);
}

/** Whether `value` is a list of zones with at least one. */
export function isNonEmptyZoneList(value: unknown): value is readonly (string | DnsblZone)[] {
  return isZoneList(value) && value.length > 0;
}

function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[\w.-]{1,64}$/.test(value);
}

function isAnswerList(value: unknown): value is readonly DnsblAnswer[] {
  return Array.isArray(value) && value.length > 0 && value.length <= MAX_ANSWERS;
}

function isErrorList(value: unknown): value is readonly DnsblErrorAnswer[] {
  return Array.isArray(value) && value.length <= MAX_ANSWERS;
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

function compileError(owner: string, error: unknown): readonly [number, DnsblErrorAnswer['reason']] {
  const read: OptionReader = new OptionReader(owner, error);
  const code = readQuad(read, 'code', CODE, isCode);
  const reason = read.oneOf(
    'reason',
    ['open-resolver', 'over-quota', 'access-denied', 'zone-name', 'error-code'],
    'error-code',
  );
  read.done();
  return [code, reason];
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

function compileZone(owner: string, zone: string | DnsblZone, lists: ZoneSubject | undefined): CompiledZone {
  const plain = typeof zone === 'string';
  const read: OptionReader = new OptionReader(owner, plain ? { name: zone } : zone);
  const name = toAsciiDomain(read.required('name', isText, 'a domain name'));
  if (name === undefined) read.refuse('name', 'a domain name');
  const about = read.oneOf('lists', ['addresses', 'domains'], plain && lists !== undefined ? lists : 'addresses');
  if (lists !== undefined && about !== lists) throw new TypeError(`${owner}: ${name} lists ${about}, not ${lists}`);
  const kind = read.oneOf('kind', ['block', 'allow'], 'block');
  const weight = read.number('weight', 1, { min: 0 });
  const answers = read.value('answers', isAnswerList, `a list of 1 to ${MAX_ANSWERS} answers`) ?? genericAnswers;
  const errors = read.value('errors', isErrorList, `a list of at most ${MAX_ANSWERS} errors`) ?? [];
  const ofAddresses = about === 'addresses';
  const ipv4 = ofAddresses && read.boolean('ipv4', true);
  const ipv6 = ofAddresses && read.boolean('ipv6', true);
  const registrable = !ofAddresses && read.oneOf('query', ['name', 'registrable'], 'name') === 'registrable';
  const txt = read.oneOf('txt', ['listed', 'always', 'never'], 'listed');
  const lookup = read.value('lookup', isLink, 'an http(s) link of at most 200 printable ASCII characters');
  const testPoints = read.value('testPoints', isObject, 'an object');
  const key = readKey(owner, read);
  read.value('source', isText, 'a string');
  read.value('terms', isText, 'a string');
  read.done();

  const suffix = key === undefined ? `.${name}` : `.${key}.${name}`;
  if (LONGEST_LABELS + suffix.length > LONGEST_NAME) {
    throw new RangeError(`${owner}: name and key together are too long for a query name`);
  }
  const compiled = answers.map((answer, index) => compileAnswer(`${owner}.answers[${index}]`, answer, weight));
  const refusals = errors.map((error, index) => compileError(`${owner}.errors[${index}]`, error));
  const probed = ofAddresses ? ({ lists: 'addresses', ipv4, ipv6 } as const) : ({ lists: 'domains' } as const);
  return {
    name,
    kind,
    lists: about,
    suffix,
    shownSuffix: key === undefined ? undefined : `.[key].${name}`,
    key,
    answers: compiled,
    errors: refusals.length === 0 ? undefined : new Map(refusals),
    maxScore: Math.max(...compiled.map((answer) => answer.weight)),
    ipv4,
    ipv6,
    registrable,
    txt,
    probes: compileProbes(`${owner}.testPoints`, testPoints, probed),
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
 * @param lists - what all zones have to list, and what a plain name lists; `undefined` takes any
 */
export function compileZones(
  owner: string,
  zones: readonly (string | DnsblZone)[],
  lists?: ZoneSubject,
): readonly CompiledZone[] {
  const compiled = zones.map((zone, index) => compileZone(`${owner}: zones[${index}]`, zone, lists));
  const names = new Set<string>();
  for (const { name } of compiled) {
    if (names.has(name)) throw new RangeError(`${owner}: option "zones" has ${JSON.stringify(name)} twice`);
    names.add(name);
  }
  return compiled;
}
