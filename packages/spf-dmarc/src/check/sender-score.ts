/** What results add to the score; nothing when that is nothing. */
export function scoreOf(parts: readonly (number | undefined)[]): { readonly score?: number } {
  const score = parts.reduce<number>((sum, part) => sum + (part ?? 0), 0);
  return score === 0 ? {} : { score };
}
