/** RFC 1035 §2.3.4: a label has at most 63 octets, a name 255 with its length octets and the root's. */
const LONGEST_LABEL = 63;
const LONGEST_NAME = 255;

/** A name as it is written: its labels as octets, each one latin1 character, and whether a dot stands at its end. */
export interface WrittenName {
  readonly labels: readonly string[];
  readonly absolute: boolean;
}

/** Reads a name with the escapes of zone files (RFC 1035 §5.1), `\X` and `\DDD`. `undefined` for what is no name. */
export function readName(text: string): WrittenName | undefined {
  if (text === '.') return { labels: [], absolute: true };
  const labels: string[] = [];
  let label = '';
  let absolute = false;
  for (let at = 0; at < text.length; ) {
    const char = text.charAt(at);
    absolute = char === '.';
    if (absolute) {
      labels.push(label);
      label = '';
      at++;
    } else if (char !== '\\') {
      // Raw octets outside ASCII are more often a U-label by mistake than meant: they are to be written \DDD.
      if (char <= ' ' || char > '~') return undefined;
      label += char;
      at++;
    } else {
      const octet = readEscape(text, at);
      if (octet === undefined) return undefined;
      label += octet.text;
      at = octet.end;
    }
  }
  if (!absolute) labels.push(label);
  const octets = labels.reduce((sum, each) => sum + 1 + each.length, 1);
  const fits = labels.every((each) => each !== '' && each.length <= LONGEST_LABEL);
  return fits && octets <= LONGEST_NAME ? { labels, absolute } : undefined;
}

/**
 * What is written `\X` or `\DDD` at that place. `undefined`: neither.
 *
 * @param at - where the backslash stands
 */
export function readEscape(text: string, at: number): { text: string; end: number } | undefined {
  const next = text.charAt(at + 1);
  if (next < '0' || next > '9') return next === '' || next === '\n' ? undefined : { text: next, end: at + 2 };
  const digits = text.slice(at + 1, at + 4);
  if (!/^\d{3}$/.test(digits) || Number(digits) > 255) return undefined;
  return { text: String.fromCharCode(Number(digits)), end: at + 4 };
}

/**
 * A name as core's resolvers give it: lower case, no trailing dot, `''` for the root, and octets that text cannot show
 * escaped, so that a dot inside a label cannot pose as the end of one.
 */
export function nameText(labels: readonly string[]): string {
  return labels.map(labelText).join('.').toLowerCase();
}

function labelText(label: string): string {
  if (/^[\w*-]*$/.test(label)) return label;
  let text = '';
  for (let at = 0; at < label.length; at++) {
    const code = label.charCodeAt(at);
    if (code <= 0x20 || code >= 0x7f) text += `\\${String(code).padStart(3, '0')}`;
    else if (code === 0x2e || code === 0x5c) text += `\\${label.charAt(at)}`;
    else text += label.charAt(at);
  }
  return text;
}

/** The name one label up; `undefined` above the root. */
export function parentName(name: string): string | undefined {
  if (name === '') return undefined;
  const dot = name.indexOf('.');
  return dot < 0 ? '' : name.slice(dot + 1);
}

/** `label` below `parent`. */
export function childName(label: string, parent: string): string {
  return parent === '' ? label : `${label}.${parent}`;
}
