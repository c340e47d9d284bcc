import { isRecordType, type RecordType, toDnsName } from '@postern/core';
import { mergeSets, type RecordSet, type RecordSets, recordSet, textSet } from './record-set.ts';
import { absoluteName, type PlainType, parseTtl, RecordError, readRecord } from './record-text.ts';
import { nodeOf } from './zone-data.ts';
import { lexZone, type ZoneEntry, ZoneSyntaxError, type ZoneToken } from './zone-lexer.ts';

/** How the text of a zone file is read. */
export interface ZoneTextOptions {
  /** What relative names are relative to, until `$ORIGIN`. Default: the root. */
  readonly origin?: string;
}

type ReadSet<T extends RecordType> = (tokens: readonly ZoneToken[], origin: string, ttl: number) => RecordSet<T>;

function plain<T extends PlainType>(type: T): ReadSet<T> {
  return (tokens, origin, ttl) => recordSet(type, ttl, [readRecord(type, tokens, origin)]);
}

const readers: { readonly [T in RecordType]: ReadSet<T> } = {
  A: plain('A'),
  AAAA: plain('AAAA'),
  PTR: plain('PTR'),
  CNAME: plain('CNAME'),
  NS: plain('NS'),
  TXT: (tokens, _origin, ttl) => textSet(ttl, [characterStrings(tokens)]),
  MX: plain('MX'),
  SOA: plain('SOA'),
  SRV: plain('SRV'),
  TLSA: plain('TLSA'),
  CAA: plain('CAA'),
};

/** RFC 1035 §3.3: a character-string has at most 255 octets. */
const LONGEST_STRING = 255;

function characterStrings(tokens: readonly ZoneToken[]): readonly string[] {
  if (tokens.length === 0) throw new RecordError('the text is missing');
  if (tokens.some(({ text }) => text.length > LONGEST_STRING)) {
    throw new RecordError(`a character-string has at most ${LONGEST_STRING} octets; write several`);
  }
  return tokens.map(({ text }) => text);
}

/**
 * Reads a zone file: `$ORIGIN`, `$TTL`, `@`, relative names, owners inherited from the line before, TTL and class in
 * either order, TTL units, parentheses, comments, quoted strings with `\"` and `\DDD`. `$INCLUDE`, `$GENERATE` and types
 * that core does not ask for are errors.
 *
 * @param text - a string stands for the file that it makes in UTF-8
 * @param defaultTtl - seconds, when neither the record, `$TTL` nor a record before it says a TTL
 */
export function readZoneText(
  text: string | Uint8Array,
  origin: string | undefined,
  defaultTtl: number,
): ReadonlyMap<string, RecordSets> {
  const source = Buffer.from(text).toString('latin1');
  const root = toDnsName(origin ?? '.');
  if (root === undefined) throw new RangeError(`zone text: the origin ${JSON.stringify(origin)} is not a domain name`);
  const reader = new ZoneReader(root, defaultTtl);
  for (const entry of lexZone(source)) {
    try {
      reader.read(entry);
    } catch (error) {
      throw error instanceof RangeError ? new ZoneSyntaxError(entry.line, error.message) : error;
    }
  }
  return reader.names;
}

class ZoneReader {
  readonly names = new Map<string, RecordSets>();
  readonly #defaultTtl: number;
  #origin: string;
  #owner: string | undefined;
  /** What `$TTL` says (RFC 2308 §4). */
  #zoneTtl: number | undefined;
  /** RFC 1035 §5.1: an omitted TTL is the last one stated. */
  #lastTtl: number | undefined;

  constructor(origin: string, defaultTtl: number) {
    this.#origin = origin;
    this.#defaultTtl = defaultTtl;
  }

  read({ indented, tokens }: ZoneEntry): void {
    const first = tokens[0];
    if (first === undefined) return;
    if (!indented && !first.quoted && first.raw.startsWith('$')) {
      this.#directive(first.raw, tokens.slice(1));
      return;
    }
    if (!indented) this.#owner = absoluteName(first.raw, this.#origin, 'the owner');
    if (this.#owner === undefined) throw new RecordError('the first record has no owner');
    // What core's resolvers do not ask about cannot be an owner here.
    if (toDnsName(this.#owner) === undefined) throw new RecordError(`the owner ${first.raw} cannot be asked about`);

    let at = indented ? 0 : 1;
    let ttl: number | undefined;
    let hasClass = false;
    for (; at < tokens.length; at++) {
      const word = tokens[at]?.raw ?? '';
      const seconds = ttl === undefined ? parseTtl(word) : undefined;
      if (seconds !== undefined) ttl = seconds;
      else if (!hasClass && /^(?:IN|CS|CH|HS)$/i.test(word)) hasClass = isInternet(word);
      else break;
    }
    const type = tokens[at]?.raw.toUpperCase();
    if (!isRecordType(type))
      throw new RecordError(`${JSON.stringify(tokens[at]?.raw ?? '')} is not a record type known here`);
    this.#add(this.#owner, type, tokens.slice(at + 1), ttl);
  }

  #directive(word: string, tokens: readonly ZoneToken[]): void {
    const value = tokens[0]?.raw ?? '';
    if (tokens.length !== 1) throw new RecordError(`${word} takes one word`);
    switch (word.toUpperCase()) {
      case '$ORIGIN':
        this.#origin = absoluteName(value, this.#origin, 'the origin');
        return;
      case '$TTL':
        this.#zoneTtl = parseTtl(value);
        if (this.#zoneTtl === undefined) throw new RecordError(`${JSON.stringify(value)} is not a TTL`);
        return;
      default:
        throw new RecordError(`${word} is not supported`);
    }
  }

  #add<T extends RecordType>(owner: string, type: T, tokens: readonly ZoneToken[], stated: number | undefined): void {
    const sets = this.names.get(owner) ?? {};
    const ttl = stated ?? this.#zoneTtl ?? this.#lastTtl;
    const set = readers[type](tokens, this.#origin, ttl ?? this.#defaultTtl);
    const before: RecordSet<T> | undefined = sets[type];
    const after: RecordSets = { ...sets, [type]: before === undefined ? set : mergeSets(before, set) };
    nodeOf(owner || '.', after);
    this.names.set(owner, after);
    if (stated !== undefined) this.#lastTtl = stated;
  }
}

function isInternet(word: string): true {
  if (word.toUpperCase() !== 'IN') throw new RecordError(`the class ${word} is not supported`);
  return true;
}
