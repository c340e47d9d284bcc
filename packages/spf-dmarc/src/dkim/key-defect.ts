import type { ReadKey } from './dkim-key-cache.ts';
import { allowsHash, isForEmail } from './dkim-key-record.ts';
import type { SignatureFault, SignatureTags } from './signature-tags.ts';

const reasons = {
  revoked: 'key-revoked',
  unreadable: 'key-syntax',
  'too-large': 'key-size',
  unusable: 'key-unusable',
} as const;

/** Why the key is none for this signature (RFC 6376 §6.1.2); `undefined` when it is one. */
export function keyDefect(read: ReadKey, { algorithm, sameDomain }: SignatureTags): SignatureFault | undefined {
  if (!read.ok) return { reason: 'key-syntax', detail: `The key record cannot be read: ${read.detail}.` };
  const { record, key } = read;
  if (!isForEmail(record)) return { reason: 'key-restricted', detail: 'The key is not for mail (s=).' };
  if (!allowsHash(record, 'sha256')) return { reason: 'key-restricted', detail: 'The key is not for SHA-256 (h=).' };
  if (record.strict && !sameDomain) {
    return { reason: 'key-restricted', detail: 'The key is not for subdomains (t=s), and i= is in one.' };
  }
  if (!key.ok && key.fault === 'revoked') return { reason: 'key-revoked', detail: 'The key has been revoked.' };
  if (record.keyType !== (algorithm === 'rsa-sha256' ? 'rsa' : 'ed25519')) {
    return { reason: 'key-type', detail: `The key is of type ${record.keyType}, the signature is ${algorithm}.` };
  }
  if (key.ok) return undefined;
  return { reason: reasons[key.fault], detail: `The key is no use: ${key.detail}.` };
}
