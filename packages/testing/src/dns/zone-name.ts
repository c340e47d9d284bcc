/** RFC 1035 §2.3.4: a label has at most 63 octets, a name 255 with its length octets, so its text at most 253. */
const LONGEST_LABEL = 63;
const LONGEST_NAME = 253;

/**
 * The name as zones keep it: lower case, no trailing dot, `''` for the root. `undefined` for what cannot be asked: an
 * empty or overlong label, an overlong name, anything but printable ASCII without space and backslash.
 */
export function toZoneName(text: string): string | undefined {
  if (text === '.' || text === '') return '';
  const name = (text.endsWith('.') ? text.slice(0, -1) : text).toLowerCase();
  if (name.length > LONGEST_NAME) return undefined;
  let labelStart = 0;
  for (let at = 0; at <= name.length; at++) {
    const code = at === name.length ? 0x2e : name.charCodeAt(at);
    if (code === 0x2e) {
      if (at === labelStart || at - labelStart > LONGEST_LABEL) return undefined;
      labelStart = at + 1;
    } else if (code <= 0x20 || code >= 0x7f || code === 0x5c) {
      return undefined;
    }
  }
  return name;
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
