import { describe, expect, it } from 'vitest';
import { errorText } from './error-text.ts';

describe('errorText', () => {
  it.each([
    ['an error', new Error('boom'), 'boom'],
    ['an error without a message', new TypeError(), 'TypeError'],
    ['a string', 'boom', 'boom'],
    ['nothing', undefined, 'undefined'],
    ['several lines', new Error('one\r\ntwo\nthree'), 'one two three'],
    ['a long text', 'x'.repeat(1_000), `${'x'.repeat(300)}…`],
    [
      'what cannot be printed',
      {
        toString() {
          throw new Error('boom');
        },
      },
      'something that cannot be printed was thrown',
    ],
    [
      'an error that cannot be read',
      new Proxy(new Error('boom'), {
        get() {
          throw new Error('again');
        },
      }),
      'something that cannot be printed was thrown',
    ],
  ])('makes a line of %s', (_what, error, line) => {
    expect(errorText(error)).toBe(line);
  });
});
