import { MemoryStore, parseIp, type Store } from '@postern/core';
import { FakeClock } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { KnownClients } from './known-clients.ts';
import { delegatingStore } from './test-store.ts';

function ip(text: string): NonNullable<ReturnType<typeof parseIp>> {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new Error('unreachable');
  return parsed;
}

function failing(fail: () => never | Promise<never>): Store {
  return { ...delegatingStore(new MemoryStore()), remember: fail, recall: fail };
}

describe('KnownClients', () => {
  it('knows a client for a week, an IPv6 client by its /64', () => {
    const clock = new FakeClock();
    const known = new KnownClients(new MemoryStore({ clock }), 'x.');
    known.remember(ip('2001:db8::1'));
    clock.advance(604_799_999);
    expect(known.has(ip('2001:db8::2'))).toBe(true);
    expect(known.has(ip('2001:db8:0:1::1'))).toBe(false);
    clock.advance(1);
    expect(known.has(ip('2001:db8::1'))).toBe(false);
  });

  it.each<[string, () => never | Promise<never>]>([
    ['rejects', () => Promise.reject(new Error('down'))],
    [
      'throws',
      () => {
        throw new Error('down');
      },
    ],
  ])('knows nobody while the store %s', async (_, fail) => {
    const known = new KnownClients(failing(fail), 'x.');
    known.remember(ip('192.0.2.1'));
    expect(await known.has(ip('192.0.2.1'))).toBe(false);
  });
});
