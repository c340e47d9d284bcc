/** TXT records are another party's text: what is kept of them fits a log line and, cut further, a reply line. */
const MAX_TEXT_LENGTH = 500;

const SPACE = 0x20;
const DELETE = 0x7f;

/** Control characters become spaces, so that no line can be ended or begun; what is not ASCII becomes `?`. */
function printableAscii(text: string): string {
  let clean = '';
  // Runs of harmless characters are copied whole.
  let start = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= SPACE && code < DELETE) continue;
    clean += text.slice(start, at) + (code > DELETE ? '?' : ' ');
    start = at + 1;
  }
  return start === 0 ? text : clean + text.slice(start);
}

/** Case folding is safe here: ASCII text keeps its length. */
function blotOut(text: string, secret: string): string {
  const lower = text.toLowerCase();
  let shown = '';
  let start = 0;
  for (let at = lower.indexOf(secret); at >= 0; at = lower.indexOf(secret, start)) {
    shown += `${text.slice(start, at)}[key]`;
    start = at + secret.length;
  }
  return shown + text.slice(start);
}

/**
 * A TXT record as it may stand in a finding and a reply: printable ASCII, at most 500 characters, and with `[key]` in
 * the place of a query key that the list repeats. Linear in the record, which DNS bounds at 64 KiB.
 *
 * @param secret - the zone's query key in lower case, or `undefined`
 */
export function listingText(text: string, secret: string | undefined): string {
  const printable = printableAscii(text);
  // Blotted out before it is cut: half a key at the end would escape.
  const shown = secret === undefined ? printable : blotOut(printable, secret);
  return shown.slice(0, MAX_TEXT_LENGTH).trim();
}
