import { describe, expect, it } from 'vitest';
import { toClientReply } from './backend-reply.ts';

describe('toClientReply', () => {
  it.each([
    [250, '2.0.0', 'Ok: queued as 4F', 250, '2.0.0', 'Ok: queued as 4F'],
    [250, '', 'Ok', 250, '2.1.5', 'Ok'],
    [251, '', '', 251, '2.1.5', 'Ok'],
    [450, '4.2.0', '<a@b>: greylisted', 450, '4.2.0', '<a@b>: greylisted'],
    [452, '', 'full', 452, '4.0.0', 'full'],
    [550, '5.1.1', 'no\nsuch user', 550, '5.1.1', 'no such user'],
    [550, '', 'no\nsuch user\n', 550, '5.0.0', 'no such user'],
    [554, '', '', 554, '5.0.0', 'The next mail server refused'],
    [501, '5.1.3', 'Bad address syntax', 501, '5.1.3', 'Bad address syntax'],
  ])('passes on %d %s %j', (code, enhanced, text, outCode, outEnhanced, outText) => {
    const out = toClientReply({ code, enhanced, text }, '2.1.5');
    expect(out).toEqual({ code: outCode, enhanced: outEnhanced, text: outText });
  });

  it('makes 451 of 421: our connection ends, not the client’s', () => {
    const reply = toClientReply({ code: 421, enhanced: '4.3.2', text: 'shutting down' }, '2.0.0');
    expect(reply).toEqual({ code: 451, enhanced: '4.3.2', text: 'shutting down' });
  });

  it.each([500, 502, 503, 504, 530, 534, 535, 538, 555])('makes 451 4.3.5 of %d, which is about us', (code) => {
    const reply = toClientReply({ code, enhanced: '5.7.0', text: 'Must issue a STARTTLS command first' }, '2.0.0');
    expect(reply).toMatchObject({ code: 451, enhanced: '4.3.5' });
    expect(reply.text).not.toContain('STARTTLS');
  });

  it.each([300, 334, 354])('makes 451 4.5.0 of %d, which answers nothing', (code) => {
    expect(toClientReply({ code, enhanced: '', text: '?' }, '2.0.0')).toMatchObject({ code: 451, enhanced: '4.5.0' });
  });

  it('keeps the text on one line, in ASCII and short', () => {
    const { text } = toClientReply({ code: 550, enhanced: '', text: `a\rb\0\ngröße\n${'x'.repeat(1_000)}` }, '2.0.0');
    expect(text).toMatch(/^a\?b\? gr\?\?e x+$/);
    expect(text).toHaveLength(400);
  });
});
