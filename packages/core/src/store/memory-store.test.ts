import { FakeClock } from '@postern/testing';
import fc from 'fast-check';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { MemoryStore } from './memory-store.ts';
import type { RateCharge, WindowCharge } from './store.ts';

function gcra(key: string, values: Partial<RateCharge> = {}): RateCharge {
  return { algorithm: 'gcra', key, cost: 1, count: 1, perMs: 1_000, burst: 2, ...values };
}

function fixed(key: string, values: Partial<WindowCharge> = {}): WindowCharge {
  return { algorithm: 'fixed', key, cost: 1, count: 2, perMs: 60_000, ...values };
}

describe('MemoryStore', () => {
  describe('charges', () => {
    it('makes all or none', () => {
      const store = new MemoryStore({ clock: new FakeClock() });
      store.charge([gcra('narrow', { cost: 2 })]);
      const refused = store.charge([fixed('wide'), gcra('narrow')]);
      expect(refused).toEqual({
        allowed: false,
        states: [
          { key: 'wide', remaining: 2, retryAfterMs: 0 },
          { key: 'narrow', remaining: 0, retryAfterMs: 1_000 },
        ],
      });
      expect(store.charge([fixed('wide', { cost: 2 })]).allowed).toBe(true);
    });

    it('counts a key that stands twice in one call twice', () => {
      const store = new MemoryStore({ clock: new FakeClock() });
      expect(store.charge([gcra('a'), gcra('a'), gcra('a')])).toEqual({
        allowed: false,
        states: [
          { key: 'a', remaining: 2, retryAfterMs: 0 },
          { key: 'a', remaining: 2, retryAfterMs: 0 },
          { key: 'a', remaining: 2, retryAfterMs: 1_000 },
        ],
      });
      expect(store.charge([gcra('a'), gcra('a')])).toEqual({
        allowed: true,
        states: [
          { key: 'a', remaining: 0, retryAfterMs: 0 },
          { key: 'a', remaining: 0, retryAfterMs: 0 },
        ],
      });
    });

    it('keeps the algorithms of one key apart', () => {
      const store = new MemoryStore({ clock: new FakeClock() });
      store.charge([gcra('a', { cost: 2 })]);
      expect(store.charge([fixed('a', { cost: 2 })]).allowed).toBe(true);
      store.reset(['a']);
      expect(store.charge([gcra('a', { cost: 2 }), fixed('a', { cost: 2 })]).allowed).toBe(true);
    });

    it('asks without charging at cost 0', () => {
      const store = new MemoryStore({ clock: new FakeClock() });
      store.charge([gcra('a', { cost: 2 })]);
      expect(store.charge([gcra('a', { cost: 0 })])).toEqual({
        allowed: true,
        states: [{ key: 'a', remaining: 0, retryAfterMs: 0 }],
      });
    });

    it('refunds as far as there is something to take back', () => {
      const store = new MemoryStore({ clock: new FakeClock() });
      store.charge([gcra('a', { cost: 2 }), fixed('b')]);
      store.refund([gcra('a'), fixed('b', { cost: 5 }), gcra('never charged')]);
      expect(store.charge([gcra('a', { cost: 0 }), fixed('b', { cost: 0 })]).states).toEqual([
        { key: 'a', remaining: 1, retryAfterMs: 0 },
        { key: 'b', remaining: 2, retryAfterMs: 0 },
      ]);
      store.refund([gcra('a'), gcra('a'), gcra('a')]);
      expect(store.charge([gcra('a', { cost: 3, burst: 3 })]).allowed).toBe(true);
    });

    it('charges nothing for no charges', () => {
      expect(new MemoryStore().charge([])).toEqual({ allowed: true, states: [] });
    });

    it.each([
      ['cost', { cost: -1 }],
      ['cost', { cost: Number.NaN }],
      ['cost', { cost: Number.POSITIVE_INFINITY }],
      ['count', { count: 0 }],
      ['count', { count: Number.NaN }],
      ['perMs', { perMs: 0 }],
      ['perMs', { perMs: Number.POSITIVE_INFINITY }],
      ['burst', { burst: 0 }],
      ['burst', { burst: Number.NaN }],
    ])('throws a RangeError at a wrong %s and charges nothing: %j', (name, values) => {
      const store = new MemoryStore({ clock: new FakeClock() });
      expect(() => store.charge([gcra('a', { cost: 2 }), gcra('b', values)])).toThrow(RangeError);
      expect(() => store.refund([gcra('b', values)])).toThrow(name);
      expect(store.charge([gcra('a', { cost: 2 })]).allowed).toBe(true);
    });

    it('agrees with one count per key on what goes through, whatever the calls', () => {
      const charge = fc.record({ key: fc.constantFrom('a', 'b', 'c'), cost: fc.nat(3) });
      const call = fc.record({ charges: fc.array(charge, { maxLength: 5 }), afterMs: fc.nat(90_000) });
      fc.assert(
        fc.property(fc.array(call, { maxLength: 30 }), (list) => {
          const clock = new FakeClock(0);
          const store = new MemoryStore({ clock });
          let spent = new Map<string, number>();
          let window = 0;
          for (const { charges, afterMs } of list) {
            clock.advance(afterMs);
            if (Math.floor(clock.now() / 60_000) !== window) spent = new Map();
            window = Math.floor(clock.now() / 60_000);
            const after = new Map(spent);
            for (const { key, cost } of charges) after.set(key, (after.get(key) ?? 0) + cost);
            const fits = charges.every(({ key }) => (after.get(key) ?? 0) <= 5 || after.get(key) === spent.get(key));
            const result = store.charge(charges.map(({ key, cost }) => fixed(key, { cost, count: 5 })));
            expect(result.allowed).toBe(fits);
            if (fits) spent = after;
            for (const { key, remaining } of result.states) expect(remaining).toBe(5 - (spent.get(key) ?? 0));
          }
        }),
      );
    });
  });

  describe('values', () => {
    it('remembers for a while, and hands out copies', () => {
      const clock = new FakeClock();
      const store = new MemoryStore({ clock });
      const value = Buffer.from('one');
      store.remember('a', value, 1_000);
      value.fill(0);
      const [first] = store.recall(['a']);
      expect(first).toEqual(new Uint8Array(Buffer.from('one')));
      first?.fill(0);
      expect(store.recall(['b', 'a', 'a'])).toEqual([undefined, ...Array(2).fill(new Uint8Array(Buffer.from('one')))]);
      clock.advance(1_000);
      expect(store.recall(['a'])).toEqual([undefined]);
    });

    it('replaces and forgets', () => {
      const store = new MemoryStore({ clock: new FakeClock() });
      store.remember('a', new Uint8Array([1]), 1_000);
      store.remember('a', new Uint8Array([2]), 1_000);
      expect(store.recall(['a'])).toEqual([new Uint8Array([2])]);
      store.forget('a');
      store.forget('a');
      expect(store.recall(['a'])).toEqual([undefined]);
    });

    it('keeps within maxBytes and refuses what can never fit', () => {
      const store = new MemoryStore({ clock: new FakeClock(), maxBytes: 1_000 });
      for (let index = 0; index < 100; index++) store.remember(`key ${index}`, new Uint8Array(100), 1_000 + index);
      const kept = store
        .recall(Array.from({ length: 100 }, (_, index) => `key ${index}`))
        .filter((each) => each !== undefined);
      expect(kept.length).toBe(8);
      expect(() => store.remember('a', new Uint8Array(999), 1_000)).toThrow(RangeError);
    });

    it('throws a RangeError at a time to live that is none', () => {
      const store = new MemoryStore();
      for (const ttlMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => store.remember('a', new Uint8Array(1), ttlMs)).toThrow(RangeError);
      }
    });
  });

  describe('slots', () => {
    it('runs by the clock', () => {
      const clock = new FakeClock();
      const store = new MemoryStore({ clock });
      const result = store.acquire([{ key: 'a', limit: 1 }], 1_000);
      if (!result.granted) throw new Error('not granted');
      expect(store.acquire([{ key: 'a', limit: 1 }], 1_000)).toEqual({ granted: false, key: 'a', held: 1 });
      clock.advance(500);
      expect(store.renew(result.lease, 1_000)).toBe(true);
      clock.advance(999);
      expect(store.acquire([{ key: 'a', limit: 1 }], 1_000).granted).toBe(false);
      store.release(result.lease);
      expect(store.acquire([{ key: 'a', limit: 1 }], 1_000).granted).toBe(true);
      expect(store.renew(result.lease, 1_000)).toBe(false);
    });

    it('throws a RangeError at misuse', () => {
      const store = new MemoryStore();
      for (const limit of [-1, Number.NaN, 1.5, Number.POSITIVE_INFINITY]) {
        expect(() => store.acquire([{ key: 'a', limit }], 1_000)).toThrow(RangeError);
      }
      for (const leaseMs of [0, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => store.acquire([{ key: 'a', limit: 1 }], leaseMs)).toThrow(RangeError);
        expect(() => store.renew({ id: 'x', keys: [] }, leaseMs)).toThrow(RangeError);
      }
    });
  });

  describe('topics', () => {
    const warnings = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    afterEach(() => warnings.mockClear());

    it('hands a copy to each present subscriber, after publish has returned', async () => {
      const store = new MemoryStore();
      const heard: string[] = [];
      const listen = (name: string) => (payload: Uint8Array) => {
        heard.push(`${name} ${Buffer.from(payload).toString()}`);
        payload.fill(0);
      };
      store.subscribe('t', listen('one'));
      const unsubscribe = store.subscribe('t', listen('two'));
      store.subscribe('other', listen('three'));
      const payload = Buffer.from('a');
      store.publish('t', payload);
      payload.fill(0);
      expect(heard).toEqual([]);
      await Promise.resolve();
      expect(heard).toEqual(['one a', 'two a']);
      await unsubscribe();
      await unsubscribe();
      store.publish('t', Buffer.from('b'));
      await Promise.resolve();
      expect(heard).toEqual(['one a', 'two a', 'one b']);
    });

    it('calls no listener that has gone since the publication, and none that came after it', async () => {
      const store = new MemoryStore();
      const heard: string[] = [];
      const unsubscribe = store.subscribe('t', () => heard.push('gone'));
      store.publish('t', new Uint8Array(0));
      await unsubscribe();
      store.subscribe('t', () => heard.push('late'));
      await Promise.resolve();
      expect(heard).toEqual([]);
      store.publish('t', new Uint8Array(0));
      await Promise.resolve();
      expect(heard).toEqual(['late']);
    });

    it('calls a listener that is subscribed twice twice, until both have ended', async () => {
      const store = new MemoryStore();
      let count = 0;
      const listener = (): void => {
        count++;
      };
      const first = store.subscribe('t', listener);
      store.subscribe('t', listener);
      store.publish('t', new Uint8Array(0));
      await Promise.resolve();
      expect(count).toBe(2);
      await first();
      store.publish('t', new Uint8Array(0));
      await Promise.resolve();
      expect(count).toBe(3);
    });

    it('turns a listener that throws or rejects into a warning and goes on', async () => {
      const store = new MemoryStore();
      let heard = 0;
      store.subscribe('t', () => {
        throw new Error('broken');
      });
      store.subscribe('t', async () => {
        throw 'broken as well';
      });
      store.subscribe('t', () => {
        heard++;
      });
      expect(() => store.publish('t', new Uint8Array(0))).not.toThrow();
      await new Promise((resolve) => setImmediate(resolve));
      expect(heard).toBe(1);
      expect(warnings.mock.calls.map(([message]) => message)).toEqual([
        'A listener of the topic "t" failed.',
        'A listener of the topic "t" failed.',
      ]);
    });
  });

  it('stays within maxKeys under a flood, and remembers who is at his limit', () => {
    const store = new MemoryStore({ clock: new FakeClock(), maxKeys: 1_000 });
    const limit = { count: 10, perMs: 60_000, burst: 10 };
    store.charge([gcra('guesser', { ...limit, cost: 10 })]);
    for (let index = 0; index < 20_000; index++) store.charge([gcra(`flood ${index}`, limit)]);
    expect(store.charge([gcra('guesser', limit)]).allowed).toBe(false);
  });

  it('checks its options', () => {
    expect(() => new MemoryStore({ maxKeys: 0 })).toThrow(RangeError);
    expect(() => new MemoryStore({ maxBytes: Number.NaN })).toThrow(RangeError);
    // @ts-expect-error: not a clock
    expect(() => new MemoryStore({ clock: Date.now })).toThrow(TypeError);
    // @ts-expect-error: not an option
    expect(() => new MemoryStore({ maxkeys: 1 })).toThrow(TypeError);
  });
});
