const DAY_MS = 86_400_000;

/** A day in UTC: `2026-11-22`. */
export type ReportDay = string;

/** The day of a moment in milliseconds since the epoch. */
export function reportDay(now: number): ReportDay {
  return new Date(now).toISOString().slice(0, 10);
}

/** The first moment of the day, and the first of the next one, in milliseconds since the epoch. */
export function dayBounds(day: ReportDay): { readonly begin: number; readonly end: number } {
  const begin = Date.parse(`${day}T00:00:00.000Z`);
  return { begin, end: begin + DAY_MS };
}

/** The days before the one of `now`, the oldest first. */
export function daysBefore(now: number, count: number): readonly ReportDay[] {
  return Array.from({ length: count }, (_, index) => reportDay(now - (count - index) * DAY_MS));
}
