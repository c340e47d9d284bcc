import { deepStrictEqual, fail, ok } from 'node:assert/strict';
import type { DnsAnswer, DnsFailureReason, DnsRecords, RecordData, RecordType } from '@postern/core';

/** Asserts that these records were found, in any order. */
export function expectRecords<T extends RecordType>(
  answer: DnsAnswer<T>,
  expected: readonly RecordData[T][],
): asserts answer is DnsRecords<T> {
  if (answer.kind !== 'records') unexpected(answer);
  deepStrictEqual(recordsOf(answer), sorted(expected));
}

/** The records, in an order of their own: that of the records of a set means nothing (RFC 2181 §5). */
export function recordsOf(answer: DnsAnswer): unknown[] {
  return answer.kind === 'records' ? sorted(answer.records) : unexpected(answer);
}

function sorted(records: readonly unknown[]): unknown[] {
  return records
    .map((record) => ({ record, key: JSON.stringify(record, keysOf(record)) }))
    .sort((one, other) => (one.key < other.key ? -1 : 1))
    .map(({ record }) => record);
}

function keysOf(record: unknown): string[] | undefined {
  return typeof record === 'object' && record !== null ? Object.keys(record).sort() : undefined;
}

/** Asserts the TTL, if the resolver knows it. A cache may have counted a second down by now. */
export function expectTtl(actual: number, expected: number, known: boolean): void {
  ok(Number.isInteger(actual) && actual >= 0, `the TTL must be whole seconds, got ${actual}`);
  if (known) ok(actual === expected || actual === expected - 1, `the TTL must be ${expected}, got ${actual}`);
}

/** Asserts a failure for one of these reasons. */
export function expectFailure(answer: DnsAnswer, ...reasons: readonly DnsFailureReason[]): void {
  if (answer.kind !== 'failure') unexpected(answer);
  ok(
    reasons.includes(answer.reason),
    `the reason must be ${reasons.join(' or ')}, got ${answer.reason}: ${answer.detail}`,
  );
  expectFrozenFailure(answer);
}

/** Asserts a failure that nobody can change and that says what happened. */
export function expectFrozenFailure(answer: DnsAnswer): void {
  if (answer.kind !== 'failure') unexpected(answer);
  ok(Object.isFrozen(answer), 'the failure must be frozen');
  ok(typeof answer.detail === 'string' && answer.detail !== '', 'a failure must say what happened');
}

/** Fails, and shows the answer. */
export function unexpected(answer: DnsAnswer): never {
  fail(`unexpected answer: ${JSON.stringify(answer)}`);
}
