import { type Cidr, networkOf, parseIp } from '@postern/core';
import { type DomainSpec, readDomainSpec } from './domain-spec.ts';
import { readMacroString } from './spf-macro.ts';

/** What a mechanism's qualifier makes of a match (RFC 7208 §4.6.2). */
export type SpfQualifier = 'pass' | 'fail' | 'softfail' | 'neutral';

/** What all terms have. */
interface TermText {
  /** As written. */
  readonly text: string;
  /** Its place among the terms, from 0 on. */
  readonly index: number;
}

interface Directive extends TermText {
  readonly qualifier: SpfQualifier;
}

/** `all` (RFC 7208 §5.1). */
interface AllTerm extends Directive {
  readonly kind: 'all';
}

/** `ip4` (RFC 7208 §5.6). */
interface Ip4Term extends Directive {
  readonly kind: 'ip4';
  readonly network: Cidr;
  /** The network again, as the signed 32 bits that an address is compared with, and those of them that count. */
  readonly bits: number;
  readonly mask: number;
}

/** `ip6` (RFC 7208 §5.6). Its network is one of family 6 even where it lies among the IPv4-mapped addresses. */
interface Ip6Term extends Directive {
  readonly kind: 'ip6';
  readonly network: Cidr;
}

/** `a`, `mx` (RFC 7208 §5.3, §5.4). */
export interface AddressTerm extends Directive {
  readonly kind: 'a' | 'mx';
  /** `undefined`: the domain whose record it is. */
  readonly domain: DomainSpec | undefined;
  /** How many bits of an address count, of IPv4 and of IPv6. */
  readonly ip4Length: number;
  readonly ip6Length: number;
}

/** `ptr` (RFC 7208 §5.5). */
export interface PtrTerm extends Directive {
  readonly kind: 'ptr';
  readonly domain: DomainSpec | undefined;
}

/** `include` (RFC 7208 §5.2). */
export interface IncludeTerm extends Directive {
  readonly kind: 'include';
  readonly domain: DomainSpec;
}

/** `exists` (RFC 7208 §5.7). */
export interface ExistsTerm extends Directive {
  readonly kind: 'exists';
  readonly domain: DomainSpec;
}

/** `redirect` (RFC 7208 §6.1). */
export interface RedirectTerm extends TermText {
  readonly kind: 'redirect';
  readonly domain: DomainSpec;
}

/** `exp` (RFC 7208 §6.2). */
interface ExpTerm extends TermText {
  readonly kind: 'exp';
  readonly domain: DomainSpec;
}

/** Any other modifier (RFC 7208 §6): it means nothing here. */
interface UnknownModifierTerm extends TermText {
  readonly kind: 'unknown-modifier';
  readonly name: string;
}

/** A mechanism that needs a domain. */
type DomainTerm = IncludeTerm | ExistsTerm;

/** A modifier that is known. */
type ModifierTerm = RedirectTerm | ExpTerm;

/** A mechanism with its qualifier. */
export type SpfDirective = AllTerm | Ip4Term | Ip6Term | AddressTerm | PtrTerm | DomainTerm;

export type SpfTerm = SpfDirective | ModifierTerm | UnknownModifierTerm;

/** A record, read. */
export interface SpfRecord {
  readonly text: string;
  /** Everything behind `v=spf1`, in order. */
  readonly terms: readonly SpfTerm[];
  /** The mechanisms among them. */
  readonly directives: readonly SpfDirective[];
  readonly redirect: RedirectTerm | undefined;
  readonly exp: ExpTerm | undefined;
}

/** What stands in a record that cannot be read, or what is wrong with it. */
export type SpfRecordReading =
  | { readonly ok: true; readonly record: SpfRecord }
  | {
      readonly ok: false;
      /** The first term that is wrong, as written. */
      readonly term: string;
      readonly index: number;
      /** What is wrong, to stand behind the term: `it is no mechanism`. */
      readonly problem: string;
    };

const SPACE = 0x20;
const SLASH = 0x2f;
const COLON = 0x3a;
const EQUALS = 0x3d;

/** RFC 7208 §4.5: `v=spf1`, in any case, and then a space or nothing. */
export function isSpfRecord(text: string): boolean {
  return (
    (text.length === 6 || text.charCodeAt(6) === SPACE) &&
    (text.startsWith('v=spf1') || text.slice(0, 6).toLowerCase() === 'v=spf1')
  );
}

/** `name = ALPHA *( ALPHA / DIGIT / "-" / "_" / "." )` (RFC 7208 §4.6.1). Where it ends; `start` when there is none. */
function nameEnd(text: string, start: number): number {
  let at = start;
  for (; at < text.length; at++) {
    const code = text.charCodeAt(at);
    const small = code | 0x20;
    if (small >= 0x61 && small <= 0x7a) continue;
    const inner = (code >= 0x30 && code <= 0x39) || code === 0x2d || code === 0x5f || code === 0x2e;
    if (!inner || at === start) break;
  }
  return at;
}

/** Reads records term by term; what is wrong with one is kept in `problem`. */
class TermReader {
  problem = '';

  /** Keeps what is wrong. */
  #refuse(problem: string): undefined {
    this.problem = problem;
    return undefined;
  }

  #domain(text: string): DomainSpec | undefined {
    const read = readDomainSpec(text);
    return read.ok ? read.spec : this.#refuse(read.problem);
  }

  term(text: string, index: number): SpfTerm | undefined {
    const first = text.charAt(0);
    const qualifier = qualifierOf(first);
    const start = qualifier === undefined ? 0 : 1;
    const end = nameEnd(text, start);
    if (end === start) return this.#refuse('it begins with no name');
    const name = text.slice(start, end).toLowerCase();
    const next = text.charCodeAt(end);
    if (next === EQUALS) {
      // RFC 7208 §4.6.1: a qualifier belongs to a mechanism.
      if (start > 0) return this.#refuse('a modifier has no qualifier');
      return this.#modifier(name, text.slice(end + 1), text, index);
    }
    if (end < text.length && next !== COLON && next !== SLASH) {
      return this.#refuse('it has a character that does not belong there');
    }
    return this.#directive(name, text.slice(end), { text, index, qualifier: qualifier ?? 'pass' });
  }

  #modifier(name: string, value: string, text: string, index: number): SpfTerm | undefined {
    if (name === 'redirect') {
      const domain = this.#domain(value);
      return domain && { kind: 'redirect', text, index, domain };
    }
    if (name === 'exp') {
      const domain = this.#domain(value);
      return domain && { kind: 'exp', text, index, domain };
    }
    // RFC 7208 §6: `unknown-modifier = name "=" macro-string`, which may be empty.
    const read = readMacroString(value, 'all', false);
    return read.ok ? { kind: 'unknown-modifier', text, index, name } : this.#refuse(read.problem);
  }

  /**
   * The kinds are written as literals: `name` is a piece of the record, equal to one and yet another string, and comparing
   * by content would be most of what an evaluation does.
   *
   * @param rest - what stands behind the name, from the `:` or `/` on
   */
  #directive(name: string, rest: string, directive: Directive): SpfDirective | undefined {
    const value = rest.charCodeAt(0) === COLON ? rest.slice(1) : undefined;
    switch (name) {
      case 'all':
        return rest === '' ? { ...directive, kind: 'all' } : this.#refuse('"all" takes nothing behind it');
      case 'include': {
        const domain = this.#needed(name, value);
        return domain && { ...directive, kind: 'include', domain };
      }
      case 'exists': {
        const domain = this.#needed(name, value);
        return domain && { ...directive, kind: 'exists', domain };
      }
      case 'ptr': {
        if (rest === '') return { ...directive, kind: 'ptr', domain: undefined };
        const domain = value === undefined ? this.#refuse('"ptr" takes no prefix length') : this.#domain(value);
        return domain && { ...directive, kind: 'ptr', domain };
      }
      case 'a':
        return this.#address('a', rest, directive);
      case 'mx':
        return this.#address('mx', rest, directive);
      case 'ip4':
        return this.#network('ip4', value, directive);
      case 'ip6':
        return this.#network('ip6', value, directive);
      default:
        return this.#refuse('there is no such mechanism');
    }
  }

  #needed(name: string, value: string | undefined): DomainSpec | undefined {
    return value === undefined ? this.#refuse(`"${name}" needs a domain`) : this.#domain(value);
  }

  #network(kind: 'ip4' | 'ip6', value: string | undefined, directive: Directive): SpfDirective | undefined {
    if (value === undefined) return this.#refuse(`"${kind}" needs an address`);
    const slash = value.indexOf('/');
    const address = slash < 0 ? value : value.slice(0, slash);
    const most = kind === 'ip4' ? 32 : 128;
    const ip = parseIp(address);
    // `parseIp` takes a zone id behind a link-local address, and an IPv4-mapped IPv6 address for IPv4.
    if (ip === undefined || address.includes(':') !== (kind === 'ip6') || address.includes('%')) {
      return this.#refuse(`its address is no ${kind === 'ip4' ? 'IPv4' : 'IPv6'} address`);
    }
    const prefixLength = slash < 0 ? most : readLength(value, slash + 1, value.length, most);
    if (prefixLength < 0) return this.#refuse('its prefix length is no number, or too large');
    if (kind === 'ip4') {
      const network = networkOf(ip, prefixLength);
      const mask = prefixLength === 0 ? 0 : -1 << (32 - prefixLength);
      return { ...directive, kind, network: { network, prefixLength }, bits: network.word3 | 0, mask };
    }
    // RFC 7208 §5: an IPv4 client matches `ip4` alone, whatever an `ip6` network says about mapped addresses.
    return { ...directive, kind, network: { network: networkOf({ ...ip, family: 6 }, prefixLength), prefixLength } };
  }

  /** `[ ":" domain-spec ] [ dual-cidr-length ]`, where `dual-cidr-length = [ ip4-cidr-length ] [ "/" ip6-cidr-length ]`. */
  #address(kind: 'a' | 'mx', rest: string, directive: Directive): SpfDirective | undefined {
    let end = rest.length;
    let ip4Length = 32;
    let ip6Length = 128;
    // A domain-spec ends in a top-level domain or in a macro, so that digits behind a slash are none of its own.
    let slash = lengthStart(rest, end);
    if (slash > 0 && rest.charCodeAt(slash - 1) === SLASH) {
      ip6Length = readLength(rest, slash + 1, end, 128);
      end = slash - 1;
      slash = lengthStart(rest, end);
    }
    if (slash >= 0) {
      ip4Length = readLength(rest, slash + 1, end, 32);
      end = slash;
    }
    if (ip4Length < 0 || ip6Length < 0) return this.#refuse('its prefix length is no number, or too large');
    if (end === 0) return { ...directive, kind, domain: undefined, ip4Length, ip6Length };
    if (rest.charCodeAt(0) !== COLON) return this.#refuse('its prefix length is no number, or too large');
    const domain = this.#domain(rest.slice(1, end));
    return domain && { ...directive, kind, domain, ip4Length, ip6Length };
  }
}

function qualifierOf(character: string): SpfQualifier | undefined {
  switch (character) {
    case '+':
      return 'pass';
    case '-':
      return 'fail';
    case '~':
      return 'softfail';
    case '?':
      return 'neutral';
    default:
      return undefined;
  }
}

/** Where the slash before the digits stands that `text` has before `end`; -1 when there are no such digits. */
function lengthStart(text: string, end: number): number {
  let at = end - 1;
  while (at >= 0 && text.charCodeAt(at) >= 0x30 && text.charCodeAt(at) <= 0x39) at--;
  return at >= 0 && at < end - 1 && text.charCodeAt(at) === SLASH ? at : -1;
}

/** A number from 0 to `most` without leading zeros (RFC 7208 §5.6); -1 when it is none. */
function readLength(text: string, start: number, end: number, most: number): number {
  const digits = end - start;
  if (digits < 1 || digits > 3 || (digits > 1 && text.charCodeAt(start) === 0x30)) return -1;
  let length = 0;
  for (let at = start; at < end; at++) {
    const digit = text.charCodeAt(at) - 0x30;
    if (digit < 0 || digit > 9) return -1;
    length = length * 10 + digit;
  }
  return length <= most ? length : -1;
}

function isDirective(term: SpfTerm): term is SpfDirective {
  return term.kind !== 'redirect' && term.kind !== 'exp' && term.kind !== 'unknown-modifier';
}

/**
 * Reads a record for which {@link isSpfRecord} holds: syntax errors anywhere in it show before anything is evaluated
 * (RFC 7208 §4.6). One pass; never throws.
 *
 * @param text - each octet one latin1 character, as TXT records come
 */
export function readSpfRecord(text: string): SpfRecordReading {
  const reader = new TermReader();
  const terms: SpfTerm[] = [];
  let redirect: RedirectTerm | undefined;
  let exp: ExpTerm | undefined;
  for (let start = 7; start < text.length; ) {
    const space = text.indexOf(' ', start);
    const end = space < 0 ? text.length : space;
    if (end > start) {
      const written = text.slice(start, end);
      const index = terms.length;
      const term = reader.term(written, index);
      if (term === undefined) return { ok: false, term: written, index, problem: reader.problem };
      // RFC 7208 §6: "The modifiers "redirect" and "exp" […] MUST NOT appear in a record more than once each."
      if (term.kind === 'redirect') {
        if (redirect !== undefined) return { ok: false, term: written, index, problem: 'there are two of them' };
        redirect = term;
      } else if (term.kind === 'exp') {
        if (exp !== undefined) return { ok: false, term: written, index, problem: 'there are two of them' };
        exp = term;
      }
      terms.push(term);
    }
    start = end + 1;
  }
  return { ok: true, record: { text, terms, directives: terms.filter(isDirective), redirect, exp } };
}
