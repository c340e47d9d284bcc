import type { MethodResult } from './authentication-results.ts';

/**
 * Whether a value, of which nothing is known, is a method result that can be written. The words are `Keyword` of
 * RFC 5321 §4.1.2, as RFC 8601 §2.2 has it: letters, digits and hyphens, with no hyphen at the end; underscores as well,
 * which are in use. At most 63 characters. Which words mean something is for the method to know. Values and reasons may be any string: they are made safe when they are written.
 */
export function isMethodResult(value: unknown): value is MethodResult {
  if (typeof value !== 'object' || value === null) return false;
  if (!('method' in value && isKeyword(value.method) && 'result' in value && isKeyword(value.result))) return false;
  if ('version' in value && value.version !== undefined && !isVersion(value.version)) return false;
  if ('reason' in value && value.reason !== undefined && typeof value.reason !== 'string') return false;
  if (!('properties' in value) || value.properties === undefined) return true;
  return Array.isArray(value.properties) && value.properties.every(isResultProperty);
}

function isResultProperty(value: unknown): boolean {
  if (typeof value !== 'object' || value === null) return false;
  return (
    'ptype' in value &&
    isKeyword(value.ptype) &&
    'property' in value &&
    isKeyword(value.property) &&
    'value' in value &&
    typeof value.value === 'string'
  );
}

function isKeyword(value: unknown): boolean {
  if (typeof value !== 'string' || value.length === 0 || value.length > 63 || value.endsWith('-')) return false;
  return !/[^A-Za-z0-9_-]/.test(value);
}

function isVersion(value: unknown): boolean {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
