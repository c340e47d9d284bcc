import { splitWord } from './logical-lines.ts';

/** What an action of a Postfix table says in a list. */
export interface PostfixAction {
  readonly action: 'allow' | 'block';
  /** An action that Postfix does not end the matter with, such as `WARN` or a restriction: it does not refuse either. */
  readonly known: boolean;
}

const ALLOW: PostfixAction = { action: 'allow', known: true };
const BLOCK: PostfixAction = { action: 'block', known: true };
/** The search ends here in Postfix, so that wider entries do not apply: the entry has to lift them. */
const NEITHER: PostfixAction = { action: 'allow', known: false };

const ACTIONS: ReadonlyMap<string, PostfixAction> = new Map([
  ['ok', ALLOW],
  ['dunno', ALLOW],
  ['permit', ALLOW],
  ['reject', BLOCK],
  ['defer', BLOCK],
  ['discard', BLOCK],
]);

function isDigits(text: string): boolean {
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code < 0x30 || code > 0x39) return false;
  }
  return text !== '';
}

/**
 * access(5): `OK`, a number alone, and `DUNNO` accept or pass on; `REJECT`, `DEFER`, `DISCARD` and replies `4NN text`,
 * `5NN text` refuse.
 */
export function readPostfixAction(text: string): PostfixAction {
  const { word, rest } = splitWord(text);
  const known = ACTIONS.get(word.toLowerCase());
  if (known !== undefined) return known;
  if (!isDigits(word)) return NEITHER;
  const isReply = word.length === 3 && (word.startsWith('4') || word.startsWith('5'));
  if (isReply) return BLOCK;
  return rest === '' ? ALLOW : NEITHER;
}
