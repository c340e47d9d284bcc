import {
  type HeaderField,
  type HeaderFields,
  type MethodResult,
  parseAuthenticationResults,
  toAsciiDomain,
} from '@postern/core';
import { parseTagList } from '../tag-list.ts';
import type { ArcSet } from './arc-evaluation.ts';

const SEAL = 'arc-seal';
const SIGNATURE = 'arc-message-signature';
const RESULTS = 'arc-authentication-results';

/** The ARC fields of a header, read as far as that goes without judging them. */
export interface ArcChain {
  /** All of them from top to bottom. */
  readonly fields: readonly HeaderField[];
  /** By their instances. */
  readonly sets: readonly ArcSet[];
  /** The ARC-Message-Signature of the newest set: the only one that has to hold (RFC 8617 §5.2 step 4). */
  readonly newestSignature: { readonly instance: number; readonly field: HeaderField } | undefined;
}

/** Why a chain is not looked at. */
export interface ArcBounds {
  /** RFC 8617 §4.2.1: there are at most 50. */
  readonly maxSets: number;
  /** All ARC fields together. */
  readonly maxBytes: number;
}

/** Reads the chain; `undefined`: no ARC fields; a sentence: it goes beyond a bound. */
export function readArcChain(header: HeaderFields, { maxSets, maxBytes }: ArcBounds): ArcChain | string | undefined {
  const seals = header.all(SEAL);
  const signatures = header.all(SIGNATURE);
  const results = header.all(RESULTS);
  const fields = [...seals, ...signatures, ...results];
  if (fields.length === 0) return undefined;
  if (seals.length > maxSets || signatures.length > maxSets || results.length > maxSets) {
    return `The message has more than ${maxSets} ARC sets.`;
  }
  if (fields.reduce((sum, { raw }) => sum + raw.length, 0) > maxBytes) {
    return `The ARC fields of the message have more than ${maxBytes} bytes.`;
  }
  const checked = new Map<number, { authservId: string; results: readonly MethodResult[] }>();
  for (const field of results) {
    const read = readResults(field.value);
    if (read !== undefined) checked.set(read.instance, read);
  }
  const sets = seals.flatMap((field): ArcSet[] => {
    const tags = tagsOf(field.value);
    const instance = instanceOf(tags);
    if (tags === undefined || instance === undefined) return [];
    const domain = tags.get('d') ?? '';
    return [
      {
        instance,
        sealer: toAsciiDomain(domain) ?? domain.slice(0, 253),
        selector: (tags.get('s') ?? '').slice(0, 253),
        authservId: checked.get(instance)?.authservId,
        results: checked.get(instance)?.results ?? [],
      },
    ];
  });
  sets.sort((a, b) => a.instance - b.instance);
  let newestSignature: ArcChain['newestSignature'];
  for (const field of signatures) {
    const instance = instanceOf(tagsOf(field.value)) ?? 0;
    if (instance > (newestSignature?.instance ?? 0)) newestSignature = { instance, field };
  }
  return { fields, sets, newestSignature };
}

function tagsOf(text: string): ReadonlyMap<string, string> | undefined {
  const list = parseTagList(text);
  return list.ok ? list.tags : undefined;
}

/** RFC 8617 §4.2.1: `position = 1*2DIGIT`, from 1 to 50. */
function instanceOf(tags: ReadonlyMap<string, string> | undefined): number | undefined {
  const text = tags?.get('i') ?? '';
  return /^[0-9]{1,2}$/.test(text) && Number(text) >= 1 ? Number(text) : undefined;
}

/** RFC 8617 §4.1.1: `i=N;` and then what an Authentication-Results field has. */
function readResults(value: string) {
  const semicolon = value.indexOf(';');
  const instance = instanceOf(tagsOf(value.slice(0, Math.max(semicolon, 0))));
  const parsed = parseAuthenticationResults(value.slice(semicolon + 1));
  if (instance === undefined || parsed === undefined) return undefined;
  return { instance, authservId: parsed.authservId, results: parsed.results };
}
