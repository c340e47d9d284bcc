import { addAddressText } from './address-text.ts';
import { splitComment } from './commented-line.ts';
import type { AddressFormat } from './line-format.ts';

/**
 * An address, a prefix or a range `a-b` a line. `#` and `;` begin a comment; one that follows an entry is its reason:
 * `192.0.2.0/24 ; SBL123`.
 */
export function plainFormat(): AddressFormat {
  return {
    line(text, output) {
      const { content, comment } = splitComment(text);
      if (content !== '') addAddressText(content, output.action, comment, output);
    },
  };
}
