import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatReply, formatReplyText } from './reply-format.ts';
import { parseReply } from './reply-parse.ts';
import type { SmtpReply } from './smtp-reply.ts';

const denied = (text: string): SmtpReply => ({ code: 550, enhanced: '5.7.1', text });

/** A reply whose text is hostile: line breaks of every kind, long words, characters beyond ASCII, halves of them. */
const hostileReply: fc.Arbitrary<SmtpReply> = fc
  .record({
    code: fc.constantFrom(250, 354, 421, 550),
    enhanced: fc.constant(''),
    text: fc
      .array(
        fc.oneof(
          fc.string({ unit: 'binary', maxLength: 20 }),
          fc.constantFrom(
            '\r',
            '\n',
            '\r\n',
            '\n.\r\n',
            '\0',
            '\x1b[2J',
            '\x85',
            '\u2028',
            '\ud800',
            '💩',
            '250 2.0.0 ok',
          ),
          fc.nat(700).map((length) => 'x'.repeat(length)),
          fc.nat(300).map((length) => 'é '.repeat(length)),
          fc.nat(20).map((length) => '\n'.repeat(length)),
        ),
        { maxLength: 12 },
      )
      .map((parts) => parts.join('')),
  })
  .map(({ code, text }) => ({ code, enhanced: code === 354 ? '' : `${Math.trunc(code / 100)}.7.1`, text }));

describe('formatReply', () => {
  it('writes one line, several lines, and lines without text or status', () => {
    expect(formatReply(denied('No'))).toBe('550 5.7.1 No\r\n');
    expect(formatReply(denied('No\nNever\r\nAt all'))).toBe('550-5.7.1 No\r\n550-5.7.1 Never\r\n550 5.7.1 At all\r\n');
    expect(formatReply(denied(''))).toBe('550 5.7.1\r\n');
    expect(formatReply({ code: 354, enhanced: '', text: 'Go on' })).toBe('354 Go on\r\n');
    expect(formatReply({ code: 250, enhanced: '', text: 'a\n\nb' })).toBe('250-a\r\n250-\r\n250 b\r\n');
  });

  it('replaces what may not stand in a reply', () => {
    expect(formatReply(denied('a\rb\tc\0d\x7fe'))).toBe('550 5.7.1 a b c d e\r\n');
    expect(formatReply(denied('Grüße 💩 \ud800'))).toBe('550 5.7.1 Gr??e ? ?\r\n');
    expect(formatReply(denied('a\x85b\u2028c\u2029d'))).toBe('550 5.7.1 a b c d\r\n');
  });

  it('keeps characters beyond ASCII for SMTPUTF8, but no control characters and no halves', () => {
    expect(formatReply(denied('Grüße 💩 \ud800'), { smtpUtf8: true })).toBe('550 5.7.1 Grüße 💩 ?\r\n');
    expect(formatReply(denied('a\x85b\u2028c\u2029d'), { smtpUtf8: true })).toBe('550 5.7.1 a b c d\r\n');
  });

  it('folds long lines between words', () => {
    const word = 'x'.repeat(99);
    const lines = formatReply(denied(Array(6).fill(word).join(' '))).split('\r\n');
    expect(lines).toEqual([`550-5.7.1 ${Array(5).fill(word).join(' ')}`, `550 5.7.1 ${word}`, '']);
  });

  it('fills a line to 512 octets and breaks a word that has more', () => {
    const [first, second] = formatReply(denied('x'.repeat(600))).split('\r\n');
    expect(first).toHaveLength(510);
    expect(second).toBe(`550 5.7.1 ${'x'.repeat(100)}`);
    expect(formatReply(denied(`${'x'.repeat(500)} `)).split('\r\n')).toHaveLength(2);
    expect(formatReply(denied('é'.repeat(250)), { smtpUtf8: true }).split('\r\n')).toHaveLength(2);
    expect(formatReply(denied('é'.repeat(251)), { smtpUtf8: true }).split('\r\n')).toHaveLength(3);
  });

  it('leaves out the rest of very long text', () => {
    const lines = formatReply(denied('a\n'.repeat(1_000_000))).split('\r\n');
    expect(lines).toHaveLength(17);
    expect(lines[15]).toBe('550 5.7.1 a...');
    const filled = formatReply(denied('x'.repeat(1_000_000))).split('\r\n');
    expect(filled).toHaveLength(17);
    expect(filled[15]).toBe(`550 5.7.1 ${'x'.repeat(497)}...`);
  });

  it('throws on what is no reply', () => {
    expect(() => formatReply({ code: 550, enhanced: '5.7.1\r\n250 2.0.0', text: '' })).toThrow(TypeError);
    expect(() => formatReply({ code: 5500, enhanced: '', text: '' })).toThrow(TypeError);
    expect(() => formatReplyText({ code: 250, enhanced: '5.0.0', text: '' })).toThrow(TypeError);
  });

  it('lets no text break out of its lines', () => {
    fc.assert(
      fc.property(hostileReply, fc.boolean(), (reply, smtpUtf8) => {
        const wire = formatReply(reply, { smtpUtf8 });
        expect(wire.endsWith('\r\n')).toBe(true);
        const lines = wire.slice(0, -2).split('\r\n');
        expect(lines.length).toBeLessThanOrEqual(16);
        lines.forEach((line, index) => {
          expect(Buffer.byteLength(line)).toBeLessThanOrEqual(510);
          expect(line.slice(0, 4)).toBe(`${reply.code}${index === lines.length - 1 ? ' ' : '-'}`);
          expect(line.slice(4).startsWith(reply.enhanced)).toBe(true);
          expect(line).toMatch(smtpUtf8 ? /^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u : /^[\x20-\x7e]*$/);
        });
        expect(Buffer.from(wire).toString()).toBe(wire);
      }),
      { numRuns: 1_000 },
    );
  });

  it('is undone by parseReply, and done again the same', () => {
    fc.assert(
      fc.property(hostileReply, fc.boolean(), (reply, smtpUtf8) => {
        const wire = formatReply(reply, { smtpUtf8 });
        const parsed = parseReply(wire);
        expect(parsed).toBeDefined();
        if (parsed === undefined) return;
        expect(parsed.code).toBe(reply.code);
        expect(formatReply(parsed, { smtpUtf8 })).toBe(wire);
      }),
      { numRuns: 1_000 },
    );
    const line = fc.string({ maxLength: 200 });
    const text = fc.array(line, { minLength: 1, maxLength: 16 }).map((lines) => lines.join('\n'));
    fc.assert(
      fc.property(text, (clean) => {
        expect(parseReply(formatReply(denied(clean)))).toEqual(denied(clean));
      }),
    );
  });
});

describe('formatReplyText', () => {
  it('is one line without code', () => {
    expect(formatReplyText(denied('No\r\nNever'))).toBe('5.7.1 No Never');
    expect(formatReplyText({ code: 250, enhanced: '', text: 'OK' })).toBe('OK');
    expect(formatReplyText(denied('x'.repeat(500)))).toBe(`5.7.1 ${'x'.repeat(500)}`);
    expect(formatReplyText(denied('x'.repeat(501)))).toBe(`5.7.1 ${'x'.repeat(497)}...`);
    expect(formatReplyText(denied(`${'x'.repeat(490)} ${'y'.repeat(100)}`))).toBe(`5.7.1 ${'x'.repeat(490)}...`);
  });

  it('has no line break and fits into a reply line, whatever the text', () => {
    fc.assert(
      fc.property(hostileReply, fc.boolean(), (reply, smtpUtf8) => {
        const line = formatReplyText(reply, { smtpUtf8 });
        expect(line).toMatch(smtpUtf8 ? /^[^\p{Cc}\p{Cs}\u2028\u2029]*$/u : /^[\x20-\x7e]*$/);
        expect(Buffer.byteLength(`${reply.code} ${line}\r\n`)).toBeLessThanOrEqual(512);
      }),
    );
  });
});
