import { describe, expect, it } from 'vitest';
import type { IpListEntry } from './ip-list-entry.ts';
import { RecentEntries } from './recent-entries.ts';

function entry(prefix: string): IpListEntry {
  return { prefix, action: 'block', reason: '', source: '', expiresAt: undefined, evidence: undefined };
}

describe('RecentEntries', () => {
  it('has what was kept last for a key, frozen, and 4,096 keys at most', () => {
    const recent = new RecentEntries();
    expect(recent.get(0)).toBeUndefined();
    const first = recent.keep(0, entry('192.0.2.0/24'));
    expect(recent.get(0)).toBe(first);
    expect(Object.isFrozen(first)).toBe(true);
    expect(recent.get(4_096)).toBeUndefined();
    const second = recent.keep(4_096, entry('198.51.100.0/24'));
    expect(recent.get(4_096)).toBe(second);
    expect(recent.get(0)).toBeUndefined();
    recent.clear();
    expect(recent.get(4_096)).toBeUndefined();
  });
});
