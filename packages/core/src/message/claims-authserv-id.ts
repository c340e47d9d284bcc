import { toAsciiDomain } from '../domain-name.ts';
import { AuthenticationResultsScanner } from './authentication-results-scanner.ts';
import type { HeaderField } from './header-fields.ts';

/**
 * Whether an Authentication-Results field claims to be ours. RFC 8601 §5: a border server removes each such field that
 * comes from outside, since readers behind it believe what stands under its name.
 *
 * Names compare without regard to case, trailing dot and form (U-labels or A-labels). A field need not be well-formed to
 * be a claim, because a careless reader may still take it for one: it suffices that our name stands as a word anywhere
 * before the first semicolon, in a comment, around comments, quoted, escaped or as it is. So a foreign field that mentions us there goes as
 * well, which costs nothing that anybody could trust.
 *
 * @param field - an Authentication-Results field, or its value
 * @param authservId - ours
 *
 * @example
 * ```ts
 * claimsAuthservId('MX.Example.com; spf=pass', 'mx.example.com'); // true
 * claimsAuthservId('mx.example.org; spf=pass', 'mx.example.com'); // false
 * ```
 */
export function claimsAuthservId(field: HeaderField | string, authservId: string): boolean {
  const text = typeof field === 'string' ? field : field.value;
  const ours = comparable(authservId);
  const scanner = new AuthenticationResultsScanner(text);
  scanner.skipCfws();
  const written = scanner.authservId();
  if (written !== undefined && comparable(written) === ours) return true;
  const semicolon = text.indexOf(';');
  return hasWord(semicolon === -1 ? text : text.slice(0, semicolon), ours) || hasWord(mended(text), ours);
}

/** What stands before the results for who drops comments and unfolds before he looks: `mx(c).example. com` is one name to him. */
function mended(text: string): string {
  let depth = 0;
  let head = '';
  for (const char of text) {
    if (char === '(') depth++;
    else if (char === ')') depth = Math.max(0, depth - 1);
    else if (depth > 0) continue;
    else if (char === ';') break;
    else head += char;
  }
  const labels = head.split('.').map((label) => label.trim());
  return labels.join('.');
}

function hasWord(head: string, ours: string): boolean {
  // Control characters end a word, and so does the white space of Unicode, which some readers trim.
  // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
  for (const word of head.replace(/["\\]/g, '').split(/[\u0000-\u0020\u007f-\u009f\s()<>@,:/[\]?=]+/)) {
    if (word !== '' && comparable(word) === ours) return true;
  }
  return false;
}

function comparable(id: string): string {
  return toAsciiDomain(id, { underscores: true }) ?? id.normalize('NFKC').toLowerCase();
}
