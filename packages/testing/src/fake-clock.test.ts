import { expect, it } from 'vitest';
import { FakeClock } from './fake-clock.ts';

it('stands still until it is moved', () => {
  const clock = new FakeClock(1_000);
  expect(clock.now()).toBe(1_000);
  clock.advance(250.5);
  clock.advance(0);
  expect(clock.now()).toBe(1_250.5);
});

it('starts at a plausible time of day', () => {
  expect(new Date(new FakeClock().now()).toISOString()).toBe('2026-01-01T00:00:00.000Z');
});

it('can be put back, as a real clock can', () => {
  const clock = new FakeClock(1_000);
  clock.set(10);
  expect(clock.now()).toBe(10);
});

it.each([Number.NaN, Number.POSITIVE_INFINITY])('refuses %s', (ms) => {
  const clock = new FakeClock(0);
  expect(() => new FakeClock(ms)).toThrow(RangeError);
  expect(() => clock.advance(ms)).toThrow(RangeError);
  expect(() => clock.set(ms)).toThrow(RangeError);
  expect(clock.now()).toBe(0);
});

it('does not advance backwards', () => {
  expect(() => new FakeClock(0).advance(-1)).toThrow(RangeError);
});
