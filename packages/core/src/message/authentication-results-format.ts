import type { MethodResult } from './authentication-results.ts';
import { isMethodResult } from './is-method-result.ts';

/** What an Authentication-Results field says. */
export interface AuthenticationResultsInput {
  /** Who did the checking: the name by which the readers of the field know to trust it, usually the server's host name. */
  readonly authservId: string;
  /** In the order in which they are to stand. Empty: the field says `none`. */
  readonly results: readonly MethodResult[];
  /** The version of the field's syntax; 1 is the only one that exists and what its absence means. Default: not written. */
  readonly version?: number;
}

const longestLine = 78;
/**
 * The most octets of a value or a reason that are written, the rest is cut off with `…`: quoted and with its name, it fits
 * a line of 998 octets (RFC 5322 §2.1.1). The longest reverse-path has 256 (RFC 5321 §4.5.3.1.3).
 */
const longestValue = 400;

/** A `token` of RFC 2045 §5.1: no space, no control character and none of `()<>@,;:\"/[]?=`. */
const token = /^[!#$%&'*+\-.0-9A-Z^_`a-z{|}~]+$/;
/** `[[local-part] "@"] domain-name` with a dot-atom (RFC 5322 §3.2.3) or nothing before the `@`. */
const mailbox =
  /^(?:[!#$%&'*+\-/=?0-9A-Z^_`a-z{|}~]+(?:\.[!#$%&'*+\-/=?0-9A-Z^_`a-z{|}~]+)*)?@[0-9A-Za-z-]+(?:\.[0-9A-Za-z-]+)*$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029]/g;

/**
 * The value of an Authentication-Results field (RFC 8601 §2.2), folded, one method result a line. With
 * `formatHeaderField('Authentication-Results', …)` it becomes the field.
 *
 * Values and reasons may come from the client: they are written as they are where the grammar takes them, else as a quoted
 * string. Each control character becomes `?`, and of each at most 400 octets are written, so that nothing in them ends the
 * line, the value or the method result. No comments are written.
 *
 * @throws TypeError when `authservId` is empty, longer than 255 characters or has control characters, when `version` is not
 * a whole number, or when a method, result, ptype or property is no keyword (see `isMethodResult`).
 *
 * @example
 * ```ts
 * formatAuthenticationResults({
 *   authservId: 'mx.example.com',
 *   results: [
 *     { method: 'spf', result: 'pass', properties: [{ ptype: 'smtp', property: 'mailfrom', value: 'a@example.org' }] },
 *   ],
 * });
 * // 'mx.example.com;\r\n\tspf=pass smtp.mailfrom=a@example.org'
 * ```
 */
export function formatAuthenticationResults({ authservId, results, version }: AuthenticationResultsInput): string {
  if (authservId === '' || authservId.length > 255 || authservId.search(controls) !== -1) {
    throw new TypeError(
      'formatAuthenticationResults: authservId must be 1 to 255 characters without control characters',
    );
  }
  if (version !== undefined && !(Number.isSafeInteger(version) && version > 0)) {
    throw new TypeError('formatAuthenticationResults: version must be a whole number > 0');
  }
  let text = token.test(authservId) ? authservId : quote(authservId);
  if (version !== undefined) text += ` ${version}`;
  if (results.length === 0) return `${text}; none`;
  for (const result of results) {
    if (!isMethodResult(result)) {
      throw new TypeError('formatAuthenticationResults: results must be method results made of keywords');
    }
    text += `;\r\n\t${formatResult(result)}`;
  }
  return text;
}

function formatResult(result: MethodResult): string {
  const version = result.version === undefined || result.version === 1 ? '' : `/${result.version}`;
  let text = `${result.method}${version}=${result.result}`;
  // The tab that the line begins with counts as one.
  let column = 1 + text.length;
  const add = (part: string): void => {
    const fits = column + 1 + part.length <= longestLine;
    text += fits ? ` ${part}` : `\r\n\t${part}`;
    column = fits ? column + 1 + part.length : 1 + part.length;
  };
  if (result.reason !== undefined) add(`reason=${quote(result.reason)}`);
  for (const { ptype, property, value } of result.properties ?? []) {
    add(
      `${ptype}.${property}=${value.length <= longestValue && (token.test(value) || mailbox.test(value)) ? value : quote(value)}`,
    );
  }
  return text;
}

/** A quoted-string (RFC 5322 §3.2.4; beyond ASCII, RFC 6532 §3.2). */
function quote(text: string): string {
  return `"${cut(text).replace(controls, '?').replace(/["\\]/g, '\\$&')}"`;
}

function cut(text: string): string {
  // Bytes, because lone surrogates become U+FFFD in them.
  const bytes = Buffer.from(text.slice(0, longestValue + 1));
  if (bytes.length <= longestValue) return bytes.toString();
  // As a stream, the decoder keeps the first bytes of a character that was cut through to itself.
  return `${new TextDecoder().decode(bytes.subarray(0, longestValue - 3), { stream: true })}…`;
}
