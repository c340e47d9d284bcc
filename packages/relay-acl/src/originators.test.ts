import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readOriginators } from './originators.ts';

function addresses(value: string): readonly string[] | undefined {
  return readOriginators(value)?.map(({ localPart, domain }) => `${localPart}@${domain}`);
}

describe('readOriginators', () => {
  it.each<[string, readonly string[]]>([
    ['ann@example.com', ['ann@example.com']],
    ['<ann@example.com>', ['ann@example.com']],
    ['Ann Smith <Ann@EXAMPLE.com>', ['Ann@example.com']],
    ['"Smith, Ann (sales)" <ann@example.com>', ['ann@example.com']],
    ['"ann@example.com" <ann@example.com>', ['ann@example.com']],
    ['"a \\"quoted\\" name\t" <ann@example.com>', ['ann@example.com']],
    ['Ann B. Smith <ann@example.com>', ['ann@example.com']],
    ['=?utf-8?q?Gr=C3=BC=C3=9Fe?= <ann@example.com>', ['ann@example.com']],
    ['Grüße <ann@example.com>', ['ann@example.com']],
    ['root@example.com (Cron Daemon)', ['root@example.com']],
    ['root@example.com (Cron (at \\) night) Daemon)', ['root@example.com']],
    ['(first) Ann (second) <ann@example.com> (third)', ['ann@example.com']],
    ['ann@example.com, Bob <bob@example.net>', ['ann@example.com', 'bob@example.net']],
    ['a.b.c@sub.example.com', ['a.b.c@sub.example.com']],
    ["o'brien+tag=x@example.com", ["o'brien+tag=x@example.com"]],
    ['"ann smith"@example.com', ['ann smith@example.com']],
    ['"ann"@example.com', ['ann@example.com']],
    ['ann@[192.0.2.1]', ['ann@[192.0.2.1]']],
    ['ann@bücher.example', ['ann@xn--bcher-kva.example']],
    ['dörte@example.com', ['dörte@example.com']],
  ])('reads %s', (value, expected) => {
    expect(addresses(value)).toEqual(expected);
  });

  it.each([
    '',
    ' ',
    ',',
    'ann',
    'ann@example.com,',
    ',ann@example.com',
    'ann@example.com,,bob@example.com',
    'ann@example.com bob@example.com',
    'ann@example.com <boss@example.com>',
    'boss@example.com, <ann@example.com',
    'Ann <ann@example.com> <boss@example.com>',
    'Ann <ann@example.com> boss@example.com',
    'Ann ann@example.com>',
    'Ann <<ann@example.com>>',
    'Ann <>',
    '<@relay.example:ann@example.com>',
    'Team: ann@example.com, bob@example.com;',
    'undisclosed:;',
    'ann @example.com',
    'ann@ example.com',
    'ann@(x)example.com',
    'ann(x)@example.com',
    'ann@example .com',
    'ann@boss@example.com',
    'boss@example.com (ann@example.com)',
    'ann@example.com (<boss@example.com>)',
    'ann@example.com (\\@)',
    'ann@example.com ("',
    'ann@example.com (\\")',
    'ann@example.com (open',
    'ann@example.com (open \\)',
    'ann@example.com )',
    '"boss@victim.example x"@example.com',
    '"boss,ann"@example.com',
    '"boss<ann"@example.com',
    '"ann\tsmith"@example.com',
    '"open <ann@example.com>',
    '"open\\" <ann@example.com>',
    'an"n"@example.com',
    '"ann"."smith"@example.com',
    '.ann@example.com',
    'ann.@example.com',
    'a..b@example.com',
    '. <ann@example.com>',
    'ann@',
    '@example.com',
    'ann@-example.com',
    'ann@example..com',
    'ann@[192.0.2.1',
    'ann@[192.0.2.1]x',
    'ann@[nonsense]',
    'ann;@example.com',
    'a\\nn@example.com',
    'ann\0@example.com',
    'Ann\0 <ann@example.com>',
    '"Ann\0" <ann@example.com>',
    '=?utf-8?q?boss=40bank.example=00?=@example.com',
    'Ann <a=?utf-8?b?YkBjLmV4YW1wbGU=?=@example.com>',
    '"=?utf-8?q?boss=40bank.example?="@example.com',
    'ann@example.com (\0)',
    'Ann\u0085 <ann@example.com>',
    'Ann\u2028 <ann@example.com>',
    'Ann \ufffd <ann@example.com>',
    `${'a'.repeat(16_400)}@example.com`,
  ])('does not read %j', (value) => {
    expect(readOriginators(value)).toBeUndefined();
  });

  it('keeps the address as it was written', () => {
    expect(readOriginators('Ann <"Ann Smith"@Example.COM>')).toEqual([
      { address: '"Ann Smith"@Example.COM', localPart: 'Ann Smith', domain: 'example.com' },
    ]);
  });

  it('finds every address that a careless reader would find', () => {
    const pieces = [
      ...'ab.@<>(),;:"\\[] \t',
      'ann@own.example',
      'boss@victim.example',
      '<boss@victim.example>',
      'Ann ',
    ];
    const value = fc.array(fc.constantFrom(...pieces), { maxLength: 12 }).map((parts) => parts.join(''));
    fc.assert(
      fc.property(value, (text) => {
        const found = readOriginators(text);
        if (found === undefined) return;
        // What does not stand in a quoted display name is an address, or part of one.
        const bare = text.replaceAll(/"(?:[^"\\]|\\.)*"@?/g, (quoted) => (quoted.endsWith('@') ? quoted : ''));
        expect(bare.split('@').length - 1).toBe(found.length);
        if (bare.includes('victim')) expect(found.some(({ domain }) => domain.includes('victim'))).toBe(true);
      }),
      { numRuns: 20_000 },
    );
  });
});
