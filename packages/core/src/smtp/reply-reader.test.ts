import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ReplyReader } from './reply-reader.ts';
import type { SmtpReply } from './smtp-reply.ts';

function read(chunks: readonly string[]): readonly SmtpReply[] | undefined {
  const reader = new ReplyReader();
  const replies: SmtpReply[] = [];
  for (const chunk of chunks) {
    const ended = reader.write(Buffer.from(chunk));
    if (ended === undefined) return undefined;
    replies.push(...ended);
  }
  return replies;
}

describe('ReplyReader', () => {
  it.each([
    ['250 2.0.0 Ok\r\n', [{ code: 250, enhanced: '2.0.0', text: 'Ok' }]],
    ['250\r\n', [{ code: 250, enhanced: '', text: '' }]],
    [
      '250-one\r\n250-two\n250 three\r\n354 go\r\n',
      [
        { code: 250, enhanced: '', text: 'one\ntwo\nthree' },
        { code: 354, enhanced: '', text: 'go' },
      ],
    ],
    ['550 größer\r\n', [{ code: 550, enhanced: '', text: 'größer' }]],
    ['250-not', []],
  ])('reads %j, however it is cut', (text, replies) => {
    expect(read([text])).toEqual(replies);
    fc.assert(
      fc.property(fc.array(fc.nat(text.length)), (at) => {
        const borders = [0, ...at.sort((a, b) => a - b), text.length];
        const bytes = Buffer.from(text);
        const reader = new ReplyReader();
        const cut = [...borders.slice(1), bytes.length].flatMap((border, i) =>
          reader.write(bytes.subarray(borders[i], border)),
        );
        expect(cut).toEqual(replies);
      }),
    );
  });

  it.each([
    ['hello\r\n'],
    ['25 ok\r\n'],
    ['2500 ok\r\n'],
    ['950 ok\r\n'],
    ['\r\n'],
    ['250-one\r\n550 two\r\n'],
    ['250 \x00\r\nHTTP/1.1 400\r\n'],
    [`250 ${'x'.repeat(3_000)}\r\n`],
    ['x'.repeat(3_000)],
    [`${'250-x\r\n'.repeat(101)}250 x\r\n`],
  ])('does not listen to %.30j', (text) => {
    expect(read([text])).toBeUndefined();
    expect(read([...text])).toBeUndefined();
  });
});
