import type { JsonObject, JsonValue } from '../json.ts';
import { type OpinionKind, opinionDefect } from './is-opinion.ts';
import type { LoginOpinion, Opinion, OpinionFacts, RecipientOpinion } from './opinion.ts';
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
  if (!isAnyOpinion(answer, kind)) return dryFailure(place, 'rubbish', opinionDefect(answer, kind));
  // Run dry twice, it asks for nothing any more: what it asked for at first stands there already.
  const { dryRun = askedFor(answer) } = answer.finding;
  return { finding: { ...answer.finding, dryRun } };
}

type AnyOpinion = Opinion | RecipientOpinion | LoginOpinion;

function isAnyOpinion(answer: unknown, kind: OpinionKind): answer is AnyOpinion {
  return opinionDefect(answer, kind) === undefined;
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
  const { verdict, score, delayMs, trust, headerEdits, authResults } = opinion;
  const reply = opinion.verdict === 'reject' || opinion.verdict === 'defer' ? opinion.reply : undefined;
  const asked: Record<string, JsonValue | undefined> = {
    verdict,
    reply: reply && { code: reply.code, enhanced: reply.enhanced, text: reply.text },
    score,
    delayMs,
    trust,
    permit: 'permit' in opinion ? opinion.permit : undefined,
    user: 'user' in opinion ? opinion.user : undefined,
    headerEdits: headerEdits?.map((edit) => ({ ...edit })),
    authResults: authResults?.map(({ properties, ...result }) => ({
      ...result,
      properties: properties?.map((property) => ({ ...property })),
    })),
  };
  return Object.fromEntries(Object.entries(asked).filter(([, value]) => value !== undefined));
}

/** What was thrown, as one bounded line. */
function errorText(error: unknown): string {
  try {
    const text = error instanceof Error ? error.message || error.name : String(error);
    return text.length > 300 ? `${text.slice(0, 300)}…` : text;
  } catch {
    return 'something that cannot be printed was thrown';
  }
}
