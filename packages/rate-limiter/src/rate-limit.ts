import { type Charge, OptionReader, type Rate } from '@postern/core';
import { clientKeyOf, domainKeyOf, isAddress, type RateSubject, recipientKeyOf, userKeyOf } from './rate-subject.ts';

/**
 * What a limit counts by: a key of the subject, `'total'` (everybody together), or a function that gives a name of its own,
 * such as the AS that a client's network belongs to; `undefined` from it says that the limit does not apply.
 */
export type RateKey = string | ((subject: RateSubject) => string | undefined);

/** One limit: so much, for each of these, in such a time. */
export interface RateLimitOptions {
  /** What results and `stats()` call it: 1 to 64 printable ASCII characters, no colon. */
  readonly name: string;
  /** `'client'`, `'user'`, `'senderDomain'`, `'recipient'`, `'total'`, another key of the subject, or a function. */
  readonly per: RateKey;
  /** Cost that may be spent in `perMs`. A whole number from 1 to 1,000,000,000,000. */
  readonly count: number;
  /** Milliseconds: a whole number from 1 to 31,622,400,000 (366 days). */
  readonly perMs: number;
  /** `'gcra'` only: the most that may be spent at once. A whole number from 1 to 1,000,000,000,000. Default: `count`. */
  readonly burst?: number;
  /**
   * `'gcra'` (default): `count` per `perMs` on average, `burst` at once. `'fixed'`: `count` in each window of `perMs`, and so
   * up to twice as much around a window's end. `'sliding'`: like it, with the window before counting for the part of it
   * that is still near.
   */
  readonly algorithm?: 'gcra' | 'fixed' | 'sliding';
  /** `per: 'client'` only: how many bits of an IPv4 address count. 1 to 32, default 32. 24: networks. */
  readonly ipv4PrefixLength?: number;
  /** `per: 'client'` only: how many bits of an IPv6 address count. 1 to 128, default 64. 48: sites. */
  readonly ipv6PrefixLength?: number;
}

const MOST_COST = 1_000_000_000_000;
const LONGEST_MS = 31_622_400_000;
const algorithms = ['gcra', 'fixed', 'sliding'] as const;

/** One limit, checked. */
export class RateLimit {
  readonly name: string;
  readonly per: RateKey;
  /** The most that can be spent at once. */
  readonly capacity: number;
  /** What every charge to it says. */
  readonly rate: Rate;
  readonly #bits: { readonly ipv4PrefixLength: number; readonly ipv6PrefixLength: number };

  /** @throws TypeError or RangeError that names the option */
  constructor(options: unknown, index: number) {
    const owner = `RateLimiter: limits[${index}]`;
    if (options === undefined) throw new TypeError(`${owner} must be an object`);
    const read = new OptionReader(owner, options);
    this.name = read.required('name', isString, 'a string');
    if (!isName(this.name)) read.refuse('name', '1 to 64 printable ASCII characters without a colon');
    this.per = read.required('per', isKey, 'a key of the subject or a function');
    if (this.per === '') read.refuse('per', 'a key of the subject or a function');
    const count = wholeNumber(read, 'count', MOST_COST);
    const perMs = wholeNumber(read, 'perMs', LONGEST_MS);
    const algorithm = read.oneOf('algorithm', algorithms, 'gcra');
    this.capacity = algorithm === 'gcra' ? read.integer('burst', count, { min: 1, max: MOST_COST }) : count;
    this.rate = algorithm === 'gcra' ? { algorithm, count, perMs, burst: this.capacity } : { algorithm, count, perMs };
    this.#bits = { ipv4PrefixLength: 32, ipv6PrefixLength: 64 };
    if (this.per === 'client') {
      this.#bits = {
        ipv4PrefixLength: read.integer('ipv4PrefixLength', 32, { min: 1, max: 32 }),
        ipv6PrefixLength: read.integer('ipv6PrefixLength', 64, { min: 1, max: 128 }),
      };
    }
    // What the algorithm or the key does not take is refused as unknown.
    read.done();
  }

  /** What the subject is counted under; `undefined`: the limit does not apply to it. */
  keyOf(call: string, subject: RateSubject): string | undefined {
    if (this.per === 'total') return '';
    if (typeof this.per === 'string') {
      const value = subject[this.per];
      if (value === undefined) return undefined;
      if (typeof value === 'string') return this.keyOfText(value);
      if (this.per === 'client' && isAddress(value)) return clientKeyOf(value, this.#bits);
      throw new TypeError(`RateLimiter.${call}: ${JSON.stringify(this.per)} must be a string or undefined`);
    }
    const key: unknown = this.per(subject);
    if (key === undefined || typeof key === 'string') return key;
    throw new TypeError(
      `RateLimiter.${call}: "per" of the limit ${JSON.stringify(this.name)} must return a string or undefined`,
    );
  }

  /** The same of the one key that the limit counts by. */
  keyOfText(text: string): string {
    switch (this.per) {
      case 'total':
        return '';
      case 'client':
        return clientKeyOf(text, this.#bits);
      case 'user':
        return userKeyOf(text);
      case 'senderDomain':
        return domainKeyOf(text);
      case 'recipient':
        return recipientKeyOf(text);
      default:
        return text;
    }
  }

  charge(key: string, cost: number): Charge {
    return { ...this.rate, key, cost };
  }
}

function wholeNumber(read: OptionReader, name: string, max: number): number {
  read.required(name, isNumber, `a whole number from 1 to ${max}`);
  return read.integer(name, 1, { min: 1, max });
}

function isString(value: unknown): value is string {
  return typeof value === 'string';
}

function isNumber(value: unknown): value is number {
  return typeof value === 'number';
}

function isKey(value: unknown): value is RateKey {
  return typeof value === 'string' || typeof value === 'function';
}

/** It stands in the keys of the store, before a colon. */
function isName(name: string): boolean {
  if (name.length < 1 || name.length > 64) return false;
  return [...name].every((letter) => letter >= ' ' && letter <= '~' && letter !== ':');
}
