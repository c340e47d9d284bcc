import { MemoryStore, type Store } from '@postern/core';
import { FakeClock, ZoneResolver } from '@postern/testing';
import { beforeEach, describe, expect, it } from 'vitest';
import { AggregateCollector } from './aggregate-collector.ts';
import { encodeNames } from './collected-value.ts';
import { type SentDay, sendDueReports } from './send-due-reports.ts';
import { recordOf } from './test-record.ts';
import { deferred, storeWith } from './test-store.ts';

const DAY_MS = 86_400_000;
const start = Date.UTC(2026, 10, 22, 12);
const morning = Date.UTC(2026, 10, 23, 1);

let clock: FakeClock;
let store: Store;

beforeEach(() => {
  clock = new FakeClock(start);
  store = new MemoryStore({ clock });
});

/** What there is to be sent of the day before. */
function send(): Promise<readonly SentDay[]> {
  return sendDueReports(store, {
    reporter: { orgName: 'Example Net', email: 'dmarc@example.net' },
    resolver: new ZoneResolver({}),
    clock,
    maxAgeDays: 1,
    deliver: async () => 'delivered',
  });
}

describe('AggregateCollector', () => {
  it('waits for a store no longer than the caller wants, which has all of it later', async () => {
    const { promise, resolve } = deferred();
    const slow = storeWith(() => store, {
      recall: async (keys) => {
        await promise;
        return store.recall(keys);
      },
    });
    const collector = new AggregateCollector({ store: slow, clock });
    collector.record(recordOf('example.com'));
    const first = collector.flush();
    const controller = new AbortController();
    const second = collector.flush(controller.signal);
    controller.abort();
    expect(await second).toMatchObject({ ok: false, written: 0 });
    expect(await collector.flush(AbortSignal.abort())).toMatchObject({ ok: false, written: 0 });
    resolve();
    expect(await first).toEqual({ ok: true, written: 1 });
    collector.record(recordOf('example.org'));
    expect(await collector.close()).toMatchObject({ ok: true });
    clock.advance(DAY_MS);
    expect((await send())[0]?.reports).toHaveLength(2);
  });

  it('writes a day again after its end, in case the store has lost it', async () => {
    const collector = new AggregateCollector({ store: storeWith(() => store, {}), clock });
    collector.record(recordOf('example.com'));
    await collector.flush();
    clock.set(Date.UTC(2026, 10, 23, 0, 5));
    store = new MemoryStore({ clock });
    expect(await collector.flush()).toEqual({ ok: true, written: 1 });
    clock.set(morning);
    expect(await send()).toMatchObject([{ status: 'done', missing: 0, reports: [{ messages: 1, missing: 0 }] }]);
    expect(await collector.close()).toMatchObject({ ok: true });
    expect(collector.stats).toMatchObject({ domains: 0, rows: 0, bytes: 0 });
  });

  it('asks the store for nothing when there is nothing new', async () => {
    let calls = 0;
    const counting = storeWith(() => store, {
      recall: (keys) => {
        calls++;
        return store.recall(keys);
      },
      remember: (key, value, ttlMs) => {
        calls++;
        return store.remember(key, value, ttlMs);
      },
    });
    const collector = new AggregateCollector({ store: counting, clock });
    collector.record(recordOf('example.com'));
    expect(await collector.flush()).toEqual({ ok: true, written: 1 });
    const before = calls;
    expect(await collector.close()).toEqual({ ok: true, written: 0 });
    expect(calls).toBe(before);
  });

  it('writes no day that is too old to be kept, and counts its messages as dropped', async () => {
    const collector = new AggregateCollector({ store, clock, keepMs: DAY_MS });
    collector.record(recordOf('example.com'));
    clock.advance(3 * DAY_MS);
    expect(await collector.close()).toEqual({ ok: true, written: 0 });
    expect(collector.stats).toEqual({ domains: 0, rows: 0, bytes: 0, dropped: 1 });
  });

  it('is one of a thousand at most', async () => {
    const key = 'dmarc-reports/2026-11-22/collectors';
    const names = Array.from({ length: 1_000 }, (_, index) => `collector ${index}`);
    store.remember(key, encodeNames(names), DAY_MS);
    const collector = new AggregateCollector({ store, clock });
    collector.record(recordOf('example.com'));
    expect(await collector.flush()).toMatchObject({ ok: false, written: 0 });
    store.remember(key, encodeNames(names.slice(1)), DAY_MS);
    expect(await collector.close()).toEqual({ ok: true, written: 1 });
  });

  it('is entered also when another crashed while it was', async () => {
    const key = 'dmarc-reports/2026-11-22/collectors';
    store.acquire([{ key, limit: 1 }], 10_000);
    const collector = new AggregateCollector({ store, clock });
    collector.record(recordOf('example.com'));
    const flushed = collector.flush();
    await new Promise((resolve) => setImmediate(resolve));
    expect(store.recall([key])).toEqual([undefined]);
    clock.advance(10_001);
    expect(await flushed).toEqual({ ok: true, written: 1 });
    await collector.close();
  });
});
