/** A command line as a sink reads it. */
export interface SinkCommand {
  /** In upper case. */
  readonly verb: string;
  /** What stands behind the verb. */
  readonly argument: string;
}

/** The path of MAIL or RCPT with its parameters (RFC 5321 §4.1.2). */
export interface SinkPath {
  /** Without the angle brackets; `''` is the null reverse-path. */
  readonly address: string;
  /** Keywords in upper case, values as sent; `true` without one. */
  readonly parameters: Readonly<Record<string, string | true>>;
}

export function readCommand(line: string): SinkCommand {
  const space = line.indexOf(' ');
  const verb = (space < 0 ? line : line.slice(0, space)).toUpperCase();
  return { verb, argument: space < 0 ? '' : line.slice(space + 1).trim() };
}

/** `FROM:<a@example.com> SIZE=100`, with `FROM:` or `TO:` as the keyword. `undefined`: a syntax error. */
export function readPath(argument: string, keyword: 'FROM:' | 'TO:'): SinkPath | undefined {
  if (argument.slice(0, keyword.length).toUpperCase() !== keyword) return undefined;
  const rest = argument.slice(keyword.length).trimStart();
  const end = pathEnd(rest);
  if (!rest.startsWith('<') || end < 0) return undefined;
  const parameters = new Map<string, string | true>();
  for (const word of rest.slice(end + 1).split(' ')) {
    if (word === '') continue;
    const equals = word.indexOf('=');
    if (equals < 0) parameters.set(word.toUpperCase(), true);
    else parameters.set(word.slice(0, equals).toUpperCase(), word.slice(equals + 1));
  }
  return { address: rest.slice(1, end), parameters: Object.fromEntries(parameters) };
}

/** Where `>` stands outside of a quoted local part. */
function pathEnd(text: string): number {
  let quoted = false;
  for (let at = 1; at < text.length; at++) {
    const char = text.charAt(at);
    if (quoted && char === '\\') at++;
    else if (char === '"') quoted = !quoted;
    else if (char === '>' && !quoted) return at;
  }
  return -1;
}
