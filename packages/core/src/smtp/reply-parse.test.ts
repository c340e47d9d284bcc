import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { parseReply } from './reply-parse.ts';
import { isSmtpReply } from './smtp-reply.ts';

describe('parseReply', () => {
  it.each([
    ['250 2.1.0 OK\r\n', 250, '2.1.0', 'OK'],
    ['250 2.1.0 OK', 250, '2.1.0', 'OK'],
    ['250 2.1.0 OK\n', 250, '2.1.0', 'OK'],
    ['250', 250, '', ''],
    ['250\r\n', 250, '', ''],
    ['250 \r\n', 250, '', ''],
    ['250 2.1.0\r\n', 250, '2.1.0', ''],
    ['250 2.1.0 \r\n', 250, '2.1.0', ''],
    ['354 Go on\r\n', 354, '', 'Go on'],
    ['250-a\r\n250-\r\n250 b\r\n', 250, '', 'a\n\nb'],
    ['250-2.1.0 a\n250 2.1.0 b\n', 250, '2.1.0', 'a\nb'],
    ['250-2.1.0 a\r\n250 b\r\n', 250, '2.1.0', 'a\nb'],
    // Two codes: only the reply's own is taken off.
    ['550-5.1.1 a\r\n550 5.7.1 b\r\n', 550, '5.1.1', 'a\n5.7.1 b'],
    ['250-mx.example\r\n250 2.1.0 x\r\n', 250, '', 'mx.example\n2.1.0 x'],
    ['550 4.7.1 a\r\n', 550, '', '4.7.1 a'],
    ['550 5.7.1a\r\n', 550, '', '5.7.1a'],
    ['550 5.7.1.2 a\r\n', 550, '', '5.7.1.2 a'],
    ['550 5.7.1\ta\r\n', 550, '', '5.7.1\ta'],
    ['334 3.0.0 VXNlcm5hbWU6\r\n', 334, '', '3.0.0 VXNlcm5hbWU6'],
    ['250 a\rb\r\n', 250, '', 'a\rb'],
  ])('reads %j', (text, code, enhanced, expected) => {
    expect(parseReply(text)).toEqual({ code, enhanced, text: expected });
  });

  it.each([
    '',
    '\r\n',
    '25',
    '25\r\n',
    'abc',
    ' 250 OK\r\n',
    '2500 OK\r\n',
    '250OK\r\n',
    '250_OK\r\n',
    '199 OK\r\n',
    '600 OK\r\n',
    '-250 OK',
    '2 0 OK',
    '250-unfinished\r\n',
    '250-',
    '250-\r\n',
    '250 OK\r\n250 OK\r\n',
    '250 OK\r\n\r\n',
    '250 OK\r\ngarbage',
    '250-a\r\n251 b\r\n',
    '250-a\r\n\r\n250 b\r\n',
    '250-a\r\n25',
    'HTTP/1.1 200 OK\r\n\r\n',
    '٢٥٠ OK',
  ])('refuses %j', (text) => {
    expect(parseReply(text)).toBeUndefined();
  });

  it('refuses a reply of any length beyond its bound', () => {
    expect(parseReply(`250 ${'x'.repeat(128 * 1024 - 4)}`)).toBeDefined();
    expect(parseReply(`250 ${'x'.repeat(128 * 1024 - 3)}`)).toBeUndefined();
    expect(parseReply('250-x\r\n'.repeat(100_000))).toBeUndefined();
  });

  it('gives a reply or nothing, of any text', () => {
    const unit = fc.constantFrom(
      '2',
      '5',
      '0',
      '25',
      '250',
      '550',
      '-',
      ' ',
      '\r\n',
      '\n',
      '\r',
      '.',
      '5.7.1',
      '2.0.0',
      'x',
      'é',
    );
    fc.assert(
      fc.property(
        fc.array(unit, { maxLength: 20 }).map((parts) => parts.join('')),
        (text) => {
          const reply = parseReply(text);
          expect(reply === undefined || isSmtpReply(reply)).toBe(true);
        },
      ),
      { numRuns: 2_000 },
    );
  });
});
