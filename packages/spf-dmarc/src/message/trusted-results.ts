import {
  type HeaderFields,
  OptionReader,
  type ParsedAuthenticationResults,
  parseAuthenticationResults,
  toAsciiDomain,
} from '@postern/core';

/** Whose results {@link readTrustedResults} believes. */
export interface TrustedResultsOptions {
  /** The `authserv-id` of each host that checks mail before it comes here: a second MX, a filter in front. At least one. */
  readonly trustedAuthservIds: readonly string[];
  /**
   * How many hosts of one's own the message has passed before this one, each of which adds one `Received` field. Results
   * are believed above the field of the first of them alone. Default 1; from 1 to 100.
   */
  readonly trustedHops?: number;
}

/** What {@link readTrustedResults} goes by. */
export interface TrustedHosts {
  /** Comparable. */
  readonly ids: ReadonlySet<string>;
  readonly hops: number;
}

/** A name is compared without regard to case, form and trailing dot, as hosts write it in any. */
function comparable(authservId: string): string {
  return toAsciiDomain(authservId, { underscores: true }) ?? authservId.normalize('NFKC').toLowerCase();
}

function isIdList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string' && each !== '');
}

function hostsOf(named: readonly string[], read: OptionReader): TrustedHosts {
  return { ids: new Set(named.map(comparable)), hops: read.integer('trustedHops', 1, { min: 1, max: 100 }) };
}

/** Reads the options where they may be left out; `undefined`: nobody is trusted. */
export function readTrustedHosts(read: OptionReader): TrustedHosts | undefined {
  const named = read.value('trustedAuthservIds', isIdList, 'a list of at least one name');
  const hosts = hostsOf(named ?? [], read);
  return named === undefined ? undefined : hosts;
}

/** {@link readTrustedResults} with its options read. */
export function trustedResults(header: HeaderFields, trusted: TrustedHosts): readonly ParsedAuthenticationResults[] {
  const believed: ParsedAuthenticationResults[] = [];
  let received = 0;
  for (const field of header) {
    const name = field.name.toLowerCase();
    if (name === 'received') {
      received += 1;
      // RFC 8601 §4.1, §5: what stands below came with the message, from anybody.
      if (received === trusted.hops) break;
    }
    if (name !== 'authentication-results') continue;
    const parsed = parseAuthenticationResults(field);
    if (parsed !== undefined && trusted.ids.has(comparable(parsed.authservId))) believed.push(parsed);
  }
  return believed;
}

/**
 * What trusted hosts that had the message before us found out (RFC 8601 §4.1), from top to bottom.
 *
 * A field is believed when it bears the name of a trusted host **and** stands above the `Received` field with which the
 * message came in to the first host of one's own. Fields of trace are put on top (RFC 5321 §4.4, RFC 8601 §5), so that
 * everything below that line came with the message and may be forged, whatever name it bears; that the host in front
 * removes such forgeries (RFC 8601 §5) need not be relied on. A host that puts its results below its own `Received` is
 * not heard.
 *
 * To be called only for messages that do come from such a host: by its address or by its login. A stranger can write all
 * these fields.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { HeaderParser } from '@postern/core';
 * import { readTrustedResults } from '@postern/spf-dmarc';
 *
 * const parser = new HeaderParser();
 * const state = parser.write(
 *   Buffer.from(
 *     'Authentication-Results: mx2.example.com; dmarc=pass header.from=example.org\r\n' +
 *       'Received: from mail.example.org by mx2.example.com; Fri, 1 May 2026 12:00:00 +0000\r\n' +
 *       'Authentication-Results: mx2.example.com; dmarc=pass header.from=bank.example\r\n' +
 *       'From: ann@example.org\r\n\r\n',
 *   ),
 * );
 * if (state.kind === 'complete') {
 *   const [first] = readTrustedResults(state.header, { trustedAuthservIds: ['mx2.example.com'] });
 *   console.log(first?.results[0]?.properties?.[0]?.value); // prints: example.org
 * }
 * ```
 */
export function readTrustedResults(
  header: HeaderFields,
  options: TrustedResultsOptions,
): readonly ParsedAuthenticationResults[] {
  const read = new OptionReader('readTrustedResults', options);
  const trusted = hostsOf(read.required('trustedAuthservIds', isIdList, 'a list of at least one name'), read);
  read.done();
  return trustedResults(header, trusted);
}
