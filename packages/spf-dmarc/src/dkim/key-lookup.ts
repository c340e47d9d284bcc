import type { DeadlineResolver, DnsAnswer } from '@postern/core';
import type { DkimKeyCache, ReadKey } from './dkim-key-cache.ts';

/** What is known of the keys at a name. */
export type KeyAnswer =
  | { readonly kind: 'keys'; readonly keys: readonly ReadKey[]; readonly authentic: boolean }
  | { readonly kind: 'none'; readonly detail: string; readonly authentic: boolean }
  | { readonly kind: 'failure'; readonly reason: 'dns' | 'incomplete'; readonly detail: string };

/**
 * RFC 6376 §3.6.2.2 leaves undefined what several records at one name mean, §6.1.2 that a verifier may try them one after
 * the other: keys are changed in that way. Each costs a check.
 */
const MOST_KEYS = 4;

/** The keys that stand at a name (RFC 6376 §3.6.2). One query. Never rejects. */
export async function lookUpKeys(name: string, dns: DeadlineResolver, cache: DkimKeyCache): Promise<KeyAnswer> {
  // A key that was taken back must not live on in a cache (RFC 8767 is for what hardly changes).
  const answer = await dns.resolve(name, 'TXT', { staleMs: 0 });
  try {
    return readAnswer(answer, cache);
  } catch {
    // What others wrote may throw where it is read.
    return { kind: 'failure', reason: 'dns', detail: 'The resolver answered something that is no answer.' };
  }
}

function readAnswer(answer: DnsAnswer<'TXT'>, cache: DkimKeyCache): KeyAnswer {
  if (answer.kind === 'failure') {
    const detail = `The key could not be looked up: ${answer.detail}`;
    return { kind: 'failure', reason: answer.reason === 'aborted' ? 'incomplete' : 'dns', detail };
  }
  // A resolver that others wrote may answer what its types do not say.
  const authentic = answer.authentic === true;
  if (answer.kind !== 'records') return { kind: 'none', detail: 'There is no key record.', authentic };
  const keys: ReadKey[] = [];
  const unreadable: ReadKey[] = [];
  for (const text of answer.records) {
    if (keys.length === MOST_KEYS) break;
    const read = typeof text === 'string' ? cache.read(text) : undefined;
    if (read?.ok) keys.push(read);
    // Other records stand at a name when somebody publishes a wildcard: they are none of a key's.
    else if (read !== undefined && read.fault !== 'not-dkim') unreadable.push(read);
  }
  if (keys.length > 0) return { kind: 'keys', keys, authentic };
  if (unreadable.length > 0) return { kind: 'keys', keys: unreadable.slice(0, 1), authentic };
  return { kind: 'none', detail: 'There is no key among the TXT records.', authentic };
}
