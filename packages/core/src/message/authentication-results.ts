/** A property of a method result: `header.from=example.com` is ptype `header`, property `from` (RFC 8601 §2.3). */
export interface ResultProperty {
  readonly ptype: string;
  readonly property: string;
  readonly value: string;
}

/** One `resinfo` of an Authentication-Results field (RFC 8601 §2.2): what one method found. */
export interface MethodResult {
  /** From the IANA registry of e-mail authentication methods: `spf`, `dkim`, `dmarc`, `iprev`, `auth`, … */
  readonly method: string;
  /** The method's version; 1 is not written. */
  readonly version?: number;
  /** `pass`, `fail`, `softfail`, `neutral`, `none`, `temperror`, `permerror`, `policy`, … */
  readonly result: string;
  /** A person's explanation; written as a `reason=` quoted string. */
  readonly reason?: string;
  readonly properties?: readonly ResultProperty[];
}
