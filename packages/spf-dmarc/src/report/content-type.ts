/** A Content-Type (RFC 2045 §5.1), as far as reports need it. */
export interface ContentType {
  /** `multipart/report`, in lower case; `text/plain` when there is none that can be read. */
  readonly type: string;
  /** By their names in lower case. */
  readonly parameters: ReadonlyMap<string, string>;
}

const MAX_PARAMETERS = 20;
const LONGEST_VALUE = 2_048;
const MEDIA_TYPE = /^[!#$%&'*+\-.^_`{|}~0-9a-z]{1,100}\/[!#$%&'*+\-.^_`{|}~0-9a-z]{1,100}$/;

/** Reads the value of a Content-Type field. One pass over at most 2,048 characters; never throws on a string. */
export function readContentType(value: string | undefined): ContentType {
  const text = (value ?? '').slice(0, LONGEST_VALUE);
  const parts = splitOutsideQuotes(text);
  const type = parts[0]?.trim().toLowerCase() ?? '';
  const parameters = new Map<string, string>();
  for (const part of parts.slice(1, MAX_PARAMETERS + 1)) {
    const equals = part.indexOf('=');
    const name = part.slice(0, Math.max(equals, 0)).trim().toLowerCase();
    if (name !== '' && !parameters.has(name)) parameters.set(name, unquote(part.slice(equals + 1).trim()));
  }
  return { type: MEDIA_TYPE.test(type) ? type : 'text/plain', parameters };
}

function splitOutsideQuotes(text: string): readonly string[] {
  const parts: string[] = [];
  let quoted = false;
  let from = 0;
  for (let at = 0; at < text.length; at++) {
    const character = text[at];
    if (character === '\\' && quoted) at++;
    else if (character === '"') quoted = !quoted;
    else if (character === ';' && !quoted) {
      parts.push(text.slice(from, at));
      from = at + 1;
    }
  }
  parts.push(text.slice(from));
  return parts;
}

function unquote(text: string): string {
  if (!text.startsWith('"')) return text;
  const end = text.endsWith('"') && text.length > 1 ? text.length - 1 : text.length;
  return text.slice(1, end).replace(/\\(.)/g, '$1');
}
