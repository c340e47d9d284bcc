import { isFieldName } from './field-name.ts';

/** RFC 5322 §2.1.1, without the CRLF: lines should not be longer than the first and must not be than the second. */
const goodLine = 78;
const longestLine = 998;
/** Printable ASCII without white space at its ends. */
const plain = /^[!-~](?:[ -~]*[!-~])?$/;

/**
 * One header field as it goes on the wire: name, colon, value, CRLF. Whatever stands in the value, it is one field, and
 * not the end of the header:
 *
 * - A value that is folded already (CRLF before white space) keeps its lines.
 * - Any other line break and each control character but the tab becomes a space.
 * - A value on one line is folded at white space where it would pass 78 octets.
 * - No line is longer than 998 octets: a word that is gets broken, as there is no better place.
 *
 * White space at the value's ends goes. Text beyond ASCII is for the caller to write as UTF-8 (RFC 6532).
 *
 * @throws TypeError when `name` cannot be the name of a field (RFC 5322 §3.6.8; at most 76 characters)
 *
 * @example
 * ```ts
 * formatHeaderField('X-Reason', 'first\r\nBcc: second'); // 'X-Reason: first Bcc: second\r\n'
 * ```
 */
export function formatHeaderField(name: string, value: string): string {
  if (!isFieldName(name)) throw new TypeError(`formatHeaderField: ${JSON.stringify(name)} is not the name of a field`);
  // Most fields that a server adds: nothing to make safe, nothing to fold.
  if (name.length + 2 + value.length <= goodLine && plain.test(value)) return `${name}: ${value}\r\n`;
  const lines = foldedLines(value);
  const width = lines.length === 1 ? goodLine : longestLine;
  const first = lines.shift() ?? '';
  let field = fold(first === '' ? `${name}:` : `${name}: ${first}`, width, name.length + 2);
  for (const line of lines) field += `\r\n${fold(line, width, 0)}`;
  return `${field}\r\n`;
}

/** The lines that a folded value already has, made safe; no line of white space alone among them. */
function foldedLines(value: string): string[] {
  const lines: string[] = [];
  for (const line of value.split(/\r\n(?=[\t ])/)) {
    // biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
    const safe = line.replace(/\r\n|[\u0000-\u0008\u000a-\u001f\u007f]/g, ' ');
    const text = lines.length === 0 ? safe.trim() : safe.trimEnd();
    if (text !== '') lines.push(text);
  }
  return lines;
}

/**
 * Folds one line before white space so that no part is longer than `width` where that can be, nor than 998 octets at all.
 * Before `from` it is not folded.
 */
function fold(line: string, width: number, from: number): string {
  if (Buffer.byteLength(line) <= width) return line;
  let folded = line.slice(0, from);
  let column = Buffer.byteLength(folded);
  let first = true;
  for (const [word] of line.slice(from).matchAll(/[\t ]*[^\t ]+/g)) {
    const octets = Buffer.byteLength(word);
    if (!first && column + octets > width) {
      folded += '\r\n';
      column = 0;
    }
    first = false;
    if (column + octets <= longestLine) {
      folded += word;
      column += octets;
      continue;
    }
    for (const character of word) {
      const more = Buffer.byteLength(character);
      if (column + more > longestLine) {
        folded += '\r\n ';
        column = 1;
      }
      folded += character;
      column += more;
    }
  }
  return folded;
}
