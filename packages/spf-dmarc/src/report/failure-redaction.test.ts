import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { Redaction } from './failure-redaction.ts';

const redaction = new Redaction(Buffer.from('a key of some bytes'));

describe('Redaction', () => {
  it.each([
    'alice@example.com',
    '<alice@example.com>',
    '"A. Lice" <alice@example.com>',
    '"alice"@example.com',
    '"al\\"ice"@example.com',
    'alice @example.com',
    'alice\r\n\t@example.com',
    'alice(of sales)@example.com',
    'alice (of sales) @example.com',
    'bob@example.net, alice@example.com',
    'alice@host@example.com',
    'mailto:alice@example.com',
    'al%69ce@example.com',
    '(alice@example.com',
  ])('leaves no local part in %j', (value) => {
    const shown = redaction.field('To', value, 1_000);
    expect(shown).not.toMatch(/al\S*ice@|alice|al\\|bob/);
    expect(shown).toMatch(/@example\.com/);
  });

  it('leaves what names no mailbox', () => {
    for (const value of ['', '@', ' @example.com', '<@example.com>', 'no address']) {
      expect(redaction.field('To', value, 1_000)).toBe(value);
    }
    expect(redaction.field('Message-ID', '<alice@example.com>', 1_000)).toBe('<alice@example.com>');
  });

  it('makes a name of the local part of one address, and of nothing else', () => {
    expect(redaction.address('alice@example.com')).toMatch(/^[A-Za-z0-9_-]{16}@example\.com$/);
    expect(redaction.address('alice')).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(redaction.address('"a@b"@example.com')).toMatch(/^[A-Za-z0-9_-]{16}@example\.com$/);
    // What DKIM signatures have as `i` by default.
    expect(redaction.address('@example.com')).toBe('@example.com');
    expect(redaction.address('')).toBe('');
  });

  it('stops behind the most that is asked for: a name costs some microseconds', () => {
    const shown = redaction.field('To', 'a@'.repeat(100_000), 1_000);
    expect(shown.length).toBeGreaterThan(1_000);
    expect(shown.length).toBeLessThan(1_100);
  });

  it('shows no local part that stands in a dot-atom or a quoted string, whatever is around it', () => {
    const around = fc.string({
      unit: fc.constantFrom('@', '"', '\\', '(', ')', ' ', '<', '>', ',', 'x'),
      maxLength: 12,
    });
    const local = fc.constantFrom('secret', '"secret"', '"s secret"');
    fc.assert(
      fc.property(around, around, local, (before, behind, secret) => {
        const shown = redaction.field('To', `${before},${secret}@example.com${behind}`, 10_000);
        expect(shown).not.toContain('secret');
      }),
    );
  });
});
