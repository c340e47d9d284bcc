import { type HeaderField, type Resolver, toAsciiDomain } from '@postern/core';
import type { DkimResult } from '../dkim/dkim-result.ts';
import type { ArcChain } from './arc-chain.ts';
import type { ArcEvaluation, ArcSet } from './arc-evaluation.ts';
import type { Mailauth } from './load-mailauth.ts';
import { MailauthResolver } from './mailauth-resolver.ts';

/**
 * Judges a chain (RFC 8617 §5.2): its structure and its seals through mailauth; the newest ARC-Message-Signature has been
 * verified beside the DKIM signatures, by the same code and in the same pass over the body.
 *
 * @param signature - what the newest ARC-Message-Signature came to
 */
export async function evaluateArc(
  { fields, sets, newestSignature }: ArcChain,
  signature: DkimResult,
  { arc, getARChain }: Mailauth,
  resolver: Resolver,
): Promise<ArcEvaluation> {
  const dns = new MailauthResolver(resolver, sets.length);
  const end = (result: ArcEvaluation['result'], summary: string): ArcEvaluation => ({
    result,
    summary,
    sets,
    sealer: result === 'pass' ? sets.at(-1)?.sealer : undefined,
  });
  if (signature === 'temperror') return end('temperror', 'The key of the newest ARC signature could not be looked up.');

  let chain: ReturnType<Mailauth['getARChain']>;
  try {
    chain = getARChain({ parsed: fields.map(asMailauthField) }, { strict: true });
  } catch (error) {
    return end('fail', `The chain is not well-formed${error instanceof Error ? `: ${clean(error.message)}` : ''}.`);
  }
  const lastEntry = chain === false ? undefined : chain.at(-1);
  if (chain === false || lastEntry === undefined) return end('fail', 'The chain is not well-formed.');
  if (!areSame(chain, sets) || newestSignature?.instance !== sets.length) {
    return end('fail', 'The fields of the chain can be read in more than one way.');
  }
  if (signature !== 'pass') return end('fail', 'The newest ARC signature of the message does not hold.');

  lastEntry.messageSignature = { status: { result: 'pass' }, info: '' };
  const { status } = await arc({ chain, lastEntry }, { resolver: dns.resolve, strict: true });
  if (status.result === 'pass') return end('pass', 'Every seal of the chain holds.');
  // mailauth calls a seal whose key could not be looked up a failure; nothing is known of it.
  if (dns.failure !== undefined) return end('temperror', 'The key of a seal could not be looked up.');
  return end(
    'fail',
    `A seal of the chain does not hold${status.comment === undefined ? '' : `: ${clean(status.comment)}`}.`,
  );
}

/**
 * A field as mailauth's parser leaves it, relaxed already: seals are always made over the relaxed form (RFC 8617 §4.1.3), and
 * long runs of white space would cost it time by their square.
 */
function asMailauthField({ name, raw }: HeaderField): { readonly key: string; readonly line: Buffer } {
  const key = name.toLowerCase();
  const text = Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength).toString('latin1');
  const value = text.slice(text.indexOf(':') + 1).replace(/[ \t\r\n]+/g, ' ');
  return { key, line: Buffer.from(`${key}:${value.trim()}`, 'latin1') };
}

/** Whether those whose seals are verified are those who will be believed: the sets were read here, the seals are by mailauth. */
function areSame(chain: Exclude<ReturnType<Mailauth['getARChain']>, false>, sets: readonly ArcSet[]): boolean {
  return (
    chain.length === sets.length &&
    chain.every((link, index) => {
      const set = sets[index];
      const { d, s } = link['arc-seal']?.parsed ?? {};
      return set?.instance === link.i && set.selector === s?.value && set.sealer === toAsciiDomain(String(d?.value));
    })
  );
}

/** What stands in a message of mailauth may come from the sender. */
function clean(text: string): string {
  return text.replace(/[^ -~]/g, '?').slice(0, 200);
}
