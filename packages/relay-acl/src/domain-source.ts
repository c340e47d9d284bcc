import { type Awaitable, DomainSet, parseAddressLiteral } from '@postern/core';

/** Exact names (`example.com`) and all subdomains of one (`.example.com`), in any case, in Unicode or as A-labels. */
export type DomainList = readonly string[] | ReadonlySet<string>;

/**
 * Whether a domain is one of those that the option is about. It gets the domain as `toAsciiDomain` writes it, in lower case
 * and with A-labels, never an address literal, and answers `true` or `false`, at once or later. The signal fires when nobody
 * waits for the answer any more.
 */
export type DomainLookup = (domain: string, options: { readonly signal: AbortSignal }) => Awaitable<boolean>;

/** Where it is said which domains are meant. */
export type DomainSource = DomainList | DomainLookup;

/** Domains, and address literals as one compares them. */
export interface ListedDomains {
  readonly domains: DomainSet;
  readonly literals: ReadonlySet<string>;
}

export function isDomainSource(value: unknown): value is DomainSource {
  if (typeof value === 'function') return true;
  return (Array.isArray(value) || value instanceof Set) && [...value].every((each) => typeof each === 'string');
}

/** @throws RangeError that names the entry which is neither a domain nor the literal of an IP address */
export function compileDomains(list: DomainList, owner: string): ListedDomains {
  const entries = [...list];
  return {
    domains: new DomainSet(
      entries.filter((entry) => !entry.startsWith('[')),
      owner,
    ),
    literals: new Set(entries.filter((entry) => entry.startsWith('[')).map((entry) => ownLiteral(entry, owner))),
  };
}

function ownLiteral(entry: string, owner: string): string {
  const literal = parseAddressLiteral(entry);
  if (literal?.kind !== 'ip') {
    const takes = '"[192.0.2.25]" or "[IPv6:2001:db8::25]"';
    throw new RangeError(`${owner}: ${JSON.stringify(entry)} is no address literal such as ${takes}`);
  }
  return literal.text;
}
