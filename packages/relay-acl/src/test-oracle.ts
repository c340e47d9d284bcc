import { isIPv4, isIPv6 } from 'node:net';
import { domainToASCII } from 'node:url';

// What the tests hold the parser to: slow, and written from the ABNF alone, with nothing of the parser in it.

const atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+";
const utf8Atom = "[A-Za-z0-9!#$%&'*+/=?^_`{|}~\\u{80}-\\u{10ffff}-]+";
const pair = '\\\\[ -~]';

function wholly(pattern: string): RegExp {
  return new RegExp(`^(?:${pattern})$`, 'u');
}

/** RFC 5321 §4.1.2 `Local-part`. */
const localPart = wholly(`${atom}(?:\\.${atom})*|"(?:[ !#-\\[\\]-~]|${pair})*"`);
/** RFC 6531 §3.3. */
const utf8LocalPart = wholly(`${utf8Atom}(?:\\.${utf8Atom})*|"(?:[ !#-\\[\\]-~\\u{80}-\\u{10ffff}]|${pair})*"`);
/** `sub-domain`, and the underscore that hosts have. */
const label = /^(?!-)[a-z0-9_-]{1,63}(?<!-)$/;
const numberLabel = /^(?:\d+|0x[\da-f]*)$/;

function domainOf(text: string): string | undefined {
  const inner = /^\[(?:ipv6:(?<ipv6>.*)|(?<ipv4>[^:]*))\]$/is.exec(text)?.groups;
  if (inner !== undefined) {
    const { ipv4, ipv6 } = inner;
    const known = ipv4 === undefined ? ipv6 !== undefined && !ipv6.includes('%') && isIPv6(ipv6) : isIPv4(ipv4);
    return known ? text : undefined;
  }
  // The platform decodes percent signs and reads numbers, which are no part of this grammar.
  if (!/^[\w.\u{80}-\u{10ffff}-]+$/u.test(text)) return undefined;
  const ascii = /^[\w.-]+$/.test(text) ? text.toLowerCase() : domainToASCII(text);
  const labels = ascii.split('.');
  if (ascii.length > 253 || !labels.every((each) => label.test(each))) return undefined;
  return numberLabel.test(labels.at(-1) ?? '') ? undefined : ascii;
}

/**
 * The mailbox that `text` is, found by trying each `@`: the grammar lets one of them at most separate a local part from a
 * domain. `undefined` when none does. Says nothing of lengths, nor of what Unicode has against a local part.
 */
export function mailboxOf(
  text: string,
  utf8: boolean,
): { readonly localPart: string; readonly domain: string } | undefined {
  const found: { readonly localPart: string; readonly domain: string }[] = [];
  for (let at = text.indexOf('@'); at >= 0; at = text.indexOf('@', at + 1)) {
    const local = text.slice(0, at);
    const domain = domainOf(text.slice(at + 1));
    if (domain !== undefined && (utf8 ? utf8LocalPart : localPart).test(local))
      found.push({ localPart: local, domain });
  }
  if (found.length > 1) throw new Error(`the grammar is ambiguous: ${JSON.stringify(text)}`);
  return found[0];
}
