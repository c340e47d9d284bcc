import { getEventListeners } from 'node:events';
import { ZoneResolver } from '@postern/testing';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { DeadlineResolver } from './deadline-resolver.ts';
import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from './resolver.ts';

const zone = { 'a.test': { A: '192.0.2.1' } } as const;

/** Never answers, and remembers with which signals it was asked. */
class DeafResolver implements Resolver {
  readonly signals: (AbortSignal | undefined)[] = [];
  resolve<T extends RecordType>(_name: string, _type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> {
    this.signals.push(options?.signal);
    return new Promise(() => {});
  }
}

afterEach(() => {
  vi.useRealTimers();
});

describe('DeadlineResolver', () => {
  it('answers what the resolver behind it answers', async () => {
    using dns = new DeadlineResolver(new ZoneResolver(zone), { timeoutMs: 5_000 });
    expect(await dns.resolve('a.test', 'A')).toMatchObject({ kind: 'records', records: ['192.0.2.1'] });
    expect(await dns.resolve('b.test', 'A')).toMatchObject({ kind: 'nxdomain' });
    expect(dns.over).toBeUndefined();
  });

  it('hands the options on', async () => {
    const upstream = new ZoneResolver(zone);
    using dns = new DeadlineResolver(upstream, { timeoutMs: 5_000 });
    await dns.resolve('a.test', 'A', { fresh: true });
    expect([...upstream.queries]).toEqual([{ name: 'a.test', type: 'A', fresh: true }]);
  });

  it('has one deadline for all lookups, though nobody hears it', async () => {
    vi.useFakeTimers();
    const deaf = new DeafResolver();
    using dns = new DeadlineResolver(deaf, { timeoutMs: 1_000 });
    const first = dns.resolve('a.test', 'A');
    vi.advanceTimersByTime(999);
    const second = dns.resolve('b.test', 'A');
    vi.advanceTimersByTime(1);
    const late = { kind: 'failure', reason: 'timeout', detail: 'No answer within 1000 ms.' };
    expect(await first).toEqual(late);
    expect(await second).toEqual(late);
    expect(await dns.resolve('c.test', 'A')).toEqual(late);
    expect(dns.over).toEqual(late);
    expect(deaf.signals.map((signal) => signal?.aborted)).toEqual([true, true]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it('ends with the caller’s signal, and asks nothing for one that is over', async () => {
    const controller = new AbortController();
    const deaf = new DeafResolver();
    using dns = new DeadlineResolver(deaf, { timeoutMs: 5_000, signal: controller.signal });
    const answer = dns.resolve('a.test', 'A');
    controller.abort();
    expect(await answer).toMatchObject({ kind: 'failure', reason: 'aborted' });
    using never = new DeadlineResolver(deaf, { timeoutMs: 5_000, signal: controller.signal });
    expect(await never.resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'aborted' });
    expect(deaf.signals).toHaveLength(1);
  });

  it('hears the signal of one lookup as well', async () => {
    const upstream = new ZoneResolver(zone);
    upstream.hold('a.test');
    using dns = new DeadlineResolver(upstream, { timeoutMs: 5_000 });
    const one = new AbortController();
    const answer = dns.resolve('a.test', 'A', { signal: one.signal });
    one.abort();
    expect(await answer).toMatchObject({ kind: 'failure', reason: 'aborted' });
    expect(dns.over).toBeUndefined();
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('no such luck');
      },
    ],
    ['rejects', () => Promise.reject(new Error('no such luck'))],
  ])('takes a resolver that %s for one that failed', async (_, resolve) => {
    using dns = new DeadlineResolver({ resolve }, { timeoutMs: 5_000 });
    const answer = await dns.resolve('a.test', 'A');
    expect(answer).toEqual({ kind: 'failure', reason: 'network', detail: 'The resolver failed: Error.' });
  });

  it('does not quote the name of the question, which may hold a secret', async () => {
    const resolve = (name: string) => Promise.reject(new Error(`queryA ENOTFOUND ${name}`));
    using dns = new DeadlineResolver({ resolve }, { timeoutMs: 5_000 });
    expect(JSON.stringify(await dns.resolve('2.0.0.127.secretkey.list.test', 'A'))).not.toContain('secretkey');
  });

  it.each<[unknown]>([
    [undefined],
    [null],
    ['192.0.2.1'],
    [['192.0.2.1']],
    [{}],
    [{ kind: 'yes' }],
    [{ kind: 'records' }],
    [{ kind: 'records', records: [] }],
    [{ kind: 'records', records: { length: 1 } }],
    [{ kind: 'failure' }],
  ])('takes the answer %j for none', async (rubbish) => {
    // As JavaScript does it.
    const rude = new DeafResolver();
    Object.assign(rude, { resolve: () => Promise.resolve(rubbish) });
    using dns = new DeadlineResolver(rude, { timeoutMs: 5_000 });
    expect(await dns.resolve('a.test', 'A')).toMatchObject({ kind: 'failure', reason: 'malformed' });
  });

  it('ends one lookup with its own signal, though nobody hears it, and leaves no listener there', async () => {
    const deaf = new DeafResolver();
    const one = new AbortController();
    using dns = new DeadlineResolver(deaf, { timeoutMs: 5_000 });
    const answer = dns.resolve('a.test', 'A', { signal: one.signal });
    one.abort();
    expect(await answer).toMatchObject({ kind: 'failure', reason: 'aborted' });
    expect(await dns.resolve('b.test', 'A', { signal: one.signal })).toMatchObject({ reason: 'aborted' });
    expect(deaf.signals).toHaveLength(1);

    const { signal } = new AbortController();
    using other = new DeadlineResolver(new ZoneResolver(zone), { timeoutMs: 5_000 });
    await other.resolve('a.test', 'A', { signal });
    const late = new DeadlineResolver(deaf, { timeoutMs: 5_000 });
    void late.resolve('a.test', 'A', { signal });
    late[Symbol.dispose]();
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
  });

  it('refuses a deadline that no timer keeps', () => {
    for (const timeoutMs of [0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 31]) {
      expect(() => new DeadlineResolver(new DeafResolver(), { timeoutMs })).toThrow(RangeError);
    }
  });

  it('leaves nothing behind', () => {
    vi.useFakeTimers();
    const { signal } = new AbortController();
    const deaf = new DeafResolver();
    {
      using dns = new DeadlineResolver(deaf, { timeoutMs: 5_000, signal });
      void dns.resolve('a.test', 'A');
      expect(getEventListeners(signal, 'abort')).toHaveLength(1);
    }
    expect(deaf.signals[0]?.aborted).toBe(true);
    expect(getEventListeners(signal, 'abort')).toHaveLength(0);
    expect(vi.getTimerCount()).toBe(0);
  });
});
