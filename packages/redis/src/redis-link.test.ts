import { channel } from 'node:diagnostics_channel';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RedisCommands } from './redis-commands.ts';
import { RedisLink } from './redis-link.ts';

const options = { owner: 'RedisStore', prefix: 'p', timeoutMs: 50, maxInFlight: 3, probeMs: 500 };

/** A client whose commands end as the test says. */
class FakeCommands implements RedisCommands {
  sent = 0;
  answer: () => Promise<unknown> = () => Promise.resolve('OK');

  send(): Promise<unknown> {
    this.sent++;
    return this.answer();
  }

  listen(): never {
    throw new Error('nobody listens here');
  }
}

const never = (): Promise<unknown> => new Promise(() => {});

describe('RedisLink', () => {
  let commands: FakeCommands;
  let heard: unknown[];
  const listen = (message: unknown): void => void heard.push(message);

  beforeEach(() => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setImmediate', 'performance'] });
    commands = new FakeCommands();
    heard = [];
    channel('postern.redis.availability').subscribe(listen);
  });

  afterEach(() => {
    channel('postern.redis.availability').unsubscribe(listen);
    vi.useRealTimers();
  });

  it('gives what the call gives', async () => {
    const link = new RedisLink(commands, options);
    expect(await link.ask(() => commands.send())).toBe('OK');
  });

  it('gives up after timeoutMs, asks no more after three times, and takes up again what answers in time', async () => {
    const recovered = vi.fn();
    const link = new RedisLink(commands, options, recovered);
    commands.answer = never;
    for (let time = 0; time < 3; time++) {
      const asked = link.ask(() => commands.send());
      await vi.advanceTimersByTimeAsync(60);
      expect(await asked).toBeUndefined();
    }
    expect(heard).toEqual([{ available: false, owner: 'RedisStore', prefix: 'p', reason: 'timeout' }]);
    expect(link.isAvailable).toBe(false);
    expect(await link.ask(() => commands.send())).toBeUndefined();
    expect(commands.sent).toBe(3);
    commands.answer = () => Promise.resolve('OK');
    await vi.advanceTimersByTimeAsync(510);
    expect(link.isAvailable).toBe(true);
    expect(recovered).toHaveBeenCalledOnce();
    expect(heard.at(-1)).toMatchObject({ available: true });
  });

  it('sends no second probe while one waits, and takes none that was late', async () => {
    const link = new RedisLink(commands, options);
    commands.answer = () => Promise.reject(Object.assign(new Error('secret'), { code: 'ECONNREFUSED' }));
    for (let time = 0; time < 3; time++) await link.ask(() => commands.send());
    expect(heard).toMatchObject([{ reason: 'ECONNREFUSED' }]);
    let settle: (value: unknown) => void = () => {};
    commands.answer = () =>
      new Promise((resolve) => {
        settle = resolve;
      });
    await vi.advanceTimersByTimeAsync(5_000);
    expect(commands.sent).toBe(4);
    settle('OK');
    await vi.advanceTimersByTimeAsync(0);
    // Another one was sent at once.
    expect([link.isAvailable, commands.sent]).toEqual([false, 5]);
    settle('OK');
    await vi.advanceTimersByTimeAsync(0);
    expect(link.isAvailable).toBe(true);
  });

  it('has at most maxInFlight calls that are not settled, timed out or not', async () => {
    const link = new RedisLink(commands, options);
    commands.answer = never;
    for (let time = 0; time < 10; time++) void link.ask(() => commands.send());
    expect(commands.sent).toBe(3);
  });

  it('asks nothing once it is closed', async () => {
    const link = new RedisLink(commands, options);
    link.close();
    expect(await link.ask(() => commands.send())).toBeUndefined();
    expect(commands.sent).toBe(0);
  });
});
