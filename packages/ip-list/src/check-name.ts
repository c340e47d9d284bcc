import type { OptionReader } from '@postern/core';

/** Reads the option `name`. */
export function readCheckName(read: OptionReader, byDefault: string): string {
  const name = read.text('name', byDefault);
  return name === '' ? read.refuse('name', 'a name') : name;
}
