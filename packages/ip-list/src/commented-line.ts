const TAB = 0x09;
const SPACE = 0x20;
const HASH = 0x23;
const SEMICOLON = 0x3b;

/** Where the comment of a line begins, `#` or `;`; its length when it has none. */
function commentStart(text: string): number {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === HASH || code === SEMICOLON) return at;
  }
  return text.length;
}

/** What stands before the comment of a line, and the comment, both without the blanks around them. */
export interface CommentedLine {
  /** `''`: the line is blank or a comment. */
  readonly content: string;
  readonly comment: string;
}

/** A line of a format in which `#` and `;` begin a comment anywhere. */
export function splitComment(text: string): CommentedLine {
  const end = commentStart(text);
  const content = text.slice(0, end).trim();
  if (end === text.length || content === '') return { content, comment: '' };
  let start = end;
  for (; start < text.length; start++) {
    const code = text.charCodeAt(start);
    if (code !== HASH && code !== SEMICOLON && code !== SPACE && code !== TAB) break;
  }
  return { content, comment: text.slice(start).trimEnd() };
}
