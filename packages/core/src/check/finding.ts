import type { JsonObject } from '../json.ts';

/**
 * What a check found: facts, in the field's own words, and everything a person needs to answer "why was this refused?".
 * Beyond the two fixed properties it carries what its kind documents.
 */
export type Finding = {
  /** `<package>/<what>`: `dnsbl/listed`, `relay-acl/denied`. */
  readonly kind: `${string}/${string}`;
  /** One sentence for a person. */
  readonly summary: string;
} & JsonObject;
