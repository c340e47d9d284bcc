import { toAsciiDomain } from '@postern/core';
import { getDomain } from 'tldts';

/** Which names a pattern covers, as seen from the domain that is written in it. */
export type PatternForm =
  /** `example.com`: this one name. */
  | 'exact'
  /** `.example.com`: the names below it, at any depth, and not itself. */
  | 'below'
  /** `registrable:example.com`: every name whose registrable domain this is, itself included. */
  | 'registrable';

/** A pattern that was understood. */
export interface DomainEntryPattern {
  readonly form: PatternForm;
  /** Lower case, A-labels, no trailing dot; of a `registrable` one the registrable domain. */
  readonly domain: string;
}

/** What is written before the domain; a colon is in no domain, so that this cannot be taken for one. */
const REGISTRABLE = 'registrable:';
/** What one blocks is taken as it is in use, underscores and all. */
const NAMES = { underscores: true } as const;

/** The name as one looks it up, `undefined` when it is none; labels may have underscores. */
export function canonicalName(name: string): string | undefined {
  return toAsciiDomain(name, NAMES);
}

/**
 * The registrable domain of a name in canonical form, by the Public Suffix List; `undefined` when the name is itself a
 * public suffix. Where the list says nothing, the last label is the suffix.
 */
export function registrableDomain(name: string, privateSuffixes: boolean): string | undefined {
  const found = getDomain(name, {
    allowPrivateDomains: privateSuffixes,
    extractHostname: false,
    validateHostname: false,
    detectIp: false,
    mixedInputs: false,
  });
  return found ?? undefined;
}

/**
 * Reads a pattern as a person writes it: any case, Unicode, a trailing dot.
 *
 * @returns the pattern, or what is wrong with it as the end of a sentence that begins with the pattern
 */
export function parseDomainEntryPattern(text: string, privateSuffixes: boolean): DomainEntryPattern | string {
  if (text.startsWith(REGISTRABLE)) {
    const name = canonicalName(text.slice(REGISTRABLE.length));
    if (name === undefined) return `must have a domain behind "${REGISTRABLE}"`;
    const domain = registrableDomain(name, privateSuffixes);
    return domain === undefined
      ? 'is a public suffix, below which anyone can register: it has no registrable domain'
      : { form: 'registrable', domain };
  }
  const below = text.startsWith('.');
  const domain = canonicalName(below ? text.slice(1) : text);
  if (domain !== undefined) return { form: below ? 'below' : 'exact', domain };
  return `is neither a domain ("example.com"), nor a dot and a domain (".example.com"), nor "${REGISTRABLE}example.com"`;
}

/** The pattern in its canonical form, which `parseDomainEntryPattern` reads again. */
export function formatDomainEntryPattern({ form, domain }: DomainEntryPattern): string {
  if (form === 'exact') return domain;
  return form === 'below' ? `.${domain}` : REGISTRABLE + domain;
}
