import { createHash } from 'node:crypto';

const longestKey = 256;

/**
 * A key as a memory store keeps it, of bounded length: a key of more than 256 characters is kept as its SHA-256, behind a
 * NUL. Keys carry what clients send, and a user name in an AUTH command may have thousands of characters. A key that itself
 * begins with NUL is hashed as well, so that no key can pretend to be the hash of another.
 */
export function storedKey(key: string): string {
  if (key.length <= longestKey && key.charCodeAt(0) !== 0) return key;
  return `\0${createHash('sha256').update(key).digest('base64url')}`;
}
