import { isRecordType, OptionReader, type RecordType, toDnsName } from '@postern/core';
import type { SeededRandom } from '../seeded-random.ts';
import type { DnsQuery, DnsTransport } from './dns-query.ts';

/**
 * What a `DnsServer` does instead of answering as it should.
 *
 * - `delay`: answers `delayMs` later.
 * - `drop`: says nothing.
 * - `truncate`: UDP only: sets TC and leaves the answer out; over TCP the answer is whole.
 * - `servfail`, `refused`, `formerr`, `notimp`, `nxdomain`: that response code, without records.
 * - `wrong-id`, `wrong-question`: a forged NXDOMAIN with another id, or about another name.
 * - `wrong-source`: UDP only: a forged NXDOMAIN from another port.
 * - `wrong-owner`: the right question, but the records belong to another name.
 * - `malformed`: the right id and question, and an answer that ends in the middle of a record.
 * - `garbage`: up to 64 random bytes.
 * - `slow`: not UDP: one byte every `everyMs`.
 * - `close`: not UDP: closes the connection instead of answering.
 * - `authentic`: sets AD whatever the zone says, as a liar on the path can.
 * - `formerr-on-edns`: FORMERR to queries with an OPT record, as servers from before EDNS do; others are answered.
 * - `http-status`: HTTPS only: this status instead of an answer.
 * - `raw`: what `reply` makes of the query, as it is; an array is several messages.
 *
 * With `thenAnswer` the true answer follows the false one, as when somebody off the path was faster than the server.
 */
export type DnsFault =
  | { readonly fault: 'delay'; readonly delayMs: number }
  | { readonly fault: 'drop' | 'truncate' | 'close' | 'authentic' | 'formerr-on-edns' }
  | { readonly fault: 'servfail' | 'refused' | 'formerr' | 'notimp' | 'nxdomain' }
  | {
      readonly fault: 'wrong-id' | 'wrong-question' | 'wrong-source' | 'wrong-owner' | 'malformed' | 'garbage';
      readonly thenAnswer?: boolean;
    }
  | { readonly fault: 'slow'; readonly everyMs: number }
  | { readonly fault: 'http-status'; readonly status: number }
  | { readonly fault: 'raw'; readonly reply: (query: Uint8Array) => Uint8Array | readonly Uint8Array[] };

/** A fault and the questions that it strikes: all, unless it says which. */
export type DnsFaultRule = DnsFault & {
  /** Only questions about this name; `*.example.com`: about every name below it. */
  readonly name?: string;
  readonly type?: RecordType;
  readonly transport?: DnsTransport;
  /** Strikes at random, from 0 to 1. Default 1: always. */
  readonly probability?: number;
  /** Strikes only so many times. Default: without end. */
  readonly times?: number;
};

/** Every fault but a delay, which something else follows. */
export type Deed = Exclude<DnsFault, { fault: 'delay' }>;

const streamOnly: readonly string[] = ['slow', 'close'];
const datagramOnly: readonly string[] = ['truncate', 'wrong-source'];

/** Rules with their dice and their counts. */
export class FaultTable {
  readonly #rules: readonly { readonly rule: DnsFaultRule; left: number }[];
  readonly #random: SeededRandom;

  constructor(rules: readonly DnsFaultRule[], random: SeededRandom) {
    for (const rule of rules) check(rule);
    this.#rules = rules.map((rule) => ({ rule, left: rule.times ?? Number.POSITIVE_INFINITY }));
    this.#random = random;
  }

  /** What strikes this question: the first rule that matches, and the delays that stand before it. */
  strike(query: DnsQuery): { fault: Deed | undefined; delayMs: number } {
    let delayMs = 0;
    for (const entry of this.#rules) {
      const { rule } = entry;
      if (entry.left <= 0 || !matches(rule, query)) continue;
      if (rule.probability !== undefined && this.#random.next() >= rule.probability) continue;
      entry.left--;
      if (rule.fault !== 'delay') return { fault: rule, delayMs };
      delayMs += rule.delayMs;
    }
    return { fault: undefined, delayMs };
  }
}

function matches(rule: DnsFaultRule, query: DnsQuery): boolean {
  if (rule.type !== undefined && rule.type !== query.type) return false;
  if (rule.transport !== undefined && rule.transport !== query.transport) return false;
  if (query.transport === 'udp' ? streamOnly.includes(rule.fault) : datagramOnly.includes(rule.fault)) return false;
  if (rule.fault === 'http-status' && query.transport !== 'https') return false;
  if (rule.fault === 'formerr-on-edns' && query.ednsBytes === undefined) return false;
  if (rule.name === undefined) return true;
  const name = toDnsName(rule.name) ?? '';
  return name.startsWith('*.') ? query.name.endsWith(name.slice(1)) : query.name === name;
}

const forgeries = ['wrong-id', 'wrong-question', 'wrong-source', 'wrong-owner', 'malformed', 'garbage'];
const words = [
  ...['delay', 'drop', 'truncate', 'servfail', 'refused', 'formerr', 'notimp', 'nxdomain', ...forgeries],
  ...['slow', 'close', 'authentic', 'formerr-on-edns', 'http-status', 'raw'],
];
const transports: readonly DnsTransport[] = ['udp', 'tcp', 'tls', 'https'];

/** A misspelt fault would be a test that tests nothing. */
function check(rule: DnsFaultRule): void {
  const read = new OptionReader('DnsServer fault', rule);
  const fault = read.required('fault', isWord, `one of ${words.join(', ')}`);
  const name = read.text('name', '.');
  if (toDnsName(name) === undefined) read.refuse('name', 'a domain name');
  read.value('type', isRecordType, 'a record type');
  read.value('transport', isTransport, `one of ${transports.join(', ')}`);
  read.number('probability', 1, { min: 0, max: 1 });
  read.integer('times', 1, { min: 0 });
  if (fault === 'delay') read.required('delayMs', isDuration, 'milliseconds ≥ 0');
  else if (fault === 'slow') read.required('everyMs', isDuration, 'milliseconds ≥ 0');
  else if (fault === 'http-status') read.required('status', isHttpStatus, 'an HTTP status from 200 to 599');
  else if (fault === 'raw') read.required('reply', isFunction, 'a function');
  else if (forgeries.includes(fault)) read.boolean('thenAnswer', false);
  read.done();
}

function isWord(value: unknown): value is string {
  return words.some((word) => word === value);
}

function isTransport(value: unknown): value is DnsTransport {
  return transports.some((transport) => transport === value);
}

function isDuration(value: unknown): value is number {
  return typeof value === 'number' && value >= 0 && Number.isFinite(value);
}

function isHttpStatus(value: unknown): value is number {
  return Number.isInteger(value) && typeof value === 'number' && value >= 200 && value <= 599;
}

function isFunction(value: unknown): value is () => unknown {
  return typeof value === 'function';
}
