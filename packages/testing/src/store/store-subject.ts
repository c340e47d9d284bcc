import { ok, rejects } from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Awaitable, Store } from '@postern/core';

/** A store under contract, with its clock. */
export interface ContractStore {
  readonly store: Store;
  /** Another door to the same state, such as a second connection. Default: the same store. */
  readonly other?: Store;
  /** The time as the store sees it, in milliseconds since the epoch. */
  now(): number;
  /** Lets so many milliseconds pass: moves a fake clock, or waits. */
  advance(ms: number): Awaitable<void>;
  /** Called when the case is over. */
  close?(): Awaitable<void>;
}

/** What a case has in hand. */
export interface StoreSubject {
  readonly store: Store;
  readonly other: Store;
  /** How much time may pass between two calls that follow each other. */
  readonly slackMs: number;
  now(): number;
  advance(ms: number): Awaitable<void>;
  /** A key that nobody else uses, so that a case runs on a store with other things in it. */
  key(name: string): string;
}

/** One case before it has its store. */
export type StoreDemand = readonly [name: string, check: (subject: StoreSubject) => Promise<void>];

export function subjectOf(contract: ContractStore, slackMs: number): StoreSubject {
  const run = randomUUID();
  return {
    store: contract.store,
    other: contract.other ?? contract.store,
    slackMs,
    now: () => contract.now(),
    advance: (ms) => contract.advance(ms),
    key: (name) => `contract:${run}:${name}`,
  };
}

/**
 * Asserts a number that time changes.
 *
 * @param perMs - by how much a millisecond changes it; below 0 it falls
 */
export function expectNumber(actual: number, expected: number, perMs: number, slackMs: number): void {
  const [low, high] = [expected, expected + perMs * slackMs].sort((one, other) => one - other);
  const rounding = 1e-6;
  ok(
    actual >= (low ?? 0) - rounding && actual <= (high ?? 0) + rounding,
    `must be ${expected}${slackMs === 0 ? '' : `, or in ${slackMs} ms ${expected + perMs * slackMs}`}, got ${actual}`,
  );
}

/** Asserts that a call throws or rejects with a `RangeError`. */
export async function expectRangeError(call: () => unknown): Promise<void> {
  await rejects(async () => call(), RangeError, call.toString());
}
