import { DomainSet, type Mailbox, OptionReader, readMailbox } from '@postern/core';

/** How addresses compare. */
export interface MailboxSetOptions {
  /** Whether `Ann@example.com` is `ann@example.com`. ASCII letters only. */
  readonly ignoreCase?: boolean;
  /**
   * What separates a mailbox from the detail that its owner may add (RFC 5233): with `+`, `ann@example.com` stands for
   * `ann+news@example.com` too. One printable ASCII character. Default: no such thing.
   */
  readonly subaddressSeparator?: string;
}

/** The options with every default filled in. */
export interface MailboxComparison {
  readonly ignoreCase: boolean;
  readonly subaddressSeparator: string | undefined;
}

function isSeparator(value: unknown): value is string {
  return typeof value === 'string' && /^[!-~]$/.test(value) && value !== '@' && value !== '.' && value !== '"';
}

/** @throws TypeError that names the option */
export function readComparison(
  owner: string,
  options: MailboxSetOptions | undefined,
  ignoreCaseByDefault: boolean,
): MailboxComparison {
  const read = new OptionReader(owner, options);
  const comparison = {
    ignoreCase: read.boolean('ignoreCase', ignoreCaseByDefault),
    subaddressSeparator: read.value('subaddressSeparator', isSeparator, 'one printable ASCII character, such as "+"'),
  };
  read.done();
  return comparison;
}

/**
 * Addresses and domains: `ann@example.com` is this mailbox; `example.com` and `@example.com` are all mailboxes of the
 * domain, `.example.com` all of its subdomains.
 */
export class MailboxSet {
  readonly #addresses = new Set<string>();
  readonly #domains: DomainSet;
  readonly #comparison: MailboxComparison;

  /** @throws RangeError that names the entry which is neither an address nor a domain */
  constructor(entries: Iterable<string>, owner: string, comparison: MailboxComparison) {
    this.#comparison = comparison;
    const domains: string[] = [];
    for (const entry of entries) {
      if (!entry.includes('@')) {
        domains.push(entry);
      } else if (entry.startsWith('@') && !entry.startsWith('@.')) {
        domains.push(entry.slice(1));
      } else {
        const mailbox = readMailbox(entry);
        if (mailbox === undefined) {
          const takes = '("ann@example.com") nor a domain ("example.com", ".example.com" for its subdomains)';
          throw new RangeError(`${owner}: ${JSON.stringify(entry)} is neither an address ${takes}`);
        }
        this.#addresses.add(this.#key(mailbox.localPart, mailbox.domain));
      }
    }
    this.#domains = new DomainSet(domains, owner);
  }

  has({ localPart, domain }: Mailbox): boolean {
    if (this.#addresses.has(this.#key(localPart, domain)) || this.#domains.has(domain)) return true;
    const { subaddressSeparator } = this.#comparison;
    const at = subaddressSeparator === undefined ? -1 : localPart.indexOf(subaddressSeparator);
    return at > 0 && this.#addresses.has(this.#key(localPart.slice(0, at), domain));
  }

  /** No domain has an `@`, so that two mailboxes never have the same key. */
  #key(localPart: string, domain: string): string {
    return `${this.#comparison.ignoreCase ? lowerCase(localPart) : localPart}@${domain}`;
  }
}

/** ASCII only: others change their length, or become ASCII (the Kelvin sign a `k`). */
function lowerCase(text: string): string {
  return text.replaceAll(/[A-Z]+/g, (letters) => letters.toLowerCase());
}
