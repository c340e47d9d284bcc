/** Each octet with what follows it in a dotted quad, made when it is asked for first. */
let dotted: readonly string[] | undefined;
let slashed: readonly string[] | undefined;

/**
 * An IPv4 prefix in its canonical text. On the path of each hit of a lookup: put together from texts that are there, in
 * half the time that four numbers take.
 */
export function prefixText(quad: number, length: number): string {
  dotted ??= Array.from({ length: 256 }, (_, octet) => `${octet}.`);
  slashed ??= Array.from({ length: 256 }, (_, octet) => `${octet}/`);
  const first = (dotted[quad >>> 24] ?? '') + (dotted[(quad >>> 16) & 255] ?? '');
  const second = (dotted[(quad >>> 8) & 255] ?? '') + (slashed[quad & 255] ?? '');
  return first + second + length;
}
