const LONGEST_SHOWN = 120;

/**
 * Text from DNS for a person to read, in printable US-ASCII: other octets are written as `\x1b`, since they may be meant
 * for the terminal and not for the reader. What is longer than `longest` characters (default 120) ends in `...`.
 */
export function shownText(text: string, longest: number = LONGEST_SHOWN): string {
  const part = text.length > longest ? `${text.slice(0, longest - 3)}...` : text;
  return part.replace(/[^\x20-\x7e]/g, (char) => `\\x${char.charCodeAt(0).toString(16).padStart(2, '0')}`);
}
