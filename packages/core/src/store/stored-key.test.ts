import { describe, expect, it } from 'vitest';
import { storedKey } from './stored-key.ts';

describe('storedKey', () => {
  it('keeps a short key as it is', () => {
    expect(storedKey('client:192.0.2.1')).toBe('client:192.0.2.1');
    expect(storedKey('x'.repeat(256))).toBe('x'.repeat(256));
    expect(storedKey('')).toBe('');
  });

  it('keeps a long one as something short of its own', () => {
    const one = storedKey(`${'x'.repeat(10_000)}1`);
    expect(one.length).toBeLessThan(64);
    expect(one).not.toBe(storedKey(`${'x'.repeat(10_000)}2`));
    expect(one).toBe(storedKey(`${'x'.repeat(10_000)}1`));
  });

  it('lets no key pretend to be another', () => {
    const hashed = storedKey('x'.repeat(257));
    expect(storedKey(hashed)).not.toBe(hashed);
  });
});
