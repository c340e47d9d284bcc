import type { KeyFingerprint } from './key-fingerprint.ts';
import { type RateState, roundedUp } from './rate-state.ts';

/*
 * A slot has 56 bytes: three numbers of 64 bits (`at`, `spent`, `spentBefore`), the fingerprint's four words, and four
 * numbers of 32 bits (`perMs`, `hotMs`, `liveMs`, `share`).
 */
const DOUBLES = 7;
const WORDS = 14;
const FINGERPRINT = 6;
const SINGLES = 10;

const FIRST_CAPACITY = 64;
/**
 * A table of so many slots that is full grows to its whole size: the system gives memory page by page, when it is first
 * written, and so large a table is never copied.
 */
const LARGE = 4_096;
/** Entries of the index for each slot: how far a search goes depends on how much of it is empty. */
const INDEX_RATIO = 4 / 3;
/** An entry of the index: 0, or a slot's number + 1 in the lower 25 bits and 7 bits of its key's second word above them. */
const SLOT_BITS = 0x1_ff_ff_ff;
/** So many slots are looked at for an expired one before the table grows by one. */
const SWEPT = 2;
/** So many are compared for the least dangerous one when the table is full. */
const COMPARED = 8;
/** So many are looked at, at most, for one that is not hot. */
const SEARCHED = 64;
/**
 * The states of at most `maxKeys` keys in a few arrays of numbers: no object a key, nothing for the garbage collector, no
 * timer. Keys are known by their fingerprint, found by open addressing with linear probing.
 *
 * When the table is full, a new key takes the place of the least dangerous of 8: one that has expired, or else the one
 * that has used the least of its limit, counting that what was used is used less and less until it expires. One that is hot
 * never gives way: when 64 in a row are hot there is no place. The slots' order is that of their fingerprints' arrival and
 * replacement, which nobody outside can choose.
 */
export class RateSlots {
  readonly #maxKeys: number;
  #index = new Int32Array(0);
  /** Takes a key's first word to its first place in the index. */
  #scale = 0;
  #doubles = new Float64Array(0);
  #words = new Int32Array(0);
  #singles = new Float32Array(0);
  #capacity = 0;
  /** Slots that have been used; those behind have not. */
  #used = 0;
  /** The slots that were removed, as a chain through their first word: 0, or a slot's number + 1. */
  #free = 0;
  /** Goes round the slots. */
  #hand = 0;
  /** After a search for a place failed: milliseconds until the first of those that were looked at is not hot. */
  coolsInMs = 0;

  constructor(maxKeys: number) {
    this.#maxKeys = maxKeys;
    this.#resize(Math.min(FIRST_CAPACITY, maxKeys));
  }

  /** The key's slot, -1 if it has none. */
  find({ word0, word1, word2, word3 }: KeyFingerprint): number {
    const index = this.#index;
    const words = this.#words;
    for (let place = this.#home(word0); ; ) {
      const entry = index[place] ?? 0;
      if (entry === 0) return -1;
      // Of 128 other keys one has the same 7 bits: the others' slots are not looked at.
      if (((entry ^ word1) & ~SLOT_BITS) === 0) {
        const slot = (entry & SLOT_BITS) - 1;
        const word = slot * WORDS + FINGERPRINT;
        if (
          words[word] === word0 &&
          words[word + 1] === word1 &&
          words[word + 2] === word2 &&
          words[word + 3] === word3
        ) {
          return slot;
        }
      }
      place++;
      if (place === index.length) place = 0;
    }
  }

  /** A slot for a key that has none; what it held must be overwritten. -1 if there is no place. */
  add(key: KeyFingerprint, now: number): number {
    const slot = this.#place(now);
    if (slot < 0) return -1;
    const word = slot * WORDS + FINGERPRINT;
    this.#words[word] = key.word0;
    this.#words[word + 1] = key.word1;
    this.#words[word + 2] = key.word2;
    this.#words[word + 3] = key.word3;
    this.#enter(slot);
    return slot;
  }

  /** What it held reads as nothing until the place is used again. */
  remove(slot: number, nothing: RateState): void {
    nothing.clear();
    this.save(slot, nothing);
    this.#leave(slot);
    this.#words[slot * WORDS + FINGERPRINT] = this.#free;
    this.#free = slot + 1;
  }

  /** What the algorithms work on: the rest of the state is made anew before it is saved. */
  read(slot: number, state: RateState): void {
    const doubles = this.#doubles;
    const double = slot * DOUBLES;
    state.at = doubles[double] ?? 0;
    state.spent = doubles[double + 1] ?? 0;
    state.spentBefore = doubles[double + 2] ?? 0;
    state.perMs = this.#singles[slot * WORDS + SINGLES] ?? 0;
  }

  /** All of it. */
  load(slot: number, state: RateState): void {
    const single = slot * WORDS + SINGLES;
    this.read(slot, state);
    state.hotMs = this.#singles[single + 1] ?? 0;
    state.liveMs = this.#singles[single + 2] ?? 0;
    state.share = this.#singles[single + 3] ?? 0;
  }

  save(slot: number, state: RateState): void {
    const doubles = this.#doubles;
    const singles = this.#singles;
    const double = slot * DOUBLES;
    const single = slot * WORDS + SINGLES;
    doubles[double] = state.at;
    doubles[double + 1] = state.spent;
    doubles[double + 2] = state.spentBefore;
    singles[single] = state.perMs;
    singles[single + 1] = state.hotMs;
    singles[single + 2] = state.liveMs;
    singles[single + 3] = state.share;
  }

  /** Lets what the slot holds be hot until then at least. */
  keepHot(slot: number, until: number): void {
    const single = slot * WORDS + SINGLES;
    const hotMs = roundedUp(until - (this.#doubles[slot * DOUBLES] ?? 0));
    if (hotMs > (this.#singles[single + 1] ?? 0)) this.#singles[single + 1] = hotMs;
  }

  #home(word0: number): number {
    return ((word0 >>> 0) * this.#scale) | 0;
  }

  #place(now: number): number {
    if (this.#free > 0) {
      const slot = this.#free - 1;
      this.#free = this.#words[slot * WORDS + FINGERPRINT] ?? 0;
      return slot;
    }
    if (this.#used === this.#maxKeys) return this.#giveUpOne(now);
    for (let looked = 0; looked < SWEPT && looked < this.#used; looked++) {
      const slot = this.#next();
      if (this.#danger(slot, now) <= 0) {
        this.#leave(slot);
        return slot;
      }
    }
    if (this.#used === this.#capacity)
      this.#resize(this.#capacity < LARGE ? Math.min(2 * this.#capacity, this.#maxKeys) : this.#maxKeys);
    return this.#used++;
  }

  #giveUpOne(now: number): number {
    let victim = -1;
    let least = Number.POSITIVE_INFINITY;
    this.coolsInMs = Number.POSITIVE_INFINITY;
    for (let looked = 0; looked < SEARCHED && looked < this.#used; looked++) {
      if (least <= 0 || (looked >= COMPARED && victim >= 0)) break;
      const slot = this.#next();
      const danger = this.#danger(slot, now);
      if (danger >= least) continue;
      victim = slot;
      least = danger;
    }
    if (victim >= 0) this.#leave(victim);
    return victim;
  }

  #next(): number {
    const slot = this.#hand < this.#used ? this.#hand : 0;
    this.#hand = slot + 1;
    return slot;
  }

  /** 0 or less: expired. Infinite: hot. Between: about the part of the limit that is used now. */
  #danger(slot: number, now: number): number {
    const age = now - (this.#doubles[slot * DOUBLES] ?? 0);
    const single = slot * WORDS + SINGLES;
    const hotMs = this.#singles[single + 1] ?? 0;
    if (age < hotMs) {
      this.coolsInMs = Math.min(this.coolsInMs, hotMs - age);
      return Number.POSITIVE_INFINITY;
    }
    const liveMs = this.#singles[single + 2] ?? 0;
    return age >= liveMs ? 0 : (this.#singles[single + 3] ?? 0) * (1 - age / liveMs);
  }

  #enter(slot: number): void {
    const index = this.#index;
    const word = slot * WORDS + FINGERPRINT;
    let place = this.#home(this.#words[word] ?? 0);
    while (index[place] !== 0) place = place + 1 === index.length ? 0 : place + 1;
    index[place] = ((this.#words[word + 1] ?? 0) & ~SLOT_BITS) | (slot + 1);
  }

  #leave(slot: number): void {
    const index = this.#index;
    const { length } = index;
    let hole = this.#home(this.#words[slot * WORDS + FINGERPRINT] ?? 0);
    while (((index[hole] ?? 0) & SLOT_BITS) !== slot + 1) hole = hole + 1 === length ? 0 : hole + 1;
    // What stands behind moves up, unless its home lies behind the hole: no search may meet a gap before it ends.
    for (let place = hole; ; ) {
      place = place + 1 === length ? 0 : place + 1;
      const entry = index[place] ?? 0;
      if (entry === 0) break;
      const home = this.#home(this.#words[((entry & SLOT_BITS) - 1) * WORDS + FINGERPRINT] ?? 0);
      const distance = (place - home + length) % length;
      if (distance < (place - hole + length) % length) continue;
      index[hole] = entry;
      hole = place;
    }
    index[hole] = 0;
  }

  #resize(capacity: number): void {
    const buffer = new ArrayBuffer(capacity * DOUBLES * Float64Array.BYTES_PER_ELEMENT);
    const words = new Int32Array(buffer);
    words.set(this.#words);
    this.#words = words;
    this.#doubles = new Float64Array(buffer);
    this.#singles = new Float32Array(buffer);
    this.#capacity = capacity;
    // One place more than slots at least: a search ends at an empty one.
    this.#index = new Int32Array(Math.ceil(capacity * INDEX_RATIO) + 1);
    this.#scale = this.#index.length / 2 ** 32;
    // No slot is free when the table grows, so all of them have a key.
    for (let slot = 0; slot < this.#used; slot++) this.#enter(slot);
  }
}
