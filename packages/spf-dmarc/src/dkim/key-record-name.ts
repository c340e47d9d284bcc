import { toDnsName } from '@postern/core';

/**
 * Where a key record stands (RFC 6376 §3.6.2.1): `selector._domainkey.domain`, in lower case. `undefined` when the selector
 * is none, or the name longer than the DNS allows.
 *
 * A selector is labels with dots between them (RFC 6376 §3.1). Underscores are no part of its grammar, and stand in those
 * of today.
 *
 * @param domain - as core's `toAsciiDomain` gives it
 */
export function keyRecordName(selector: string, domain: string): string | undefined {
  const labels = selector.split('.');
  if (!labels.every((label) => /^[A-Za-z0-9_](?:[A-Za-z0-9_-]*[A-Za-z0-9_])?$/.test(label))) return undefined;
  return toDnsName(`${selector}._domainkey.${domain}`);
}
