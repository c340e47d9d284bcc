/** A reverse-path or forward-path (RFC 5321 §4.1.2) with its ESMTP parameters. */
export interface Path {
  /** The mailbox as the client wrote it, without angle brackets. `''` is the null reverse-path `<>`. */
  readonly address: string;
  /** What stands before the last unquoted `@`, as written. A bare `postmaster` is all local part. */
  readonly localPart: string;
  /**
   * What stands behind it, as one compares it: lower case, A-labels (RFC 5890), no trailing dot. `''` for the null
   * reverse-path and for a bare `postmaster`; an address literal keeps its brackets.
   */
  readonly domain: string;
  /** `SIZE=1000` is `{ SIZE: '1000' }`, `SMTPUTF8` is `{ SMTPUTF8: true }`. Keywords in upper case, values decoded. */
  readonly parameters: Readonly<Record<string, string | true>>;
}
