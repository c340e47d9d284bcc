import { describe, expect, it } from 'vitest';
import { isStore } from './is-store.ts';
import { MemoryStore } from './memory-store.ts';

describe('isStore', () => {
  it('knows a store', () => {
    expect(isStore(new MemoryStore())).toBe(true);
  });

  it.each([undefined, null, 'redis', {}, () => {}, { charge() {}, acquire() {} }])('is not taken in by %o', (value) => {
    expect(isStore(value)).toBe(false);
  });
});
