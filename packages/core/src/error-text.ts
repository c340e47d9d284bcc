const LONGEST = 300;

/**
 * What was thrown or rejected with, whatever it is, as one line of at most 301 characters for a report or a log; never for
 * a reply. Never throws.
 */
export function errorText(error: unknown): string {
  try {
    const text = error instanceof Error ? error.message || error.name : String(error);
    const short = text.length > LONGEST ? `${text.slice(0, LONGEST)}…` : text;
    return short.replace(/[\r\n]+/g, ' ');
  } catch {
    return 'something that cannot be printed was thrown';
  }
}
