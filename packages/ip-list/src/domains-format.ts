import { splitComment } from './commented-line.ts';
import { addPatternText } from './domain-text.ts';
import type { DomainFormat } from './line-format.ts';

/**
 * A pattern of a `DomainList` a line, and `*.example.com` for `.example.com`. `#` and `;` begin a comment; one that follows
 * a pattern is its reason.
 */
export function domainsFormat(): DomainFormat {
  return {
    line(text, output) {
      const { content, comment } = splitComment(text);
      if (content !== '') addPatternText(content, output.action, comment, output);
    },
  };
}
