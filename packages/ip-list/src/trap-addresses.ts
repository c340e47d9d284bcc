import { mailboxPath, type OptionReader, type Path } from '@postern/core';

/** The traps of one domain. */
interface Traps {
  /** By local part, the pattern. */
  readonly exact: Map<string, string>;
  readonly globs: { readonly prefix: string; readonly suffix: string; readonly pattern: string }[];
}

/**
 * Addresses that nobody ever had. A pattern is an address, in whose local part one `*` may stand for any text:
 * `trap@example.com`, `*@old.example.com`, `list-*@example.com`. Letter case does not matter, nor do quotes around a local
 * part. `postmaster` is never one, whatever the patterns say (RFC 5321 §4.5.1).
 */
export class TrapAddresses {
  readonly #domains = new Map<string, Traps>();

  /** Reads the option `addresses`. */
  constructor(read: OptionReader) {
    const patterns = read.required('addresses', isPatterns, 'a list of addresses, at least one');
    for (const pattern of patterns) {
      const mailbox = mailboxPath(pattern);
      const localPart = comparable(mailbox.localPart);
      const star = localPart.indexOf('*');
      const wrong =
        localPart === '' || mailbox.domain === '' || mailbox.domain.includes('*') || localPart.includes('*', star + 1);
      if (wrong) refusePattern(read, pattern, 'is no address with at most one * before the @');
      if (localPart === POSTMASTER) refusePattern(read, pattern, 'is an address that every domain has');
      const traps: Traps = this.#domains.get(mailbox.domain) ?? { exact: new Map(), globs: [] };
      if (star < 0) traps.exact.set(localPart, pattern);
      else traps.globs.push({ prefix: localPart.slice(0, star), suffix: localPart.slice(star + 1), pattern });
      this.#domains.set(mailbox.domain, traps);
    }
  }

  /** The pattern that the address is a trap by. One comparison for each pattern of its domain that has a `*`. */
  match({ localPart: written, domain }: Path): string | undefined {
    const traps = this.#domains.get(domain);
    if (traps === undefined) return undefined;
    const localPart = comparable(written);
    if (localPart === POSTMASTER) return undefined;
    const exact = traps.exact.get(localPart);
    if (exact !== undefined) return exact;
    return traps.globs.find(
      ({ prefix, suffix }) =>
        localPart.length >= prefix.length + suffix.length && localPart.startsWith(prefix) && localPart.endsWith(suffix),
    )?.pattern;
  }
}

const POSTMASTER = 'postmaster';

function refusePattern(read: OptionReader, pattern: string, why: string): never {
  return read.refuse('addresses', `a list of addresses, and ${JSON.stringify(pattern.slice(0, 100))} ${why}`);
}

/** RFC 5321 §4.1.2: `"a\b"` is the same mailbox as `ab`. */
function comparable(localPart: string): string {
  if (!localPart.startsWith('"')) return localPart.toLowerCase();
  let text = '';
  for (let at = 1; at < localPart.length; at++) {
    const char = localPart.charAt(at);
    if (char === '\\') at++;
    if (char !== '"') text += localPart.charAt(at);
  }
  return text.toLowerCase();
}

function isPatterns(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string');
}
