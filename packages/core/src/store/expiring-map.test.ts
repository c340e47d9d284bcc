import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ExpiringMap } from './expiring-map.ts';

interface Entry {
  readonly expiresAt: number;
  readonly size?: number;
}

describe('ExpiringMap', () => {
  it('forgets what has expired', () => {
    const map = new ExpiringMap<Entry>({ maxKeys: 10 });
    map.set('a', { expiresAt: 100 }, 0);
    expect(map.get('a', 99)).toEqual({ expiresAt: 100 });
    expect(map.get('a', 100)).toBeUndefined();
    expect(map.size).toBe(0);
  });

  it('does not keep what has expired already, and forgets what it replaces', () => {
    const map = new ExpiringMap<Entry>({ maxKeys: 10 });
    map.set('a', { expiresAt: 100 }, 0);
    map.set('a', { expiresAt: 50 }, 50);
    expect(map.get('a', 50)).toBeUndefined();
  });

  it('drops expired entries while others are written, with no timer and no call for them', () => {
    const map = new ExpiringMap<Entry>({ maxKeys: 1_000_000 });
    for (let index = 0; index < 10_000; index++) map.set(`old ${index}`, { expiresAt: 100 }, 0);
    for (let index = 0; index < 10_000; index++) map.set(`new ${index}`, { expiresAt: 1_000 }, 200);
    expect(map.size).toBe(10_000);
  });

  it('gives up what expires soonest of those it looks at', () => {
    const map = new ExpiringMap<Entry>({ maxKeys: 8 });
    for (let index = 0; index < 8; index++) map.set(`${index}`, { expiresAt: 1_000 + index }, 0);
    map.set('new', { expiresAt: 2_000 }, 0);
    expect(map.get('0', 0)).toBeUndefined();
    for (let index = 1; index < 8; index++) expect(map.get(`${index}`, 0)).toBeDefined();
    expect(map.get('new', 0)).toBeDefined();
  });

  it('takes an expired entry before any live one', () => {
    const map = new ExpiringMap<Entry>({ maxKeys: 3 });
    map.set('live', { expiresAt: 200 }, 0);
    map.set('dead', { expiresAt: 100 }, 0);
    map.set('live too', { expiresAt: 200 }, 0);
    map.set('new', { expiresAt: 1_000 }, 150);
    expect(map.get('live', 150)).toBeDefined();
    expect(map.get('live too', 150)).toBeDefined();
  });

  it('keeps the longest of a flood of short ones', () => {
    const map = new ExpiringMap<Entry>({ maxKeys: 100 });
    for (let index = 0; index < 10; index++) map.set(`long ${index}`, { expiresAt: 1_000_000 }, 0);
    for (let index = 0; index < 100_000; index++) map.set(`flood ${index}`, { expiresAt: 1_000 }, 0);
    expect(map.size).toBe(100);
    for (let index = 0; index < 10; index++) expect(map.get(`long ${index}`, 0)).toBeDefined();
  });

  it('does not keep a value larger than itself', () => {
    const map = new ExpiringMap<Entry>({ maxKeys: 10, maxBytes: 10, bytesOf: (_, { size = 0 }) => size });
    map.set('a', { expiresAt: 100, size: 5 }, 0);
    map.set('a', { expiresAt: 100, size: 11 }, 0);
    expect(map.get('a', 0)).toBeUndefined();
  });

  it('stays within its bounds and never gives an expired or a wrong value', () => {
    const call = fc.record({
      key: fc.nat(30),
      action: fc.constantFrom('set', 'get', 'delete'),
      ttl: fc.nat(50),
      size: fc.nat(40),
      afterMs: fc.nat(10),
    });
    const bounds = fc.record({ maxKeys: fc.integer({ min: 1, max: 12 }), maxBytes: fc.integer({ min: 1, max: 100 }) });
    fc.assert(
      fc.property(bounds, fc.array(call, { maxLength: 200 }), ({ maxKeys, maxBytes }, list) => {
        const map = new ExpiringMap<Entry>({ maxKeys, maxBytes, bytesOf: (_, { size = 0 }) => size });
        const model = new Map<number, Entry>();
        let now = 0;
        for (const { key, action, ttl, size, afterMs } of list) {
          now += afterMs;
          if (action === 'set') {
            const value = { expiresAt: now + ttl, size };
            map.set(`${key}`, value, now);
            if (ttl > 0 && size <= maxBytes) model.set(key, value);
            else model.delete(key);
            // What was written last is there.
            expect(map.get(`${key}`, now)).toBe(model.get(key));
          } else if (action === 'delete') {
            map.delete(`${key}`);
            model.delete(key);
          }
          const value = map.get(`${key}`, now);
          if (value !== undefined) {
            expect(value).toBe(model.get(key));
            expect(value.expiresAt).toBeGreaterThan(now);
          }
          expect(map.size).toBeLessThanOrEqual(maxKeys);
          let bytes = 0;
          for (const each of model.keys()) bytes += map.get(`${each}`, now)?.size ?? 0;
          expect(bytes).toBeLessThanOrEqual(maxBytes);
        }
      }),
    );
  });
});
