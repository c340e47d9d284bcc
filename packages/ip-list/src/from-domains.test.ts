import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { fromDomains } from './from-domains.ts';

describe('fromDomains', () => {
  it.each<[string, readonly string[]]>([
    ['ann@example.com', ['example.com']],
    ['<ann@example.com>', ['example.com']],
    ['Ann <ann@Example.COM>', ['Example.COM']],
    ['"b@bad.example" <ann@example.com>', ['example.com']],
    ['Ann (b@bad.example (nested) \\) x@y) <ann@example.com>', ['example.com']],
    ['"quoted \\" b@bad.example" <ann@example.com>', ['example.com']],
    ['"a@b"@example.com', ['example.com']],
    ['ann@example.com, Bob <bob@example.net>', ['example.com', 'example.net']],
    ['ann@example.com <bob@example.net>', ['example.com', 'example.net']],
    ['Group: a@example.com, b@example.net;', ['example.com', 'example.net']],
    ['<@route.example:ann@example.com>', ['route.example', 'example.com']],
    ['ann@ example . com', ['example.com']],
    ['ann @ (comment) example.com (comment)', ['example.com']],
    ['ann@(c)example(d).com', ['example.com']],
    ['ann@bücher.example', ['bücher.example']],
    ['ann@[192.0.2.1]', []],
    ['undisclosed', []],
    ['', []],
    ['@', []],
    ['a@b@c', ['b', 'c']],
    // Nobody knows where the string or the comment ends: all of it counts.
    ['"open <a@one.example>, b@two.example', ['one.example', 'two.example']],
    ['(open <a@one.example>', ['one.example']],
    ['stray ) "x" <a@one.example>', ['one.example']],
  ])('reads %j', (value, domains) => {
    expect(fromDomains(value, 100)).toEqual(domains);
  });

  it('reads so many and no more', () => {
    expect(fromDomains('a@one.example, b@two.example, c@three.example', 2)).toEqual(['one.example', 'two.example']);
    expect(fromDomains('a@one.example', 0)).toEqual([]);
  });

  it('finds the author of any mailbox that is written by the rules', () => {
    const atom = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const quoted = fc.stringMatching(/^[a-z@<>,(). ]{0,12}$/).map((text) => `"${text}"`);
    const comment = fc.stringMatching(/^[a-z@<>,". ]{0,12}$/).map((text) => `(${text})`);
    const mailbox = fc.record({
      name: fc.oneof(atom, quoted),
      before: fc.oneof(comment, fc.constant('')),
      local: fc.oneof(atom, quoted),
      domain: fc.tuple(atom, atom).map((labels) => labels.join('.')),
    });
    fc.assert(
      fc.property(fc.array(mailbox, { minLength: 1, maxLength: 5 }), (mailboxes) => {
        const value = mailboxes.map((each) => `${each.name} ${each.before} <${each.local}@${each.domain}>`).join(', ');
        expect(fromDomains(value, 100)).toEqual(mailboxes.map(({ domain }) => domain));
      }),
    );
  });

  it('takes any text, long ones too', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(...'@@<>()[],;:" .\\aé\0') }), (value) => {
        expect(fromDomains(value, 10).filter((domain) => /[\t <>()[\],;:"\\@]/.test(domain))).toEqual([]);
      }),
    );
    for (const piece of ['@', '@ ', '@ . ', '@a . ', '"', '(', '\\', '@a.']) {
      expect(fromDomains(piece.repeat(10_000), 1_000).length).toBeLessThanOrEqual(1_000);
    }
  });
});
