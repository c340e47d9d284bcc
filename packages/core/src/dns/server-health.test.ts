import { describe, expect, it } from 'vitest';
import { ServerHealth } from './server-health.ts';

describe('ServerHealth', () => {
  it('sets a server aside after a failure, each time twice as long, a minute at most', () => {
    const health = new ServerHealth();
    expect(health.isSetAside(0)).toBe(false);
    let now = 0;
    for (const pauseMs of [1_000, 2_000, 4_000, 8_000, 16_000, 32_000, 60_000, 60_000]) {
      now += 1;
      health.failed(now, now + 10);
      now += 10;
      expect(health.isSetAside(now + pauseMs - 1)).toBe(true);
      expect(health.isSetAside(now + pauseMs)).toBe(false);
      now += pauseMs;
    }
  });

  it('counts one failure of queries that were under way together', () => {
    const health = new ServerHealth();
    for (let askedAt = 0; askedAt < 100; askedAt++) health.failed(askedAt, 1_500 + askedAt);
    expect(health.isSetAside(1_500 + 999)).toBe(true);
    expect(health.isSetAside(1_500 + 1_000)).toBe(false);
  });

  it('lets one lookup try the server after the pause, and the others once it has answered', () => {
    const health = new ServerHealth();
    health.failed(0, 1_500);
    health.claim(2_000);
    expect(health.isSetAside(2_500)).toBe(false);
    health.claim(2_500);
    expect(health.isSetAside(2_501)).toBe(true);
    expect(health.hasFailed).toBe(true);
    health.succeeded();
    expect(health.isSetAside(2_502)).toBe(false);
    expect(health.hasFailed).toBe(false);
  });

  it('sets a healthy server aside for nobody', () => {
    const health = new ServerHealth();
    health.claim(5);
    expect(health.isSetAside(6)).toBe(false);
  });
});
