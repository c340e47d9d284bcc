import type { Charge, SlotLease } from '@postern/core';

/** What one store tells the others, whose local answers stand on it too. */
export type StoreNews =
  | { readonly kind: 'refund'; readonly charges: readonly Charge[] }
  | { readonly kind: 'reset'; readonly keys: readonly string[] }
  | { readonly kind: 'release'; readonly lease: SlotLease };

/** Larger news are refused. */
const mostBytes = 1_048_576;

export function writeNews(from: string, news: StoreNews): string {
  return JSON.stringify({ from, ...news });
}

/** The news, `'own'` for the store's own, or what is wrong with them. */
export function readNews(
  own: string,
  payload: Buffer,
): StoreNews | 'own' | { readonly kind: 'invalid'; reason: string } {
  if (payload.length > mostBytes) return invalid('larger than 1 MiB');
  const news = parsed(payload);
  if (!isObject(news)) return invalid('not a JSON object');
  if (news['from'] === own) return 'own';
  const { kind, charges, keys, lease } = news;
  if (kind === 'refund' && isListOf(charges, isCharge)) return { kind, charges };
  if (kind === 'reset' && isListOf(keys, isText)) return { kind, keys };
  if (kind === 'release' && isLease(lease)) return { kind, lease };
  return invalid('not a refund, reset or release');
}

function invalid(reason: string): { readonly kind: 'invalid'; reason: string } {
  return { kind: 'invalid', reason };
}

function parsed(payload: Buffer): unknown {
  try {
    return JSON.parse(payload.toString());
  } catch {
    return undefined;
  }
}

type JsonFields = { readonly [name: string]: unknown };

function isObject(value: unknown): value is JsonFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isListOf<T>(value: unknown, isOne: (each: unknown) => each is T): value is readonly T[] {
  return Array.isArray(value) && value.every(isOne);
}

/** Its shape; its bounds are the local store's to judge. */
function isCharge(value: unknown): value is Charge {
  if (!isObject(value)) return false;
  const { key, cost, count, perMs, algorithm, burst } = value;
  if (!isText(key) || ![cost, count, perMs].every((each) => typeof each === 'number')) return false;
  return algorithm === 'fixed' || algorithm === 'sliding' || (algorithm === 'gcra' && typeof burst === 'number');
}

function isLease(value: unknown): value is SlotLease {
  return isObject(value) && isText(value['id']) && isListOf(value['keys'], isText);
}
