import { IpList } from '@postern/ip-list';
import { FailureThrottle } from '@postern/rate-limiter';
import { FakeClock } from '@postern/testing';
import { describe, expect, it } from 'vitest';

describe('a throttle that hands over to a list', () => {
  it('has the list block who guesses on and on, with the /64 of an IPv6 client, until the ban is over', async () => {
    const clock = new FakeClock();
    const list = new IpList({ clock });
    const throttle = new FailureThrottle({ clock, ban: { list, failures: 10, forMs: 3_600_000 } });
    for (let guess = 0; guess < 11; guess += 1) {
      const attempt = await throttle.check({ client: `2001:db8:1:2::${guess}`, user: `user${guess}` });
      if (attempt.allowed) await attempt.fail();
    }
    expect(list.lookup('2001:db8:1:2:ffff::1')).toMatchObject({
      action: 'block',
      reason: 'Too many failed attempts',
      source: 'failure-throttle',
      expiresAt: clock.now() + 3_600_000,
    });
    expect(list.lookup('2001:db8:1:3::1')).toBeUndefined();
    clock.advance(3_600_000);
    expect(list.lookup('2001:db8:1:2:ffff::1')).toBeUndefined();
  });
});
