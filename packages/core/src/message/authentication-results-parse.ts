import type { MethodResult, ResultProperty } from './authentication-results.ts';
import { AuthenticationResultsScanner } from './authentication-results-scanner.ts';
import type { HeaderField } from './header-fields.ts';

/** What an Authentication-Results field says, comments left out. */
export interface ParsedAuthenticationResults {
  /** As written, without quotes. */
  readonly authservId: string;
  /** The version of the field's syntax, when it is written. RFC 8601 knows 1 only. */
  readonly version?: number;
  /** In the order of the field; empty when it says `none`. Methods, results, ptypes and properties in lower case. */
  readonly results: readonly MethodResult[];
}

const longestField = 65_536;

/**
 * Reads an Authentication-Results field (RFC 8601 §2.2); `undefined` when it is none. What it says is worth as much as
 * the host that wrote it: only fields that a trusted host added, under an `authservId` that nobody else can use here,
 * are more than a claim.
 *
 * Beyond the grammar it takes what servers write: values that should have been quoted, an empty value, a semicolon at the
 * end, and `name=value` without a ptype, which is left out. A field without an authserv-id is `undefined`.
 *
 * Bounded: linear in the length, and a field of more than 65,536 characters is `undefined`. Never throws on a string.
 *
 * @param field - the field, or its value
 *
 * @example
 * ```ts
 * parseAuthenticationResults('mx.example.com; spf=pass smtp.mailfrom=example.org')?.results;
 * // [{ method: 'spf', result: 'pass', properties: [{ ptype: 'smtp', property: 'mailfrom', value: 'example.org' }] }]
 * ```
 */
export function parseAuthenticationResults(field: HeaderField | string): ParsedAuthenticationResults | undefined {
  const text = typeof field === 'string' ? field : field.value;
  if (text.length > longestField) return undefined;
  const scanner = new AuthenticationResultsScanner(text);
  scanner.skipCfws();
  const authservId = scanner.authservId();
  if (authservId === undefined || authservId === '') return undefined;
  scanner.skipCfws();
  const version = scanner.number();
  scanner.skipCfws();
  if (!scanner.take(';')) return undefined;
  const results = readResults(scanner);
  if (results === undefined || !scanner.atEnd) return undefined;
  return version === undefined ? { authservId, results } : { authservId, version, results };
}

/** Everything behind the first semicolon. */
function readResults(scanner: AuthenticationResultsScanner): readonly MethodResult[] | undefined {
  const results: MethodResult[] = [];
  do {
    scanner.skipCfws();
    if (scanner.atEnd) break;
    const method = scanner.keyword();
    if (method === undefined) return undefined;
    scanner.skipCfws();
    // no-result = [CFWS] ";" [CFWS] "none", and nothing else beside it.
    if (method === 'none' && scanner.atEnd && results.length === 0) return results;
    const result = readResult(scanner, method);
    if (result === undefined) return undefined;
    results.push(result);
  } while (scanner.take(';'));
  return results.length === 0 ? undefined : results;
}

/** One resinfo, behind its method. */
function readResult(scanner: AuthenticationResultsScanner, method: string): MethodResult | undefined {
  let version: number | undefined;
  if (scanner.take('/')) {
    scanner.skipCfws();
    version = scanner.number();
    if (version === undefined) return undefined;
    scanner.skipCfws();
  }
  if (!scanner.take('=')) return undefined;
  scanner.skipCfws();
  const result = scanner.keyword();
  if (result === undefined) return undefined;
  let reason: string | undefined;
  const properties: ResultProperty[] = [];
  for (;;) {
    scanner.skipCfws();
    if (scanner.atEnd || scanner.at(';')) break;
    const name = scanner.keyword();
    if (name === undefined) return undefined;
    scanner.skipCfws();
    let property: string | undefined;
    if (scanner.take('.')) {
      scanner.skipCfws();
      property = scanner.keyword();
      if (property === undefined) return undefined;
      scanner.skipCfws();
    }
    if (!scanner.take('=')) return undefined;
    scanner.skipCfws();
    const value = scanner.value();
    if (value === undefined) return undefined;
    if (property !== undefined) properties.push({ ptype: name, property, value });
    else if (name === 'reason') reason ??= value;
  }
  return {
    method,
    ...(version === undefined ? {} : { version }),
    result,
    ...(reason === undefined ? {} : { reason }),
    ...(properties.length === 0 ? {} : { properties }),
  };
}
