import { errorText } from '../error-text.ts';
import type { JsonObject, JsonValue } from '../json.ts';
import type { OpinionKind } from './is-opinion.ts';
import type { OpinionFacts } from './opinion.ts';
import { type AnyOpinion, readOpinion } from './read-opinion.ts';
import type { Stage } from './report.ts';

/** An opinion that asks for nothing. */
export type DryOpinion = Pick<OpinionFacts, 'finding'>;

/** Who failed where, for a person. */
export interface DryPlace {
  readonly check: string;
  readonly stage: Stage | 'start';
}

/** What a check answered, of which nothing is known, with all that it asks for moved into the finding. */
export function dryOpinion(answer: unknown, kind: OpinionKind, place: DryPlace): DryOpinion | undefined {
  if (answer === undefined) return undefined;
  const read = readOpinion(answer, kind);
  if ('defect' in read) return dryFailure(place, 'rubbish', read.defect);
  const { finding } = read.opinion;
  // Run dry twice, it asks for nothing any more: what it asked for at first stands there already.
  const { dryRun = askedFor(read.opinion) } = finding;
  return { finding: { ...finding, dryRun } };
}

/** What stands for an answer that did not come: a gateway would have deferred (451 4.3.0). */
export function dryFailure(
  { check, stage }: DryPlace,
  failure: 'threw' | 'late' | 'rubbish',
  error: unknown,
): DryOpinion {
  const detail = errorText(error);
  const summary = `The check ${check}, run dry, failed at ${stage}: ${detail}.`;
  return { finding: { kind: 'core/dry-run-failed', summary, failure, error: detail, dryRun: { verdict: 'defer' } } };
}

function askedFor(opinion: AnyOpinion): JsonObject {
  const { verdict, score, delayMs, trust, permit, user, headerEdits, authResults } = opinion;
  const reply = opinion.verdict === 'reject' || opinion.verdict === 'defer' ? opinion.reply : undefined;
  const asked: Record<string, JsonValue | undefined> = {
    verdict,
    reply: reply && { code: reply.code, enhanced: reply.enhanced, text: reply.text },
    score,
    delayMs,
    trust,
    permit,
    user,
    headerEdits: headerEdits?.map((edit) => ({ ...edit })),
    authResults: authResults?.map(({ properties, ...result }) => ({
      ...result,
      properties: properties?.map((property) => ({ ...property })),
    })),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}
