import { isPending } from '@postern/core';

/** Takes note of a promise where none was to be expected: its rejection would end the process. */
export function disregard(value: unknown): void {
  if (isPending(value)) value.then(undefined, () => {});
}
