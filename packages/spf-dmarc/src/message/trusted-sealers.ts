import { DomainSet, type OptionReader } from '@postern/core';
import type { DmarcOverride } from '../dmarc/dmarc-override.ts';
import type { ArcEvaluation, ArcSet } from './arc-evaluation.ts';

/** RFC 9990 leaves comments to us; those of `DmarcLocalPolicy` have as many characters. */
const LONGEST_COMMENT = 200;

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/** Reads the option `trustedSealers` of `owner`; `undefined`: nobody is believed. */
export function readTrustedSealers(read: OptionReader, owner: string): DomainSet | undefined {
  const listed = read.value('trustedSealers', isTextList, 'a list of domains') ?? [];
  return listed.length === 0 ? undefined : new DomainSet(listed, `${owner}, trustedSealers`);
}

/**
 * Why a message that fails DMARC is not held against its author: a sealer who is believed says that it passed when it came
 * there (RFC 8617 §7.2.1). `undefined`: nobody says so.
 *
 * Believed is nobody below a sealer whom nobody knows: who sealed later could have written anything.
 */
export function sealersOverride(
  arc: ArcEvaluation | undefined,
  author: string | undefined,
  sealers: DomainSet | undefined,
): DmarcOverride | undefined {
  if (arc?.result !== 'pass' || author === undefined || sealers === undefined) return undefined;
  const doubted = arc.sets.findLastIndex(({ sealer }) => !sealers.has(sealer));
  if (!arc.sets.slice(doubted + 1).some((set) => sawPass(set, author))) return undefined;
  // RFC 8617 §7.2.2: the comment names the sealers.
  const seals = arc.sets.toReversed().map(({ instance, sealer, selector }) => {
    return `as[${instance}].d=${sealer} as[${instance}].s=${selector}`;
  });
  return { type: 'local_policy', comment: `arc=pass ${seals.join(' ')}`.slice(0, LONGEST_COMMENT) };
}

/** Whether the host said that the message passed DMARC for this very author. */
function sawPass({ results }: ArcSet, author: string): boolean {
  return results.some(
    ({ method, result, properties = [] }) =>
      method === 'dmarc' &&
      result === 'pass' &&
      properties.some(
        ({ ptype, property, value }) =>
          ptype === 'header' && property === 'from' && value.slice(value.lastIndexOf('@') + 1).toLowerCase() === author,
      ),
  );
}
