import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { getEventListeners } from 'node:events';
import type { Resolver } from '@postern/core';
import { FakeClock, type ZoneData, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { ZoneLimits } from './zone-limits.ts';
import { ZoneMonitor, type ZoneMonitorOptions } from './zone-monitor.ts';
import type { ZoneStateChange } from './zone-state.ts';

/** What a list may be like. */
type Condition = 'good' | 'empty' | 'world' | 'silent';

const conditions: Readonly<Record<Condition, (zone: string) => ZoneData>> = {
  good: (zone) => ({ [`2.0.0.127.${zone}`]: { A: '127.0.0.2' } }),
  empty: () => ({}),
  world: (zone) => ({ [`*.${zone}`]: { A: '127.0.0.2' } }),
  silent: (zone) => ({ [`2.0.0.127.${zone}`]: 'timeout', [`1.0.0.127.${zone}`]: 'timeout' }),
};

/** Lists whose condition a test changes. */
class Lists {
  readonly resolver = new ZoneResolver();

  set(zone: string, condition: Condition): void {
    for (const name of [`2.0.0.127.${zone}`, `1.0.0.127.${zone}`, `*.${zone}`]) this.resolver.delete(name);
    for (const [name, data] of Object.entries(conditions[condition](zone))) this.resolver.set(name, data);
  }

  /** How often the zone was probed: each probe asks about 127.0.0.2 once. */
  probes(zone: string): number {
    return this.resolver.queries.count(`2.0.0.127.${zone}`, 'A');
  }
}

const zone = (name: string): { name: string; ipv6: boolean } => ({ name, ipv6: false });

interface Scene {
  readonly lists: Lists;
  readonly monitor: ZoneMonitor;
  readonly changes: ZoneStateChange[];
}

const monitors: ZoneMonitor[] = [];

/** A monitor over lists of these names and conditions. Its random numbers mean: no jitter. */
function watch(zones: Readonly<Record<string, Condition>>, options: Partial<ZoneMonitorOptions> = {}): Scene {
  const lists = new Lists();
  for (const [name, condition] of Object.entries(zones)) lists.set(name, condition);
  const changes: ZoneStateChange[] = [];
  const monitor = new ZoneMonitor({
    zones: Object.keys(zones).map(zone),
    resolver: lists.resolver,
    intervalMs: 60_000,
    retryMs: 10_000,
    timeoutMs: 2_000,
    random: () => 0.5,
    onChange: (change) => changes.push(change),
    ...options,
  });
  monitors.push(monitor);
  return { lists, monitor, changes };
}

function statuses(monitor: ZoneMonitor): Record<string, string> {
  return Object.fromEntries(monitor.states().map((state) => [state.zone, state.status]));
}

const pass = async (ms: number): Promise<void> => {
  await vi.advanceTimersByTimeAsync(ms);
};

beforeEach(() => {
  vi.useFakeTimers();
});

afterEach(() => {
  for (const monitor of monitors.splice(0)) monitor.stop();
  vi.useRealTimers();
});

describe('ZoneMonitor', () => {
  it('probes all zones when it starts, and then at the interval', async () => {
    const { lists, monitor, changes } = watch({ 'a.example': 'good', 'b.example': 'good' });
    expect(statuses(monitor)).toEqual({ 'a.example': 'unknown', 'b.example': 'unknown' });
    expect(lists.probes('a.example')).toBe(0);
    monitor.start();
    monitor.start();
    await pass(0);
    expect(statuses(monitor)).toEqual({ 'a.example': 'healthy', 'b.example': 'healthy' });
    expect(changes.map(({ zone, from, to }) => `${zone}: ${from}, ${to}`)).toEqual([
      'a.example: unknown, healthy',
      'b.example: unknown, healthy',
    ]);
    await pass(59_000);
    expect(lists.probes('a.example')).toBe(1);
    await pass(1_000);
    expect(lists.probes('a.example')).toBe(2);
    await pass(600_000);
    expect(lists.probes('a.example')).toBe(12);
    expect(changes).toHaveLength(2);
  });

  it.each([
    [0, 48_000],
    [1, 72_000],
    [0.75, 66_000],
    [Number.NaN, 60_000],
    [17, 60_000],
  ])('has a jitter: with the random number %d it waits %d ms', async (random, ms) => {
    const { lists, monitor } = watch({ 'a.example': 'good' }, { random: () => random });
    monitor.start();
    await pass(ms - 1);
    expect(lists.probes('a.example')).toBe(1);
    await pass(2);
    expect(lists.probes('a.example')).toBe(2);
  });

  it.each([
    ['world', 'lists-everything', '127.0.0.1'],
    ['empty', 'test-point-missing', '127.0.0.2'],
  ] as const)(
    'sets a zone aside that has the condition %s, at once, until it is back',
    async (condition, reason, testPoint) => {
      const clock = new FakeClock(1_000_000);
      const { lists, monitor, changes } = watch({ 'a.example': 'good', 'b.example': 'good' }, { clock });
      monitor.start();
      await pass(0);
      lists.set('b.example', condition);
      clock.advance(60_000);
      await pass(60_000);
      expect(monitor.isAside('a.example')).toBe(false);
      expect(monitor.isAside('b.example')).toBe(true);
      const state = {
        zone: 'b.example',
        status: 'aside',
        since: 1_060_000,
        reason,
        failures: 1,
        lastProbe: { outcome: 'fault', reason, testPoint, at: 1_060_000 },
      };
      expect(monitor.states()[1]).toEqual(state);
      expect(changes.at(-1)).toEqual({ zone: 'b.example', from: 'healthy', to: 'aside', state });

      lists.set('b.example', 'good');
      clock.advance(10_000);
      await pass(10_000);
      expect(monitor.isAside('b.example')).toBe(false);
      expect(changes.at(-1)).toMatchObject({ from: 'aside', to: 'healthy', state: { since: 1_070_000, failures: 0 } });
    },
  );

  it('probes a zone that is set aside ever more seldom, and never more seldom than one that works', async () => {
    const { lists, monitor } = watch({ 'a.example': 'world', 'b.example': 'good' }, { failuresToSetAside: 2 });
    monitor.start();
    const seen: number[] = [];
    for (let second = 0; second <= 400; second++) {
      const before = lists.probes('a.example');
      await pass(second === 0 ? 0 : 1_000);
      if (lists.probes('a.example') > before) seen.push(second);
    }
    expect(seen).toEqual([0, 10, 20, 40, 80, 140, 200, 260, 320, 380]);
  });

  it('sets a zone aside that does not answer for some probes in a row', async () => {
    const { lists, monitor, changes } = watch({ 'a.example': 'good', 'b.example': 'silent', 'c.example': 'good' });
    monitor.start();
    await pass(0);
    expect(statuses(monitor)['b.example']).toBe('unknown');
    await pass(10_000);
    expect(statuses(monitor)['b.example']).toBe('unknown');
    await pass(10_000);
    expect(monitor.isAside('b.example')).toBe(true);
    expect(monitor.states()[1]).toMatchObject({ reason: 'timeout', failures: 3 });
    lists.set('b.example', 'good');
    await pass(10_000);
    expect(statuses(monitor)['b.example']).toBe('healthy');

    // Two silences and a pass between: nothing.
    for (let round = 0; round < 3; round++) {
      lists.set('b.example', 'silent');
      await pass(60_000);
      await pass(10_000);
      expect(monitor.states()[1]).toMatchObject({ status: 'healthy', failures: 2 });
      lists.set('b.example', 'good');
      await pass(10_000);
    }
    expect(changes.filter((change) => change.zone === 'b.example')).toHaveLength(2);
  });

  it('asks the others when one falls silent while nobody else was asked, and need not wait for their turn', async () => {
    const { lists, monitor } = watch({ 'a.example': 'good', 'b.example': 'good' });
    monitor.start();
    // The zones' turns come apart.
    await pass(20_000);
    lists.set('b.example', 'silent');
    for (let each = 0; each < 3; each++) monitor.suspect('b.example');
    await pass(0);
    expect(lists.probes('b.example')).toBe(2);
    await pass(20_000);
    expect(lists.probes('a.example')).toBe(2);
    expect(monitor.isAside('b.example')).toBe(true);
  });

  it('sets nobody aside when nobody answers, and nobody comes back', async () => {
    const { lists, monitor, changes } = watch({ 'a.example': 'good', 'b.example': 'good', 'c.example': 'world' });
    monitor.start();
    await pass(0);
    const before = changes.length;
    for (const name of ['a.example', 'b.example', 'c.example']) lists.set(name, 'silent');
    await pass(3_600_000);
    expect(changes).toHaveLength(before);
    expect(statuses(monitor)).toEqual({ 'a.example': 'healthy', 'b.example': 'healthy', 'c.example': 'aside' });
    // It is not asked more often for that than every interval, in the end.
    const probes = lists.probes('a.example');
    await pass(600_000);
    expect(lists.probes('a.example') - probes).toBe(10);

    for (const name of ['a.example', 'b.example', 'c.example']) lists.set(name, 'good');
    await pass(60_000);
    expect(statuses(monitor)).toEqual({ 'a.example': 'healthy', 'b.example': 'healthy', 'c.example': 'healthy' });
    expect(changes).toHaveLength(before + 1);
  });

  it('cannot tell a single zone from its resolver, so it sets it aside', async () => {
    const { monitor } = watch({ 'a.example': 'silent' }, { failuresToSetAside: 1 });
    monitor.start();
    await pass(0);
    expect(monitor.isAside('a.example')).toBe(true);
  });

  it('holds nothing against a zone whose budget is spent, and sets one aside that holds up all that may be asked', async () => {
    const lists = new Lists();
    lists.set('a.example', 'good');
    lists.set('b.example', 'good');
    lists.set('c.example', 'good');
    const resolver = new ZoneLimits(lists.resolver, {
      limits: [
        { zone: 'a.example', count: 4 },
        { zone: 'b.example', maxInFlight: 2 },
      ],
    });
    const zones = { 'a.example': 'good', 'b.example': 'good', 'c.example': 'good' } as const;
    const { monitor, changes } = watch(zones, { resolver });
    monitor.start();
    await pass(0);
    // Nobody comes to hear the answer.
    lists.resolver.hold('x.b.example');
    for (let each = 0; each < 2; each++) void resolver.resolve('x.b.example', 'A');
    await pass(600_000);
    expect(lists.probes('a.example')).toBe(2);
    expect(monitor.states()).toMatchObject([
      { status: 'healthy', lastProbe: { reason: 'over-budget' } },
      { status: 'aside', reason: 'too-many-at-once' },
      { status: 'healthy' },
    ]);
    expect(changes).toHaveLength(4);
  });

  it('gives a probe its deadline, whatever the resolver does', async () => {
    const deaf: Resolver = { resolve: () => new Promise(() => {}) };
    const { monitor } = watch({ 'a.example': 'good' }, { resolver: deaf, failuresToSetAside: 1 });
    monitor.start();
    await pass(1_999);
    expect(statuses(monitor)['a.example']).toBe('unknown');
    await pass(1);
    expect(monitor.states()[0]).toMatchObject({ status: 'aside', reason: 'timeout' });

    const broken: Resolver = { resolve: () => Promise.reject(new Error('2.0.0.127.secret.bl.example')) };
    const other = watch({ 'a.example': 'good' }, { resolver: broken, failuresToSetAside: 1 });
    expect(await other.monitor.probe()).toMatchObject([{ status: 'aside', reason: 'network' }]);
  });

  it('is brought forward by queries without an answer, and no sooner than the retry', async () => {
    const { lists, monitor } = watch({ 'a.example': 'good', 'b.example': 'good' });
    monitor.start();
    await pass(0);
    lists.set('a.example', 'world');
    monitor.suspect('a.example');
    monitor.suspect('a.example');
    await pass(20_000);
    expect(lists.probes('a.example')).toBe(1);
    monitor.suspect('a.example');
    await pass(0);
    expect(lists.probes('a.example')).toBe(2);
    expect(monitor.isAside('a.example')).toBe(true);
    expect(lists.probes('b.example')).toBe(1);

    // However many: one probe for the retry's time.
    for (let each = 0; each < 1_000; each++) monitor.suspect('b.example');
    await pass(0);
    expect(lists.probes('b.example')).toBe(2);
    for (let each = 0; each < 1_000; each++) monitor.suspect('b.example');
    await pass(9_999);
    expect(lists.probes('b.example')).toBe(2);
    await pass(1);
    expect(lists.probes('b.example')).toBe(3);
    monitor.suspect('unheard-of.example');
  });

  it('is not put off by queries, and a zone that is set aside is not brought forward', async () => {
    const { lists, monitor } = watch({ 'a.example': 'good' }, { retryMs: 60_000, random: () => 0 });
    monitor.start();
    await pass(0);
    for (let each = 0; each < 3; each++) monitor.suspect('a.example');
    await pass(48_000);
    expect(lists.probes('a.example')).toBe(2);

    const other = watch({ 'b.example': 'world' }, { failuresToSetAside: 1 });
    other.monitor.start();
    await pass(0);
    await pass(10_000);
    expect(other.lists.probes('b.example')).toBe(2);
    await pass(15_000);
    other.monitor.suspect('b.example');
    await pass(4_999);
    expect(other.lists.probes('b.example')).toBe(2);
    await pass(1);
    expect(other.lists.probes('b.example')).toBe(3);
  });

  it('never decides by what queries say', async () => {
    const { monitor, changes } = watch({ 'a.example': 'good', 'b.example': 'good' });
    monitor.start();
    await pass(0);
    for (let second = 0; second < 300; second++) {
      for (let each = 0; each < 10; each++) monitor.suspect('a.example');
      await pass(1_000);
    }
    expect(statuses(monitor)).toEqual({ 'a.example': 'healthy', 'b.example': 'healthy' });
    expect(changes).toHaveLength(2);
  });

  it('runs one round at a time, and lets whoever comes during one wait for the next', async () => {
    const { lists, monitor } = watch({ 'a.example': 'good' });
    const letGo = lists.resolver.hold('2.0.0.127.a.example');
    monitor.start();
    await pass(1_000);
    const waits = [monitor.probe(), monitor.probe()];
    monitor.suspect('a.example');
    await pass(500);
    expect(lists.probes('a.example')).toBe(1);
    letGo();
    await Promise.all(waits);
    expect(lists.probes('a.example')).toBe(2);
    await pass(59_999);
    expect(lists.probes('a.example')).toBe(2);
    await pass(1);
    expect(lists.probes('a.example')).toBe(3);
  });

  it('probes for whoever comes after it was stopped, though a round that was stopped has not ended', async () => {
    const { lists, monitor } = watch({ 'a.example': 'good' });
    const letGo = lists.resolver.hold('2.0.0.127.a.example');
    void monitor.probe();
    const waiting = monitor.probe();
    monitor.stop();
    letGo();
    const states = await monitor.probe();
    await waiting;
    expect(states).toMatchObject([{ status: 'healthy' }]);
    expect(lists.probes('a.example')).toBe(2);
  });

  it.each<[string, () => unknown]>([
    ['answers nothing', () => undefined],
    ['answers rubbish', () => Promise.resolve({ kind: 'maybe' })],
    [
      'throws',
      () => {
        throw new TypeError('2.0.0.127.secret.a.example');
      },
    ],
  ])('goes on though its resolver %s', async (_, answer) => {
    const { lists, monitor } = watch({ 'a.example': 'good' });
    const { resolve } = lists.resolver;
    // As JavaScript does it.
    Object.assign(lists.resolver, { resolve: answer });
    monitor.start();
    await pass(0);
    expect(monitor.states()).toMatchObject([{ status: 'unknown', failures: 1 }]);
    Object.assign(lists.resolver, { resolve });
    await pass(10_000);
    expect(monitor.states()).toMatchObject([{ status: 'healthy', failures: 0 }]);
  });

  it('does not start a round because its time has come while another goes on', async () => {
    const { lists, monitor } = watch({ 'a.example': 'good' });
    monitor.start();
    await pass(59_500);
    const letGo = lists.resolver.hold('2.0.0.127.a.example');
    const done = monitor.probe();
    await pass(1_000);
    expect(lists.probes('a.example')).toBe(2);
    letGo();
    await done;
    await pass(59_000);
    expect(lists.probes('a.example')).toBe(2);
    await pass(1_000);
    expect(lists.probes('a.example')).toBe(3);
  });

  it('probes no more zones at once than it may', async () => {
    const names = Array.from({ length: 20 }, (_, index) => `z${index}.example`);
    const { lists, monitor } = watch(Object.fromEntries(names.map((name) => [name, 'good'] as const)), {
      maxConcurrentProbes: 3,
    });
    const letGo = names.map((name) => lists.resolver.hold(`2.0.0.127.${name}`));
    const done = monitor.probe();
    await pass(0);
    expect(names.filter((name) => lists.probes(name) > 0)).toEqual(['z0.example', 'z1.example', 'z2.example']);
    letGo[1]?.();
    await pass(0);
    expect(names.filter((name) => lists.probes(name) > 0)).toHaveLength(4);
    for (const go of letGo) go();
    await done;
    expect(new Set(Object.values(statuses(monitor)))).toEqual(new Set(['healthy']));
  });

  it('probes once without being started, and sets no timer for it', async () => {
    const { lists, monitor } = watch({ 'a.example': 'world' });
    expect(await monitor.probe()).toMatchObject([{ zone: 'a.example', status: 'aside' }]);
    expect(vi.getTimerCount()).toBe(0);
    await pass(3_600_000);
    expect(lists.probes('a.example')).toBe(1);
  });

  it('does not probe again at the start what was probed before it', async () => {
    const { lists, monitor } = watch({ 'a.example': 'good' });
    await monitor.probe();
    await pass(20_000);
    monitor.start();
    await pass(39_999);
    expect(lists.probes('a.example')).toBe(1);
    await pass(1);
    expect(lists.probes('a.example')).toBe(2);
  });

  it('ends the wait for a probe with its signal, and leaves nothing behind', async () => {
    const { lists, monitor } = watch({ 'a.example': 'world' });
    expect(await monitor.probe({ signal: AbortSignal.abort() })).toMatchObject([{ status: 'unknown' }]);
    expect(lists.probes('a.example')).toBe(0);

    const letGo = lists.resolver.hold('2.0.0.127.a.example');
    const controller = new AbortController();
    const wait = monitor.probe({ signal: controller.signal });
    await pass(0);
    controller.abort();
    expect(await wait).toMatchObject([{ status: 'unknown' }]);
    expect(getEventListeners(controller.signal, 'abort')).toHaveLength(0);
    letGo();
    await pass(0);
    expect(monitor.isAside('a.example')).toBe(true);

    const { signal } = new AbortController();
    await monitor.probe({ signal });
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('stops at once: what goes on has no effect, nobody is set aside, and it can start again', async () => {
    const { lists, monitor, changes } = watch({ 'a.example': 'world', 'b.example': 'good' });
    monitor.start();
    await pass(0);
    expect(monitor.isAside('a.example')).toBe(true);
    lists.resolver.hold('2.0.0.127.a.example');
    await pass(10_000);
    const probes = lists.probes('a.example');
    const waiting = [monitor.probe(), monitor.probe()];
    monitor.stop();
    expect(vi.getTimerCount()).toBe(0);
    expect(statuses(monitor)).toEqual({ 'a.example': 'unknown', 'b.example': 'unknown' });
    expect(changes.slice(-2).map(({ zone, from, to }) => `${zone}: ${from}, ${to}`)).toEqual([
      'a.example: aside, unknown',
      'b.example: healthy, unknown',
    ]);
    await Promise.all(waiting);
    await pass(3_600_000);
    expect(lists.probes('a.example')).toBe(probes);
    expect(monitor.isAside('a.example')).toBe(false);

    lists.set('a.example', 'empty');
    lists.resolver.hold('2.0.0.127.a.example')();
    monitor.start();
    monitor.stop();
    monitor.start();
    const probesOfOther = lists.probes('b.example');
    await pass(0);
    expect(monitor.isAside('a.example')).toBe(true);
    expect(lists.probes('b.example')).toBe(probesOfOther + 1);
    // It has just been probed: not so after another stop.
    monitor.stop();
    monitor.start();
    await pass(0);
    expect(lists.probes('b.example')).toBe(probesOfOther + 2);
    monitor[Symbol.dispose]();
    expect(vi.getTimerCount()).toBe(0);
    expect(monitor.isAside('a.example')).toBe(false);
  });

  it('publishes changes, and goes on when those who hear of them fail', async () => {
    const published: unknown[] = [];
    const listen = (message: unknown): void => void published.push(message);
    subscribe('postern.dnsbl.zone-state', listen);
    const warn = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
    try {
      const failing = [
        (): never => {
          throw new Error('thrown');
        },
        (): Promise<never> => Promise.reject(new Error('rejected')),
      ];
      for (const onChange of failing) {
        const { monitor } = watch({ 'a.example': 'good' }, { onChange });
        await monitor.probe();
        await pass(0);
        expect(statuses(monitor)).toEqual({ 'a.example': 'healthy' });
        monitors.pop();
      }
      expect(warn.mock.calls.map(([text]) => text)).toEqual([
        'onChange of a ZoneMonitor failed and is ignored: thrown',
        'onChange of a ZoneMonitor failed and is ignored: rejected',
      ]);
      expect(published).toMatchObject([
        { zone: 'a.example', from: 'unknown', to: 'healthy', state: { status: 'healthy' } },
        { zone: 'a.example', from: 'unknown', to: 'healthy' },
      ]);
    } finally {
      unsubscribe('postern.dnsbl.zone-state', listen);
      warn.mockRestore();
    }
  });

  it('shows no query key', async () => {
    const changes: ZoneStateChange[] = [];
    const zones = [{ name: 'dq.example', key: 'Sesame-Key' }];
    const monitor = new ZoneMonitor({
      zones,
      resolver: new ZoneResolver(),
      onChange: (change) => changes.push(change),
    });
    const states = await monitor.probe();
    expect(states).toMatchObject([{ zone: 'dq.example', status: 'aside', reason: 'test-point-missing' }]);
    expect(JSON.stringify([states, changes])).not.toMatch(/sesame/i);
    const twice = (): unknown => new ZoneMonitor({ zones: [...zones, ...zones], resolver: new ZoneResolver() });
    expect(twice).toThrow(/^ZoneMonitor: option "zones" has "dq.example" twice$/);
  });

  it('leaves zones without test points alone', async () => {
    const resolver = new ZoneResolver();
    const monitor = new ZoneMonitor({
      zones: [{ name: 'bl.example', testPoints: { mustList: [], mustNotList: [] } }],
      resolver,
    });
    monitor.start();
    monitor.suspect('bl.example');
    expect(vi.getTimerCount()).toBe(0);
    expect(await monitor.probe()).toMatchObject([{ zone: 'bl.example', status: 'unknown' }]);
    expect([...resolver.queries]).toEqual([]);
    monitor.stop();
  });

  it('keeps no process alive', () => {
    vi.useRealTimers();
    const timers = (): number => process.getActiveResourcesInfo().filter((type) => type === 'Timeout').length;
    const before = timers();
    const { monitor } = watch({ 'a.example': 'good' });
    monitor.start();
    expect(timers()).toBe(before);
  });

  it.each<[object, ErrorConstructor, string]>([
    [{ zones: 'bl.example' }, TypeError, '"zones"'],
    [{ zones: ['no name'] }, RangeError, 'ZoneMonitor: zones[0]'],
    [{ resolver: {} }, TypeError, '"resolver"'],
    [{ intervalMs: 999 }, RangeError, '"intervalMs"'],
    [{ retryMs: 60_001 }, RangeError, '"retryMs"'],
    [{ retryMs: 99 }, RangeError, '"retryMs"'],
    [{ timeoutMs: 0 }, RangeError, '"timeoutMs"'],
    [{ failuresToSetAside: 0 }, RangeError, '"failuresToSetAside"'],
    [{ maxConcurrentProbes: 0 }, RangeError, '"maxConcurrentProbes"'],
    [{ onChange: true }, TypeError, '"onChange"'],
    [{ clock: Date }, TypeError, '"clock"'],
    [{ random: 4 }, TypeError, '"random"'],
    [{ interval: 4 }, TypeError, 'unknown option "interval"'],
  ])('refuses %j', (options, error, message) => {
    const make = (): unknown =>
      Reflect.construct(ZoneMonitor, [
        { zones: ['bl.example'], resolver: new ZoneResolver(), intervalMs: 60_000, ...options },
      ]);
    expect(make).toThrow(error);
    expect(make).toThrow(message);
  });

  it('takes an interval that is shorter than the usual retry', () => {
    expect(() => watch({ 'a.example': 'good' }, { intervalMs: 1_000, retryMs: 1_000 })).not.toThrow();
    const zones = ['a.example'];
    expect(() => new ZoneMonitor({ zones, resolver: new ZoneResolver(), intervalMs: 1_000 })).not.toThrow();
  });

  it('tells every change once, asks at a bounded rate, and finds everybody healthy when all is well', async () => {
    const names = ['a.example', 'b.example', 'c.example'] as const;
    const step = fc.record({
      zone: fc.constantFrom(...names),
      condition: fc.constantFrom<Condition>('good', 'empty', 'world', 'silent'),
      suspicions: fc.integer({ min: 0, max: 5 }),
      ms: fc.integer({ min: 0, max: 100_000 }),
    });
    const jitter = fc.double({ min: 0, max: 1, noNaN: true });
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), jitter, async (steps, random) => {
        const { lists, monitor, changes } = watch(
          { 'a.example': 'good', 'b.example': 'good', 'c.example': 'good' },
          { random: () => random },
        );
        monitor.start();
        await pass(0);
        let elapsedMs = 0;
        for (const each of steps) {
          lists.set(each.zone, each.condition);
          for (let count = 0; count < each.suspicions; count++) monitor.suspect(each.zone);
          await pass(each.ms);
          elapsedMs += each.ms;
          // Retries are at the least 8 s apart, with all jitter.
          for (const name of names) expect(lists.probes(name)).toBeLessThanOrEqual(1 + elapsedMs / 8_000);
        }
        const told: Record<string, string> = { 'a.example': 'unknown', 'b.example': 'unknown', 'c.example': 'unknown' };
        for (const { zone: name, from, to, state } of changes) {
          expect(from).toBe(told[name]);
          expect(to).not.toBe(from);
          expect(state).toMatchObject({ zone: name, status: to });
          told[name] = to;
        }
        expect(statuses(monitor)).toEqual(told);
        for (const name of names) lists.set(name, 'good');
        await pass(72_000);
        expect(statuses(monitor)).toEqual({ 'a.example': 'healthy', 'b.example': 'healthy', 'c.example': 'healthy' });
        monitor.stop();
      }),
      { numRuns: 50 },
    );
  });
});
