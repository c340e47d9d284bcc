import type { JsonObject } from '@postern/core';
import type { ListEntry } from './list-entry.ts';

/** Evidence that is nested deeper than this is refused: no check writes such, and a cycle has no end. */
const DEEPEST = 16;

/**
 * Reads an entry that may come from JavaScript, a configuration file or a journal, puts in the defaults, and freezes it.
 * `evidence` is kept as it is, not copied; `prefix` and `pattern`, which a list adds to what it gives back, are left out.
 *
 * @param owner - the call whose argument it is, as errors are to begin: `IpList.add`
 * @param input - a `ListEntryInput`, or `undefined` for all defaults
 * @throws TypeError that names the property: of the wrong type, or none that an entry has
 */
export function readListEntry(owner: string, input: unknown): ListEntry {
  if (input === undefined) return plainBlock;
  if (!isRecord(input)) throw new TypeError(`${owner}: an entry must be an object`);
  const strange = strangeName(input);
  if (strange !== undefined) {
    throw new TypeError(`${owner}: an entry has no property ${JSON.stringify(strange.slice(0, 60))}`);
  }
  const { action = 'block', reason = '', source = '', expiresAt, evidence } = input;
  if (action !== 'allow' && action !== 'block') throw fault(owner, 'action', '"allow" or "block"');
  if (typeof reason !== 'string') throw fault(owner, 'reason', 'a string');
  if (typeof source !== 'string') throw fault(owner, 'source', 'a string');
  if (expiresAt !== undefined && !isTime(expiresAt)) {
    throw fault(owner, 'expiresAt', 'a finite number of milliseconds since the epoch');
  }
  if (evidence !== undefined && !isJsonObject(evidence)) {
    throw fault(owner, 'evidence', `an object of plain JSON, nested at most ${DEEPEST} deep`);
  }
  return Object.freeze({ action, reason, source, expiresAt, evidence });
}

const plainBlock: ListEntry = Object.freeze({
  action: 'block',
  reason: '',
  source: '',
  expiresAt: undefined,
  evidence: undefined,
});

/** The first property that no entry has: a misspelt one must not be silently without effect. */
export function strangeName(input: object): string | undefined {
  for (const name in input) {
    if (!Object.hasOwn(plainBlock, name) && name !== 'prefix' && name !== 'pattern') return name;
  }
  return undefined;
}

function fault(owner: string, name: string, takes: string): TypeError {
  return new TypeError(`${owner}: ${JSON.stringify(name)} of an entry must be ${takes}`);
}

function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isJsonObject(value: unknown): value is JsonObject {
  return isRecord(value) && Object.values(value).every((each) => each === undefined || isJson(each, DEEPEST - 1));
}

function isJson(value: unknown, depth: number): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true;
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object' || depth === 0) return false;
  if (Array.isArray(value)) return value.every((each) => isJson(each, depth - 1));
  // A Date, a Map or a Buffer would be something else after it was written and read again.
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null) return false;
  return Object.values(value).every((each) => each === undefined || isJson(each, depth - 1));
}
