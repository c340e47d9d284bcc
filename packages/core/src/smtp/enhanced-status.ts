const DOT = 0x2e;
const ZERO = 0x30;
const NINE = 0x39;

/** One to three digits from `start` on (RFC 3463 §2): how many, 0 when there are none or more. */
function digitsFrom(text: string, start: number): number {
  let at = start;
  while (at - start < 4 && text.charCodeAt(at) >= ZERO && text.charCodeAt(at) <= NINE) at++;
  return at - start < 4 ? at - start : 0;
}

/**
 * The enhanced status code (RFC 3463 §2) with which `text` begins, if it is of the reply code's class; `''` when there is
 * none. Only classes 2, 4 and 5 have any (RFC 2034 §4).
 */
export function leadingStatus(text: string, code: number): string {
  const digit = Math.trunc(code / 100);
  if ((digit !== 2 && digit !== 4 && digit !== 5) || text.charCodeAt(0) !== ZERO + digit) return '';
  if (text.charCodeAt(1) !== DOT) return '';
  const subject = digitsFrom(text, 2);
  if (subject === 0 || text.charCodeAt(2 + subject) !== DOT) return '';
  const detail = digitsFrom(text, 3 + subject);
  return detail === 0 ? '' : text.slice(0, 3 + subject + detail);
}
