import type { JsonObject } from '@postern/core';
import type { ListEntryInput } from '@postern/ip-list';

/** Larger entries are refused, here and when they come from elsewhere. */
const mostEntryBytes = 16_384;
const longestKey = 512;

/** One change of the shared bans. */
export interface BanChange {
  readonly epoch: string;
  readonly version: number;
  readonly key: string;
  /** JSON; `''`: it was deleted. */
  readonly entry: string;
}

/** @throws RangeError for an entry of more than 16,384 bytes of JSON */
export function writeEntry(entry: ListEntryInput): string {
  const { action = 'block', reason = '', source = '', expiresAt, evidence } = entry;
  const text = JSON.stringify({ action, reason, source, expiresAt, evidence });
  if (Buffer.byteLength(text) > mostEntryBytes) {
    throw new RangeError(`SharedBans: an entry must not take more than ${mostEntryBytes} bytes of JSON`);
  }
  return text;
}

/** The entry, or `undefined` for what is none. */
export function readEntry(text: string): ListEntryInput | undefined {
  if (Buffer.byteLength(text) > mostEntryBytes) return undefined;
  const entry = parsed(text);
  if (!isRecord(entry)) return undefined;
  const { action, reason, source, expiresAt, evidence } = entry;
  if (action !== 'allow' && action !== 'block') return undefined;
  if (typeof reason !== 'string' || typeof source !== 'string') return undefined;
  if (expiresAt !== undefined && !(typeof expiresAt === 'number' && Number.isFinite(expiresAt))) return undefined;
  if (evidence !== undefined && !isJsonObject(evidence)) return undefined;
  return { action, reason, source, expiresAt, evidence };
}

/** The change, or `undefined` for what is none. */
export function readChange(payload: Buffer): BanChange | undefined {
  if (payload.length > mostEntryBytes + 1_024) return undefined;
  const [epoch = '', version = '', key = '', ...entry] = payload.toString().split('\n', 5);
  if (entry.length !== 1 || !isBanKey(key)) return undefined;
  const number = Number(version);
  if (!Number.isSafeInteger(number) || number < 1) return undefined;
  return { epoch, version: number, key, entry: entry[0] ?? '' };
}

/** Whether a prefix or pattern can be shared: not empty, not too long, in one line. */
export function isBanKey(key: string): boolean {
  return key.length > 0 && key.length <= longestKey && !key.includes('\n');
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Of what JSON.parse gives, every object is one. */
function isJsonObject(value: unknown): value is JsonObject {
  return isRecord(value);
}
