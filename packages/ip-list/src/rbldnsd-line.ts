const DOLLAR = 0x24;

/** What a line of a zone file of rbldnsd is, whatever the data set. */
export type RbldnsdLine =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'special'; readonly word: string; readonly rest: string }
  | { readonly kind: 'value'; readonly text: string }
  | { readonly kind: 'exclusion' | 'listing'; readonly text: string };

/** Blanks of rbldnsd: no other white space is any. */
function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09;
}

function trimBlanks(text: string): string {
  let start = 0;
  let end = text.length;
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** Where a word of non-blanks ends. */
export function wordEnd(text: string, start: number): number {
  let end = start;
  while (end < text.length && !isBlank(text.charCodeAt(end))) end++;
  return end;
}

/** rbldnsd(8), "Dataset types and formats" and "Special Entries". */
export function readRbldnsdLine(line: string): RbldnsdLine {
  const text = trimBlanks(line);
  const first = text[0];
  const marked = (first === '#' || first === ';' || first === ':') && text.charCodeAt(1) === DOLLAR;
  if (first === '$' || marked) {
    const start = marked ? 2 : 1;
    const end = wordEnd(text, start);
    return { kind: 'special', word: text.slice(start, end).toLowerCase(), rest: trimBlanks(text.slice(end)) };
  }
  if (first === undefined || first === '#' || first === ';') return { kind: 'nothing' };
  if (first === ':') return { kind: 'value', text };
  return first === '!' ? { kind: 'exclusion', text: trimBlanks(text.slice(1)) } : { kind: 'listing', text };
}

/** The value behind an entry, where a comment is none. */
export function valueText(text: string, start: number): string {
  const rest = trimBlanks(text.slice(start));
  return rest.startsWith('#') || rest.startsWith(';') ? '' : rest;
}

/** The type of a data set in what follows `$DATASET`: `ip4set:name subzone …`. */
export function dataSetType(rest: string): string {
  const colon = rest.indexOf(':');
  const end = wordEnd(rest, 0);
  return rest.slice(0, colon >= 0 && colon < end ? colon : end).toLowerCase();
}
