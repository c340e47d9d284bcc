import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DotStuffer } from './dot-stuffer.ts';

function stuff(chunks: readonly string[]): string {
  const stuffer = new DotStuffer();
  const parts = chunks.map((chunk) => stuffer.write(Buffer.from(chunk)));
  return Buffer.concat([...parts, stuffer.end()]).toString();
}

/** What a server makes of it (RFC 5321 §4.5.2), line by line; throws when the end comes early or never. */
function unstuff(sent: string): string {
  const lines = sent.split('\r\n');
  if (lines.pop() !== '' || lines.pop() !== '.') throw new Error('no final dot');
  return lines
    .map((line) => {
      if (line === '.') throw new Error('an early final dot');
      return `${line.startsWith('.') ? line.slice(1) : line}\r\n`;
    })
    .join('');
}

describe('DotStuffer', () => {
  it.each([
    ['', '.\r\n'],
    ['a\r\n', 'a\r\n.\r\n'],
    ['a', 'a\r\n.\r\n'],
    ['.', '..\r\n.\r\n'],
    ['.\r\n', '..\r\n.\r\n'],
    ['..\r\n.a.\r\n', '...\r\n..a.\r\n.\r\n'],
    ['a.b\r\n.\r\n.\r\n', 'a.b\r\n..\r\n..\r\n.\r\n'],
  ])('sends %j as %j, however it is cut', (message, sent) => {
    expect(stuff([message])).toBe(sent);
    expect(stuff([...message])).toBe(sent);
  });

  it('does not copy a chunk without such a line', () => {
    const chunk = Buffer.from('a.b\r\nc');
    expect(new DotStuffer().write(chunk)).toBe(chunk);
  });

  it('gives the server the message back, for any message and any chunks', () => {
    const line = fc.constantFrom('', '.', '..', 'a', '.a', 'a.', '\0');
    fc.assert(
      fc.property(fc.array(line), fc.array(fc.nat(60)), fc.boolean(), (lines, at, ended) => {
        const message = lines.join('\r\n') + (ended && lines.length > 0 ? '\r\n' : '');
        const cuts = at.filter((each) => each <= message.length).sort((a, b) => a - b);
        const borders = [0, ...cuts, message.length];
        const sent = stuff(borders.slice(1).map((border, i) => message.slice(borders[i], border)));
        const whole = message === '' || message.endsWith('\r\n') ? message : `${message}\r\n`;
        expect(unstuff(sent)).toBe(whole);
      }),
    );
  });
});
