import { shownText } from '../shown-text.ts';
import type { SpfMatch, SpfTermPlace } from './spf-evaluation.ts';
import type { IncludeTerm, RedirectTerm, SpfDirective, SpfRecord, SpfTerm } from './spf-record.ts';

/** A term that leads to another record: `include`, `redirect`. */
export type LeadingTerm = IncludeTerm | RedirectTerm;

/** How one came to a record. */
export interface Step {
  readonly domain: string;
  readonly term: LeadingTerm;
  readonly before: Step | undefined;
}

/** A record under evaluation. */
export interface Frame {
  readonly domain: string;
  readonly record: SpfRecord;
  readonly step: Step | undefined;
  /** Where the `include` stands that this record answers; `undefined` for the first, and where it redirects to. */
  readonly parent: Frame | undefined;
  /** Which of its directives comes next. */
  next: number;
}

/** What of a term is shown. */
const LONGEST_TERM = 256;

/** A term that could be read is visible ASCII, but it may be long. */
function shownTerm(text: string): string {
  return text.length > LONGEST_TERM ? shownText(text, LONGEST_TERM) : text;
}

function placeOf(domain: string, { text, index }: SpfTerm): SpfTermPlace {
  return { domain, term: shownTerm(text), index };
}

/** The term that decided, and how the evaluation came to it. */
export function matchOf(frame: Frame, { text, index }: SpfDirective): SpfMatch {
  const path: SpfTermPlace[] = [];
  for (let step = frame.step; step !== undefined; step = step.before) path.push(placeOf(step.domain, step.term));
  return { domain: frame.domain, term: shownTerm(text), index, path: path.reverse() };
}

/** A term in a sentence. */
export function show(domain: string, { text }: SpfTerm): string {
  return `The term "${shownText(text)}" in the SPF record of ${domain}`;
}
