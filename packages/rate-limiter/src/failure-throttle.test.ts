import { MemoryStore, type Store } from '@postern/core';
import { FakeClock } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import type { BanTarget } from './failure-ban.ts';
import {
  type AllowedAttempt,
  type FailedAttempt,
  type FailureSubject,
  FailureThrottle,
  type FailureThrottleOptions,
  type RefusedAttempt,
} from './failure-throttle.ts';
import { delegatingStore } from './test-store.ts';

const ANN = { client: '192.0.2.1', user: 'ann@example.org' };
const DAY_MS = 86_400_000;

/** A throttle whose time a test moves. */
function scene(options: FailureThrottleOptions = {}): { clock: FakeClock; throttle: FailureThrottle } {
  const clock = new FakeClock();
  return { clock, throttle: new FailureThrottle({ clock, ...options }) };
}

async function allowed(throttle: FailureThrottle, subject: FailureSubject): Promise<AllowedAttempt> {
  const attempt = await throttle.check(subject);
  if (!attempt.allowed) throw new Error(`refused by ${attempt.reason} for ${attempt.retryAfterMs}`);
  return attempt;
}

async function refused(throttle: FailureThrottle, subject: FailureSubject): Promise<RefusedAttempt> {
  const attempt = await throttle.check(subject);
  if (attempt.allowed) throw new Error('allowed');
  return attempt;
}

async function fail(throttle: FailureThrottle, subject: FailureSubject): Promise<FailedAttempt> {
  return (await allowed(throttle, subject)).fail();
}

describe('FailureThrottle', () => {
  it('lets some failures pass, then doubles the delay from one to the next, up to the longest', async () => {
    const { clock, throttle } = scene({ pairFailures: 3, baseDelayMs: 1_000, maxDelayMs: 8_000 });
    const delays: number[] = [];
    for (let count = 0; count < 8; count += 1) {
      const { retryAfterMs } = await fail(throttle, ANN);
      delays.push(retryAfterMs);
      if (retryAfterMs === 0) continue;
      clock.advance(retryAfterMs - 1);
      expect(await refused(throttle, ANN)).toEqual({ allowed: false, reason: 'pair', retryAfterMs: 1, banned: false });
      clock.advance(1);
    }
    expect(delays).toEqual([0, 0, 1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
  });

  it('forgets', async () => {
    const { clock, throttle } = scene({ pairFailures: 3, decayMs: 60_000, maxDelayMs: 4_000 });
    for (let count = 0; count < 3; count += 1) await fail(throttle, ANN);
    await refused(throttle, ANN);
    clock.advance(60_000);
    expect((await fail(throttle, ANN)).retryAfterMs).toBe(1_000);
    clock.advance(10 * 60_000);
    for (const retryAfterMs of [0, 0, 1_000])
      expect(await fail(throttle, ANN)).toEqual({ retryAfterMs, banned: false });
  });

  it('forgets within a time that the number of failures does not lengthen', async () => {
    const { clock, throttle } = scene({ pairFailures: 2, decayMs: 60_000, maxDelayMs: 4_000 });
    for (let count = 0; count < 200; count += 1) {
      await fail(throttle, ANN);
      clock.advance(4_000);
    }
    clock.advance(4 * 60_000);
    expect((await fail(throttle, ANN)).retryAfterMs).toBe(0);
  });

  it('counts a client over all accounts', async () => {
    const { throttle } = scene({ clientFailures: 4 });
    for (let count = 0; count < 4; count += 1) await fail(throttle, { client: '2001:db8::1', user: `u${count}` });
    expect(await refused(throttle, { client: '2001:db8::2', user: 'u9' })).toMatchObject({ reason: 'client' });
    await fail(throttle, { client: '2001:db8:0:1::1', user: 'u9' });
  });

  it('counts bad commands of a client that names no account', async () => {
    const { throttle } = scene({ clientFailures: 2 });
    await fail(throttle, { client: '192.0.2.1' });
    await fail(throttle, { client: '192.0.2.1' });
    expect(await refused(throttle, { client: '192.0.2.1' })).toMatchObject({ reason: 'client', retryAfterMs: 1_000 });
  });

  it('counts an account over all clients, however its name is written', async () => {
    const { throttle } = scene({ accountFailures: 3 });
    const spellings = ['ann', 'ANN', 'ａｎｎ'];
    for (const [index, user] of spellings.entries()) await fail(throttle, { client: `192.0.2.${index}`, user });
    expect(await refused(throttle, { client: '203.0.113.1', user: 'Ann' })).toMatchObject({ reason: 'account' });
    await fail(throttle, { client: '203.0.113.1', user: 'bob' });
  });

  it('lets the owner in while his account is attacked, from where he has logged in before', async () => {
    const { clock, throttle } = scene({ accountFailures: 5 });
    await (await allowed(throttle, ANN)).succeed();
    for (let day = 0; day < 29; day += 1) {
      for (let count = 0; count < 50; count += 1) {
        const attempt = await throttle.check({ client: `203.0.113.${count}`, user: ANN.user });
        if (attempt.allowed) await attempt.fail();
      }
      expect(await refused(throttle, { client: '198.51.100.1', user: ANN.user })).toMatchObject({ reason: 'account' });
      clock.advance(DAY_MS);
    }
    for (let count = 0; count < 10; count += 1) {
      await throttle.check({ client: `203.0.113.${count}`, user: ANN.user });
    }
    await allowed(throttle, ANN);
    // After 30 days it is a stranger again.
    clock.advance(2 * DAY_MS);
    for (let count = 0; count < 10; count += 1) {
      await throttle.check({ client: `203.0.113.${count}`, user: ANN.user });
    }
    expect(await refused(throttle, ANN)).toMatchObject({ reason: 'account' });
  });

  it('exempts the owner from what others fail, and not from what he fails himself', async () => {
    const { throttle } = scene({ pairFailures: 3 });
    await (await allowed(throttle, ANN)).succeed();
    for (let count = 0; count < 3; count += 1) await fail(throttle, ANN);
    expect(await refused(throttle, ANN)).toMatchObject({ reason: 'pair' });
  });

  it('lets the owner in at a clean address too, while clients that have failed attack his account', async () => {
    const { clock, throttle } = scene();
    for (let hour = 0; hour < 30; hour += 1) {
      for (let count = 0; count < 57; count += 1) {
        const attempt = await throttle.check({ client: `203.0.113.${count % 19}`, user: ANN.user });
        if (attempt.allowed) await attempt.fail();
      }
      expect(await refused(throttle, { client: '203.0.113.7', user: ANN.user })).toMatchObject({ reason: 'account' });
      await (await allowed(throttle, ANN)).cancel();
      clock.advance(3_600_000);
    }
  });

  it('takes a client for clean once, however many guesses it makes at once', async () => {
    const { clock, throttle } = scene({ accountFailures: 3, pairFailures: 10 });
    const guesses = await Promise.all(Array.from({ length: 50 }, () => throttle.check(ANN)));
    // One as a clean client, three with all others.
    expect(guesses.filter((attempt) => attempt.allowed)).toHaveLength(4);
    await allowed(throttle, { client: '198.51.100.1', user: ANN.user });
    clock.advance(12 * 3_600_000);
    const later = await Promise.all(Array.from({ length: 50 }, () => throttle.check(ANN)));
    expect(later.filter((attempt) => attempt.allowed)).toHaveLength(3);
  });

  it('bounds what clean clients may guess, however many there are', async () => {
    const { throttle } = scene({ accountFailures: 20 });
    let guesses = 0;
    for (let client = 0; client < 5_000; client += 1) {
      const attempt = await throttle.check({ client: `2001:db8:0:${client.toString(16)}::1`, user: ANN.user });
      if (!attempt.allowed) expect(attempt.reason).toBe('account');
      else guesses += 1;
    }
    expect(guesses).toBe(20);
  });

  it('takes no client for clean that has failed at another account', async () => {
    const { throttle } = scene({ accountFailures: 1 });
    await fail(throttle, { client: '203.0.113.1', user: 'bob' });
    await fail(throttle, { client: '203.0.113.1', user: ANN.user });
    await allowed(throttle, { client: '203.0.113.2', user: ANN.user });
    expect(await refused(throttle, { client: '203.0.113.1', user: ANN.user })).toMatchObject({ reason: 'account' });
  });

  it('starts the pair anew after a success, and gives an attacker with an account of his own nothing', async () => {
    const { throttle } = scene({ clientFailures: 6, pairFailures: 3 });
    await fail(throttle, ANN);
    await fail(throttle, ANN);
    await (await allowed(throttle, ANN)).succeed();
    await fail(throttle, ANN);
    await fail(throttle, ANN);
    // Two and two, and two more: logins to an account of his own do not pay for them.
    await (await allowed(throttle, { client: ANN.client, user: 'mallory' })).succeed();
    await fail(throttle, { client: ANN.client, user: 'bob' });
    await (await allowed(throttle, { client: ANN.client, user: 'mallory' })).succeed();
    await fail(throttle, { client: ANN.client, user: 'bob' });
    expect(await refused(throttle, { client: ANN.client, user: 'carol' })).toMatchObject({ reason: 'client' });
  });

  it('takes any number of right passwords at once and one after the other', async () => {
    const { throttle } = scene();
    for (let round = 0; round < 50; round += 1) {
      const attempts = await Promise.all([1, 2, 3, 4, 5].map(() => allowed(throttle, ANN)));
      await Promise.all(attempts.map((attempt) => attempt.succeed()));
    }
  });

  it('does not let guesses that are made at once slip through', async () => {
    const { clock, throttle } = scene({ clientFailures: 5, accountFailures: 5, pairFailures: 5 });
    const guesses = async (): Promise<number> => {
      const attempts = await Promise.all(Array.from({ length: 200 }, () => throttle.check(ANN)));
      return attempts.filter((attempt) => attempt.allowed).length;
    };
    expect(await guesses()).toBeLessThanOrEqual(5);
    clock.advance(1_000);
    expect(await guesses()).toBeLessThanOrEqual(1);
    clock.advance(2_000);
    expect(await guesses()).toBeLessThanOrEqual(1);
  });

  it('gives back what an attempt cost of which nobody knows how it would have ended', async () => {
    const { throttle } = scene({ pairFailures: 2 });
    for (let count = 0; count < 20; count += 1) await (await allowed(throttle, ANN)).cancel();
    // And did not take it for a login.
    for (const retryAfterMs of [0, 1_000]) expect((await fail(throttle, ANN)).retryAfterMs).toBe(retryAfterMs);
  });

  it('settles an attempt once', async () => {
    const { throttle } = scene({ pairFailures: 2 });
    await fail(throttle, ANN);
    const attempt = await allowed(throttle, ANN);
    await attempt.fail();
    await attempt.succeed();
    await attempt.cancel();
    await refused(throttle, ANN);
  });

  it('counts an attempt that nobody settles as failed', async () => {
    const { throttle } = scene({ pairFailures: 2 });
    await allowed(throttle, ANN);
    await allowed(throttle, ANN);
    await refused(throttle, ANN);
  });

  it('counts nobody in a trusted network as a client', async () => {
    const { throttle } = scene({ clientFailures: 1, pairFailures: 2 });
    const trusted = { client: '10.0.0.1', trusted: true };
    for (let count = 0; count < 10; count += 1) await fail(throttle, { ...trusted, user: `u${count}` });
    await fail(throttle, { ...trusted, user: 'u1' });
    expect(await refused(throttle, { ...trusted, user: 'u1' })).toMatchObject({ reason: 'pair' });
  });

  it('takes user names of any size for what they are worth', async () => {
    const keys = new Set<string>();
    const inner = new MemoryStore();
    const store: Store = {
      ...delegatingStore(inner),
      charge: (charges) => {
        for (const { key } of charges) keys.add(key);
        return inner.charge(charges);
      },
    };
    const { throttle } = scene({ store });
    await (await allowed(throttle, { client: '192.0.2.1', user: 'x'.repeat(1_000_000) })).fail();
    await (await allowed(throttle, { client: 'y'.repeat(1_000_000), user: `\0\r\n${'z'.repeat(900)}` })).fail();
    expect([...keys].every((key) => key.length < 150)).toBe(true);
    expect([...keys].join()).not.toContain('zz');
  });

  it('answers an abort at once, and takes back what it cost', async () => {
    let answer: () => void = () => {};
    const inner = new MemoryStore();
    const store: Store = {
      ...delegatingStore(inner),
      recall: (keys) =>
        new Promise((resolve) => {
          answer = () => resolve(inner.recall(keys));
        }),
    };
    const { throttle } = scene({ store, pairFailures: 1 });
    const controller = new AbortController();
    const attempt = throttle.check(ANN, { signal: controller.signal });
    controller.abort();
    expect(await attempt).toMatchObject({ allowed: false, reason: 'aborted' });
    answer();
    await new Promise((resolve) => void setImmediate(resolve));
    const next = throttle.check(ANN);
    answer();
    expect(await next).toMatchObject({ allowed: true });
    expect(await throttle.check(ANN, { signal: AbortSignal.abort() })).toMatchObject({ reason: 'aborted' });
  });

  it.each([0, 1, 2, 3])('leaves nothing charged when it is aborted after %d answers of the store', async (answers) => {
    const inner = new MemoryStore();
    const waiting: (() => void)[] = [];
    const later = <T>(answer: () => T): Promise<T> =>
      new Promise((resolve) => {
        waiting.push(() => resolve(answer()));
      });
    const store: Store = {
      ...delegatingStore(inner),
      recall: (keys) => later(() => inner.recall(keys)),
      charge: (charges) => later(() => inner.charge(charges)),
    };
    const turn = (): Promise<void> => new Promise((resolve) => void setImmediate(resolve));
    const slow = scene({ store, pairFailures: 1 });
    const controller = new AbortController();
    const removed = vi.spyOn(controller.signal, 'removeEventListener');
    const attempt = slow.throttle.check(ANN, { signal: controller.signal });
    for (let answer = 0; answer < answers; answer += 1) {
      waiting.shift()?.();
      await turn();
    }
    controller.abort();
    const outcome = await attempt;
    // All three questions were answered: it was faster than the abort.
    if (outcome.allowed) await outcome.cancel();
    else expect(outcome.reason).toBe('aborted');
    expect(outcome.allowed).toBe(answers === 3);
    while (waiting.length > 0) {
      waiting.shift()?.();
      await turn();
    }
    expect(removed).toHaveBeenCalledTimes(1);
    expect((await fail(scene({ store: inner, pairFailures: 1 }).throttle, ANN)).retryAfterMs).toBe(1_000);
  });

  it('counts over several machines, and by itself while they cannot be asked', async () => {
    const clock = new FakeClock();
    const inner = new MemoryStore({ clock });
    let down = false;
    const ask = <T>(answer: () => T): Promise<T> =>
      down ? Promise.reject(new Error('down')) : Promise.resolve(answer());
    const store: Store = {
      ...delegatingStore(inner),
      charge: (charges) => ask(() => inner.charge(charges)),
      recall: (keys) => ask(() => inner.recall(keys)),
      refund: (charges) => ask(() => inner.refund(charges)),
    };
    const [here, there] = [1, 2].map(() => new FailureThrottle({ store, clock, pairFailures: 2 }));
    if (here === undefined || there === undefined) throw new Error('unreachable');
    await fail(here, ANN);
    await fail(there, ANN);
    await refused(here, ANN);
    down = true;
    const attempt = await allowed(here, ANN);
    await fail(here, ANN);
    expect(await refused(here, ANN)).toMatchObject({ reason: 'pair' });
    await attempt.succeed();
    down = false;
    await refused(here, ANN);
  });

  it('never allows more guesses in any time than the delays say, in whatever order they come', async () => {
    const guess = fc.record({
      wait: fc.nat(3_000),
      client: fc.nat(2),
      user: fc.nat(1),
      parallel: fc.integer({ min: 1, max: 4 }),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(guess, { maxLength: 40 }), async (script) => {
        const free = 3;
        const { clock, throttle } = scene({
          clientFailures: free,
          accountFailures: free,
          pairFailures: free,
          maxDelayMs: 4_000,
          decayMs: 3_600_000,
        });
        const passed = new Map<string, number[]>();
        const stained = new Set<string>();
        for (const { wait, client, user, parallel } of script) {
          clock.advance(wait);
          const subject = { client: `192.0.2.${client}`, user: `u${user}` };
          const attempts = await Promise.all(Array.from({ length: parallel }, () => throttle.check(subject)));
          for (const attempt of attempts) {
            if (!attempt.allowed) continue;
            await attempt.fail();
            const account = stained.has(subject.client) ? subject.user : `${subject.user} by clean clients`;
            stained.add(subject.client);
            for (const key of [subject.client, account]) passed.set(key, [...(passed.get(key) ?? []), clock.now()]);
          }
        }
        for (const times of passed.values()) {
          times.slice(free).forEach((time, index) => {
            const before = times[free + index - 1] ?? 0;
            expect(time - before).toBeGreaterThanOrEqual(Math.min(4_000, 1_000 * 2 ** index));
          });
        }
      }),
    );
  });

  it.each<[object, string]>([
    [{ clientFailures: 0 }, 'option "clientFailures"'],
    [{ accountFailures: 1.5 }, 'option "accountFailures"'],
    [{ pairFailures: '5' }, 'option "pairFailures"'],
    [{ baseDelayMs: 0 }, 'option "baseDelayMs"'],
    [{ baseDelayMs: 5_000, maxDelayMs: 4_999 }, 'option "maxDelayMs"'],
    [{ decayMs: 1 }, 'option "decayMs"'],
    [{ rememberMs: -1 }, 'option "rememberMs"'],
    [{ store: 7 }, 'option "store"'],
    [{ clock: 7 }, 'option "clock"'],
    [{ ban: 7 }, 'option "ban"'],
    [{ ban: {} }, 'FailureThrottle ban: option "list"'],
    [{ ban: { list: { add: () => {} }, failures: 0 } }, 'FailureThrottle ban: option "failures"'],
    [{ bans: {} }, 'unknown option "bans"'],
  ])('refuses wrong options: %o', (options, message) => {
    expect(() => new FailureThrottle(options)).toThrow(message);
  });
});

describe('FailureThrottle with a list for bans', () => {
  /** A list that writes down what it is given. */
  class Bans implements BanTarget {
    readonly added: [string, object][] = [];
    error: Error | undefined;
    async add(prefix: string, entry: object): Promise<void> {
      if (this.error !== undefined) throw this.error;
      this.added.push([prefix, entry]);
    }
  }

  it('hands over who fails again and again, refused attempts included', async () => {
    const list = new Bans();
    const { clock, throttle } = scene({
      ban: { list, failures: 5, withinMs: 60_000, forMs: 3_600_000 },
      pairFailures: 2,
    });
    const from = { client: '2001:db8:1:2:3::4', user: 'ann' };
    const banned: boolean[] = [];
    for (let count = 0; count < 7; count += 1) {
      const attempt = await throttle.check(from);
      banned.push(attempt.allowed ? (await attempt.fail()).banned : attempt.banned);
    }
    expect(banned).toEqual([false, false, false, false, false, true, false]);
    expect(list.added).toEqual([
      [
        '2001:db8:1:2::/64',
        {
          action: 'block',
          reason: 'Too many failed attempts',
          source: 'failure-throttle',
          expiresAt: clock.now() + 3_600_000,
          evidence: { address: '2001:db8:1:2:3::4', failures: 6, withinMs: 60_000 },
        },
      ],
    ]);
  });

  it('bans nobody who is trusted, who succeeds, or who has no address', async () => {
    const list = new Bans();
    const { throttle } = scene({ ban: { list, failures: 1 } });
    for (let count = 0; count < 9; count += 1) {
      await fail(throttle, { client: '10.0.0.1', user: 'ann', trusted: true });
      await fail(throttle, { client: '/run/socket', user: 'bob' });
      await (await allowed(throttle, { client: '192.0.2.1', user: 'carol' })).succeed();
    }
    expect(list.added).toEqual([]);
  });

  it('tries again with the next failure when the list fails', async () => {
    const list = new Bans();
    list.error = new Error('disk full');
    const { throttle } = scene({ ban: { list, failures: 1 } });
    await fail(throttle, ANN);
    expect(await fail(throttle, ANN)).toMatchObject({ banned: false });
    list.error = undefined;
    expect(await fail(throttle, ANN)).toMatchObject({ banned: true });
    expect(list.added).toHaveLength(1);
  });
});
