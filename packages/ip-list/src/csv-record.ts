const QUOTE = 0x22;

/**
 * The fields of a record of CSV (RFC 4180 §2); blanks around a field are not part of it. `unclosed` when the last field
 * has no closing quote, so that the record goes on in the next line; `malformed` when something follows a closing quote.
 * Linear.
 *
 * @param delimiter - one character
 */
export function splitCsvRecord(line: string, delimiter: string): readonly string[] | 'unclosed' | 'malformed' {
  const fields: string[] = [];
  let at = 0;
  for (;;) {
    while (at < line.length && line.charAt(at) !== delimiter && line.charAt(at).trim() === '') at++;
    if (line.charCodeAt(at) === QUOTE) {
      let field = '';
      let start = at + 1;
      for (;;) {
        const quote = line.indexOf('"', start);
        if (quote < 0) return 'unclosed';
        field += line.slice(start, quote);
        at = quote + 1;
        if (line.charCodeAt(at) !== QUOTE) break;
        field += '"';
        start = at + 1;
      }
      const next = line.indexOf(delimiter, at);
      if (line.slice(at, next < 0 ? line.length : next).trim() !== '') return 'malformed';
      fields.push(field.trim());
      if (next < 0) return fields;
      at = next + 1;
    } else {
      const next = line.indexOf(delimiter, at);
      fields.push(line.slice(at, next < 0 ? line.length : next).trim());
      if (next < 0) return fields;
      at = next + 1;
    }
  }
}
