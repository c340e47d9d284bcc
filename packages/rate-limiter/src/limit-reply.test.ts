import { isTransientReply } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { overloadReply, rateReply, recipientsReply, sessionReply } from './limit-reply.ts';

describe('the replies of limits', () => {
  it('say what to do', () => {
    expect(sessionReply('Too many connections', 30_000)).toEqual({
      code: 421,
      enhanced: '4.7.0',
      text: 'Too many connections, please try again in 30 seconds',
    });
    expect(rateReply('Too many messages', 1)).toMatchObject({ code: 450, enhanced: '4.7.1' });
    expect(recipientsReply(1)).toMatchObject({ code: 452, enhanced: '4.5.3' });
    expect(overloadReply()).toMatchObject({ code: 421, enhanced: '4.3.2' });
  });

  it.each([
    [1, 'in a second'],
    [1_001, 'in 2 seconds'],
    [119_000, 'in 119 seconds'],
    [119_001, 'in 2 minutes'],
    [119 * 60_000, 'in 119 minutes'],
    [119 * 60_000 + 1, 'in 2 hours'],
    [86_400_000, 'in 24 hours'],
    [0, 'later'],
    [Number.POSITIVE_INFINITY, 'later'],
  ])('name a time that is not too short: %d ms', (ms, words) => {
    const reply = sessionReply('Too many', ms);
    expect(reply.text).toBe(`Too many, please try again ${words}`);
    expect(isTransientReply(reply)).toBe(true);
  });
});
