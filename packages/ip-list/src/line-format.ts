import type { Cidr } from '@postern/core';
import type { ListProblem, ListProblemReason } from './list-problem.ts';

/** Where a format puts what it read from a line. */
export interface LineOutput<Key> {
  /** What a listing is in this reading: the option `action`. */
  readonly action: 'allow' | 'block';
  /** Which line it is, counted from 1. */
  readonly number: number;
  /** Of the same key, the last one counts. `reason` is another party's text, as long as the line. */
  add(key: Key, action: 'allow' | 'block', reason: string): void;
  /**
   * @param about - what stands there; `''` is the whole line
   * @param number - where that is; the line that is being read by default
   */
  problem(kind: ListProblem['kind'], reason: ListProblemReason, about: string, number?: number): void;
}

/** One reading of one text in some format; what it remembers of earlier lines lives in it. */
export interface LineFormat<Key> {
  /** A line without its end, without NUL, of bounded length. Never throws. */
  line(text: string, output: LineOutput<Key>): void;
  /** After the last line. */
  end?(output: LineOutput<Key>): void;
}

/** What lists of addresses are read with. */
export type AddressFormat = LineFormat<Cidr>;
export type AddressOutput = LineOutput<Cidr>;

/** What lists of names are read with: the keys are patterns of a `DomainList`. */
export type DomainFormat = LineFormat<string>;
export type DomainOutput = LineOutput<string>;
