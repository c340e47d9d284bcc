import { isFieldName } from '../message/field-name.ts';
import { isMethodResult } from '../message/is-method-result.ts';
import { isPermanentReply, isTransientReply } from '../smtp/reply-class.ts';
import type { LoginOpinion, Opinion, RecipientOpinion } from './opinion.ts';

/** Which stage's answer: every stage takes an `opinion`, RCPT may also permit, AUTH may also name the user. */
export type OpinionKind = 'opinion' | 'recipient' | 'login';

/** Whether a value, of which nothing is known, is an opinion. See `opinionDefect` for what is looked at. */
export function isOpinion(value: unknown): value is Opinion {
  return opinionDefect(value, 'opinion') === undefined;
}

/** Whether a value, of which nothing is known, is an opinion about a recipient. */
export function isRecipientOpinion(value: unknown): value is RecipientOpinion {
  return opinionDefect(value, 'recipient') === undefined;
}

/** Whether a value, of which nothing is known, is an opinion about a login. */
export function isLoginOpinion(value: unknown): value is LoginOpinion {
  return opinionDefect(value, 'login') === undefined;
}

/**
 * What is wrong with an answer of a check, as the end of the sentence "the check answered rubbish: …"; `undefined` if
 * nothing is. A check may be written in JavaScript, or by someone who silenced the compiler, and a verdict that is not
 * understood must not be taken for none.
 *
 * Every property that an opinion can have is looked at, and a property that it cannot have is a defect: a misspelt
 * verdict must not be silently without effect. Not looked at: what the finding carries besides `kind` and `summary`.
 */
export function opinionDefect(value: unknown, kind: OpinionKind): string | undefined {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return 'it is not an object';
  const answer: Readonly<Partial<Record<Property, unknown>>> = value;
  for (const name in answer) {
    if (!Object.hasOwn(properties, name))
      return `it has a property ${JSON.stringify(name.slice(0, 60))}, which no opinion has`;
  }
  const { finding, score, delayMs, trust, headerEdits, authResults, permit, user } = answer;
  if (!isFinding(finding)) return 'it has no finding with a kind like "package/what" and a summary';
  if (score !== undefined && !Number.isFinite(score)) return 'its score is not a finite number';
  if (delayMs !== undefined && !isDuration(delayMs)) return 'its delayMs is not a number of milliseconds';
  if (trust !== undefined && trust !== true) return 'its trust is something else than true';
  if (headerEdits !== undefined && !isListOf(headerEdits, isHeaderEdit)) return 'its headerEdits are not header edits';
  if (authResults !== undefined && !isListOf(authResults, isMethodResult))
    return 'its authResults are not method results';
  if (permit !== undefined) {
    if (kind !== 'recipient') return 'it has a permit, which only an opinion about a recipient can have';
    if (permit !== 'local' && permit !== 'relay') return 'its permit is neither "local" nor "relay"';
  }
  if (user !== undefined) {
    if (kind !== 'login') return 'it has a user, which only an opinion about a login can have';
    if (typeof user !== 'string' || user === '') return 'its user is not a name';
  }
  return verdictDefect(answer.verdict, answer.reply);
}

type Property = keyof RecipientOpinion | keyof LoginOpinion | 'reply';

const properties: Readonly<Record<Property, true>> = {
  finding: true,
  verdict: true,
  reply: true,
  score: true,
  delayMs: true,
  trust: true,
  headerEdits: true,
  authResults: true,
  permit: true,
  user: true,
};

function verdictDefect(verdict: unknown, reply: unknown): string | undefined {
  switch (verdict) {
    case 'reject':
      return reply === undefined || isPermanentReply(reply)
        ? undefined
        : 'it rejects with a reply that is no 5yz reply';
    case 'defer':
      return reply === undefined || isTransientReply(reply) ? undefined : 'it defers with a reply that is no 4yz reply';
    case 'quarantine':
    case undefined:
      return reply === undefined ? undefined : 'it has a reply without rejecting or deferring';
    default:
      return 'its verdict is none of "reject", "defer" and "quarantine"';
  }
}

function isDuration(value: unknown): boolean {
  return typeof value === 'number' && Number.isFinite(value) && value >= 0;
}

function isListOf(value: unknown, isElement: (element: unknown) => boolean): boolean {
  return Array.isArray(value) && value.every(isElement);
}

function isFinding(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('kind' in value && 'summary' in value)) return false;
  const { kind, summary } = value;
  if (typeof kind !== 'string' || typeof summary !== 'string' || summary === '') return false;
  const slash = kind.indexOf('/');
  return slash > 0 && slash < kind.length - 1;
}

function isHeaderEdit(value: unknown): boolean {
  if (typeof value !== 'object' || value === null || !('action' in value && 'name' in value)) return false;
  if (typeof value.name !== 'string' || !isFieldName(value.name)) return false;
  if (value.action === 'add') return 'value' in value && typeof value.value === 'string';
  if (value.action !== 'remove') return false;
  if (!('index' in value) || value.index === undefined) return true;
  return typeof value.index === 'number' && Number.isSafeInteger(value.index) && value.index >= 0;
}
