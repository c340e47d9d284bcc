import { RECORD_TYPE_CODES } from './record-type.ts';
import type { RecordType } from './resolver.ts';

/** Whether it is one of the record types that a `Resolver` takes. */
export function isRecordType(value: unknown): value is RecordType {
  return typeof value === 'string' && Object.hasOwn(RECORD_TYPE_CODES, value);
}

/**
 * Throws a `TypeError` about arguments of `resolve` that no resolver takes, which is the one reason for it to reject: the
 * name is no string, the type none of `RecordType`, the options no object, `signal` no `AbortSignal`, or `shownAs` no
 * string. A string that is no DNS name is an answer, `failure`/`malformed`.
 */
export function checkQuestion(name: unknown, type: unknown, options: unknown): void {
  if (typeof name !== 'string') throw new TypeError(`resolve: the name must be a string, got ${typeof name}`);
  if (!isRecordType(type)) throw new TypeError(`resolve: ${JSON.stringify(type)} is not a record type that it takes`);
  if (options === undefined) return;
  if (typeof options !== 'object' || options === null) throw new TypeError('resolve: options must be an object');
  if ('signal' in options && options.signal !== undefined && !(options.signal instanceof AbortSignal)) {
    throw new TypeError('resolve: option "signal" must be an AbortSignal');
  }
  if ('shownAs' in options && options.shownAs !== undefined && typeof options.shownAs !== 'string') {
    throw new TypeError('resolve: option "shownAs" must be a string');
  }
}
