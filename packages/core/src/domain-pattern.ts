import { LONGEST_NAME, toAsciiDomain } from './domain-name.ts';

/**
 * The canonical form of a pattern, `undefined` when it is none: `example.com` stands for this one domain,
 * `.example.com` for all its subdomains and not for itself.
 */
function canonicalPattern(pattern: string): string | undefined {
  const subdomains = pattern.startsWith('.');
  // What names a domain of one's own is taken as it is in use, underscores and all.
  const domain = toAsciiDomain(subdomains ? pattern.slice(1) : pattern, { underscores: true });
  return subdomains && domain !== undefined ? `.${domain}` : domain;
}

/**
 * Domains and whole subtrees of domains: `example.com` is this one domain, `.example.com` is all its subdomains and not
 * itself. Patterns may be written in any case, in Unicode, and with a trailing dot. A lookup takes one step a label,
 * however many patterns there are.
 *
 * @example
 * ```ts
 * import { DomainSet } from '@postern/core';
 *
 * const ours = new DomainSet(['example.com', '.example.net']);
 * ours.has('example.com'); // true
 * ours.has('mail.example.com'); // false
 * ours.match('a.b.example.net'); // '.example.net'
 * ```
 */
export class DomainSet {
  readonly #patterns = new Set<string>();
  /** Whether any pattern covers subdomains: without, a lookup is one step. */
  #subtrees = false;

  /**
   * @param patterns - no bound of its own: one short string each
   * @param owner - whose list it is, as the errors are to begin; `DomainSet` by default
   * @throws TypeError when `patterns` is not a list of strings, RangeError that names the first one which is neither a
   *   domain nor a dot and a domain
   */
  constructor(patterns: Iterable<string>, owner = 'DomainSet') {
    if (typeof patterns === 'string' || typeof patterns?.[Symbol.iterator] !== 'function') {
      throw new TypeError(`${owner}: patterns must be a list of domains, such as ["example.com", ".example.net"]`);
    }
    for (const pattern of patterns) {
      if (typeof pattern !== 'string')
        throw new TypeError(`${owner}: each pattern must be a string, got ${typeof pattern}`);
      const canonical = canonicalPattern(pattern);
      if (canonical === undefined) {
        throw new RangeError(
          `${owner}: ${JSON.stringify(pattern)} is neither a domain ("example.com") nor a dot and a domain (".example.com" for its subdomains)`,
        );
      }
      this.#patterns.add(canonical);
      this.#subtrees ||= canonical.startsWith('.');
    }
  }

  /** How many different patterns there are. */
  get size(): number {
    return this.#patterns.size;
  }

  /** Whether some pattern matches. `domain` as for `match`. */
  has(domain: string): boolean {
    return this.match(domain) !== undefined;
  }

  /**
   * The pattern that matches, in its canonical form; of several the most specific.
   *
   * @param domain - as `toAsciiDomain` gives it: lower case, A-labels, no trailing dot; a `Path`'s `domain` is such a one
   */
  match(domain: string): string | undefined {
    // What begins with a dot would be found as a pattern instead of being matched with one; and the steps below are as
    // many and as long as the text makes them.
    if (domain.length > LONGEST_NAME || domain.startsWith('.')) return undefined;
    if (this.#patterns.has(domain)) return domain;
    if (!this.#subtrees) return undefined;
    for (let dot = domain.indexOf('.'); dot >= 0; dot = domain.indexOf('.', dot + 1)) {
      const parent = domain.slice(dot);
      if (this.#patterns.has(parent)) return parent;
    }
    return undefined;
  }
}
