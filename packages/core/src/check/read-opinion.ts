import { type OpinionKind, opinionDefect } from './is-opinion.ts';
import type { Opinion } from './opinion.ts';

/** An opinion of any stage: `permit` means something at RCPT, `user` at AUTH, and nothing elsewhere. */
export type AnyOpinion = Opinion & { readonly permit?: 'local' | 'relay'; readonly user?: string };

/** What a check answered: an opinion, or what is wrong with it (see `opinionDefect`). */
export type OpinionReading = { readonly opinion: AnyOpinion } | { readonly defect: string };

/**
 * Reads a check's answer, of which nothing is known, into an opinion that is plain data down to its reply: a getter or a
 * proxy may say something else the next time it is asked, or throw where nobody expects it. What the finding carries, and
 * the elements of the lists, are shared.
 *
 * @throws what a getter of the answer throws
 */
export function readOpinion(value: unknown, kind: OpinionKind): OpinionReading {
  const defect = opinionDefect(value, kind);
  if (defect !== undefined) return { defect };
  const opinion = copyOf(value);
  return isAnyOpinion(opinion, kind) ? { opinion } : { defect: 'it changes while it is read' };
}

/** By name, as an instance of a class has its getters on its prototype. */
function copyOf(value: unknown): object {
  const { finding, verdict, reply, score, delayMs, trust, headerEdits, authResults, permit, user } = partsOf(value);
  return {
    finding,
    verdict,
    reply: reply === undefined ? undefined : copyOfReply(reply),
    score,
    delayMs,
    trust,
    headerEdits,
    authResults,
    permit,
    user,
  };
}

function copyOfReply(value: unknown): object {
  const { code, enhanced, text } = partsOf(value);
  return { code, enhanced, text };
}

type Part = keyof AnyOpinion | 'reply' | 'code' | 'enhanced' | 'text';

function partsOf(value: unknown): Readonly<Partial<Record<Part, unknown>>> {
  return typeof value === 'object' && value !== null ? value : {};
}

function isAnyOpinion(value: unknown, kind: OpinionKind): value is AnyOpinion {
  return opinionDefect(value, kind) === undefined;
}
