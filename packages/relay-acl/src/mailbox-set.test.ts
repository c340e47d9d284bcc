import { readMailbox } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { MailboxSet } from './mailbox-set.ts';

const entries = ['ann@example.com', 'Bob@Bücher.example', '"ann smith"@example.com', '@news.example', '.sub.example'];

function knows(address: string, comparison: Partial<ConstructorParameters<typeof MailboxSet>[2]> = {}): boolean {
  const set = new MailboxSet(entries, 'test', { ignoreCase: false, subaddressSeparator: undefined, ...comparison });
  const mailbox = readMailbox(address);
  return mailbox !== undefined && set.has(mailbox);
}

describe('MailboxSet', () => {
  it.each([
    'ann@example.com',
    'ann@EXAMPLE.com',
    '"ann"@example.com',
    '"ann smith"@example.com',
    'Bob@xn--bcher-kva.example',
    'anyone@news.example',
    'anyone@a.sub.example',
  ])('has %s', (address) => {
    expect(knows(address)).toBe(true);
  });

  it.each([
    'Ann@example.com',
    'ann+news@example.com',
    'ann@sub.example.com',
    'bob@bücher.example',
    'anyone@sub.news.example',
    'anyone@sub.example',
    'anyone@example.com',
  ])('has no %s', (address) => {
    expect(knows(address)).toBe(false);
  });

  it('compares local parts without regard to case where it is told to, in ASCII', () => {
    expect(knows('ANN@example.com', { ignoreCase: true })).toBe(true);
    expect(knows('BOB@bücher.example', { ignoreCase: true })).toBe(true);
    // The Kelvin sign becomes a k elsewhere.
    const kate = new MailboxSet(['kate@example.com'], 'test', { ignoreCase: true, subaddressSeparator: undefined });
    expect(kate.has({ localPart: '\u212aate', domain: 'example.com' })).toBe(false);
  });

  it('takes a detail for part of the mailbox only where it is told what separates it', () => {
    const plus = { subaddressSeparator: '+' };
    expect(knows('ann+news+more@example.com', plus)).toBe(true);
    expect(knows('+news@example.com', plus)).toBe(false);
    expect(knows('annie+news@example.com', plus)).toBe(false);
    expect(knows('ann-news@example.com', plus)).toBe(false);
  });

  it.each(['ann@', '@', 'a b@example.com', 'exam ple.com', '@.example.com', 'ann@b@example.com', ''])(
    'is not made of %j',
    (entry) => {
      const comparison = { ignoreCase: false, subaddressSeparator: undefined };
      expect(() => new MailboxSet([entry], 'test', comparison)).toThrow(RangeError);
    },
  );
});
