import { expandPart, type MacroPart, type MacroValues, readMacroString } from './spf-macro.ts';

/** What is read of the text that `exp` names: a TXT record has no more (RFC 1035 §3.2.1). */
const LONGEST_TEXT = 65_535;
/** What of it is shown: about what an SMTP reply has room for (RFC 5321 §4.5.3.1.5). */
const LONGEST_EXPLANATION = 500;

/** Reads an explain-string (RFC 7208 §6.2); `undefined` when it is none. */
export function readExplanation(text: string): readonly MacroPart[] | undefined {
  if (text.length > LONGEST_TEXT) return undefined;
  const read = readMacroString(text, 'all', true);
  return read.ok ? read.parts : undefined;
}

/**
 * The text of an explanation: printable US-ASCII, at most 500 characters, the rest is cut off. `undefined` when it is empty, or
 * has something else in it, which the client may have put there by its HELO name or its reverse-path (RFC 7208 §6.2,
 * §11.5.3).
 */
export function expandExplanation(parts: readonly MacroPart[], values: MacroValues): string | undefined {
  let text = '';
  for (const part of parts) {
    if (text.length > LONGEST_EXPLANATION) break;
    text += expandPart(part, values);
  }
  if (text.length > LONGEST_EXPLANATION) text = `${text.slice(0, LONGEST_EXPLANATION - 3)}...`;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x20 || code > 0x7e) return undefined;
  }
  return text === '' ? undefined : text;
}
