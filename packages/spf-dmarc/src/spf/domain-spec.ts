import { toDnsName } from '@postern/core';
import { expandPart, type MacroPart, type MacroValues, readMacroString, usesMacro } from './spf-macro.ts';

/** A domain-spec (RFC 7208 §7.1): a name that is there from the start, or one with macros in it. */
export type DomainSpec =
  | {
      readonly kind: 'name';
      readonly text: string;
      /** As DNS is asked for it; `undefined` when it cannot be. */
      readonly name: string | undefined;
    }
  | {
      readonly kind: 'macro';
      readonly text: string;
      readonly parts: readonly MacroPart[];
      /** Whether the client's validated name has to be known. */
      readonly usesPtr: boolean;
      /** Whether it depends on who sends, and not on the client and the domains alone. */
      readonly usesLocalPart: boolean;
    };

/** What a domain-spec says, or what is wrong with it. */
export type DomainSpecReading =
  | { readonly ok: true; readonly spec: DomainSpec }
  | { readonly ok: false; readonly problem: string };

/** RFC 7208 §7.3: "If the resulting domain name exceeds 253 characters". */
const LONGEST_NAME = 253;

const HYPHEN = 0x2d;
const DOT = 0x2e;

/** `toplabel` (RFC 7208 §7.1): letters, digits and inner hyphens, not all digits. */
function isTopLabel(text: string, start: number, end: number): boolean {
  if (start === end || text.charCodeAt(start) === HYPHEN || text.charCodeAt(end - 1) === HYPHEN) return false;
  let digits = true;
  for (let at = start; at < end; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x30 && code <= 0x39) continue;
    digits = false;
    const small = code | 0x20;
    if (code !== HYPHEN && (small < 0x61 || small > 0x7a)) return false;
  }
  return !digits;
}

/** `domain-end = ( "." toplabel [ "." ] ) / macro-expand` (RFC 7208 §7.1), where `tail` starts behind the last macro. */
function endsWell(text: string, tail: number): boolean {
  if (tail === text.length) return true;
  const end = text.charCodeAt(text.length - 1) === DOT ? text.length - 1 : text.length;
  const dot = text.lastIndexOf('.', end - 1);
  return dot >= tail && isTopLabel(text, dot + 1, end);
}

/** A name made ready for DNS: without the dot at its end, cut to 253 characters, in lower case. */
function toTarget(name: string): string | undefined {
  const end = name.endsWith('.') ? name.length - 1 : name.length;
  // RFC 7208 §7.3: "the left side is truncated to fit, by removing successive domain labels".
  const cut = end > LONGEST_NAME ? name.indexOf('.', end - LONGEST_NAME - 1) + 1 : 0;
  return toDnsName(name.slice(cut, end)) || undefined;
}

/** Reads a domain-spec. */
export function readDomainSpec(text: string): DomainSpecReading {
  if (text === '') return { ok: false, problem: 'its domain is empty' };
  const read = readMacroString(text, 'domain', false);
  if (!read.ok) return read;
  if (!endsWell(text, read.tail)) return { ok: false, problem: 'its domain does not end in a top-level domain' };
  const { parts } = read;
  const usesLocalPart = usesMacro(parts, 's', 'l');
  const usesPtr = usesMacro(parts, 'p');
  const [only] = parts;
  if (parts.length === 1 && typeof only === 'string') {
    return { ok: true, spec: { kind: 'name', text, name: toTarget(only) } };
  }
  return { ok: true, spec: { kind: 'macro', text, parts, usesPtr, usesLocalPart } };
}

/** The name that the domain-spec stands for, as DNS is asked for it; `undefined` when it cannot be. */
export function expandDomainSpec(spec: DomainSpec, values: MacroValues): string | undefined {
  if (spec.kind === 'name') return spec.name;
  // From the right, since what stands further left than 253 characters is cut off anyway: a record of macros alone does
  // not become megabytes.
  let name = '';
  for (let at = spec.parts.length - 1; at >= 0 && name.length <= LONGEST_NAME + 1; at--) {
    const part = spec.parts[at];
    if (part !== undefined) name = expandPart(part, values) + name;
  }
  return toTarget(name);
}
