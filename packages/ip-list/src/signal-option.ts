import type { OptionReader } from '@postern/core';

/** Reads the option `signal`. */
export function readSignal(read: OptionReader): AbortSignal | undefined {
  return read.value('signal', isAbortSignal, 'an AbortSignal');
}

function isAbortSignal(value: unknown): value is AbortSignal {
  return value instanceof AbortSignal;
}
