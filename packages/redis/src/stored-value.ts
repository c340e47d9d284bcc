/*
 * A remembered value in Redis: when it runs out by its writer's clock, as a double (0: when its key does), and the bytes.
 */
const headerBytes = 8;

export function storeValue(value: Uint8Array, expiresAt: number): Buffer {
  const stored = Buffer.allocUnsafe(headerBytes + value.length);
  stored.writeDoubleLE(expiresAt, 0);
  stored.set(value, headerBytes);
  return stored;
}

/** The bytes, in memory of their own: a client's buffer may be part of a larger one. */
export function readValue(stored: unknown, now: number): Uint8Array | undefined {
  if (!Buffer.isBuffer(stored) || stored.length < headerBytes) return undefined;
  const expiresAt = stored.readDoubleLE(0);
  if (expiresAt !== 0 && !(expiresAt > now)) return undefined;
  return new Uint8Array(stored.subarray(headerBytes));
}
