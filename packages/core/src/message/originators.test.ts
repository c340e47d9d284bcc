import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Originator, type OriginatorFault, type OriginatorOptions, readOriginators } from './originators.ts';

function originators(value: string, options?: OriginatorOptions): readonly Originator[] | undefined {
  const reading = readOriginators(value, options);
  return reading.ok ? reading.originators : undefined;
}

function addresses(value: string, options?: OriginatorOptions): readonly string[] | undefined {
  return originators(value, options)?.map(({ localPart, domain }) => `${localPart}@${domain}`);
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
    expect(addresses(value)).toBeUndefined();
  });

  it.each<[string, OriginatorFault]>([
    ['', 'no-address'],
    [' (nobody) ', 'no-address'],
    ['Ann Smith', 'no-address'],
    ['"ann@example.com"', 'no-address'],
    ['Ann <>', 'no-address'],
    ['ann@example.com, Bob', 'no-address'],
    ['Team: ann@example.com;', 'group'],
    ['undisclosed:;', 'group'],
    ['ann@example.com, Team: bob@example.com;', 'group'],
    ['ann@-example.com', 'bad-domain'],
    ['ann@192.0.2.1', 'bad-domain'],
    ['ann@[nonsense]', 'bad-domain'],
    ['ann@example.com.', 'bad-domain'],
    ['ann@', 'bad-domain'],
    ['<@relay.example:ann@example.com>', 'malformed'],
    ['ann@example.com:', 'malformed'],
    [':ann@example.com;', 'malformed'],
    ['ann@example.com,,bob@example.com', 'malformed'],
    ['.ann@example.com', 'malformed'],
    [`${'a'.repeat(16_400)}@example.com`, 'too-long'],
  ])('says why it does not read %j', (value, reason) => {
    expect(readOriginators(value)).toEqual({ ok: false, reason });
  });

  it.each<[string, readonly string[]]>([
    ['Team: ann@example.com, Bob <bob@example.net>;', ['ann@example.com', 'bob@example.net']],
    ['"The Team" : ann@example.com ;', ['ann@example.com']],
    ['undisclosed-recipients:;', []],
    ['nobody: (nobody at all) ;', []],
    ['a@one.example, Team: b@two.example;, c@three.example', ['a@one.example', 'b@two.example', 'c@three.example']],
    ['One:;, Two: a@example.com;', ['a@example.com']],
    ['ann@[IPv6:2001:db8::1]', ['ann@[ipv6:2001:db8::1]']],
  ])('reads the groups of %s when asked to', (value, expected) => {
    expect(addresses(value, { groups: true })).toEqual(expected);
  });

  it.each([
    'Team: ann@example.com',
    'Team: ann@example.com,;',
    'Team: ,ann@example.com;',
    'Team: One: ann@example.com;;',
    'Team: ann@example.com; bob@example.com',
    'Team: ann@example.com;,',
    'Team:;;',
    'Team:; x',
    ':;',
    ';',
    'ann@example.com;',
    '<Team:>;',
    '.: ann@example.com;',
    'ann@example.com: bob@example.net;',
    '<@relay.example:ann@example.com>',
  ])('reads %j as no group', (value) => {
    expect(readOriginators(value, { groups: true })).toEqual({ ok: false, reason: 'malformed' });
  });

  it('keeps the address as it was written', () => {
    expect(originators('Ann <"Ann Smith"@Example.COM>')).toEqual([
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
      fc.property(value, fc.boolean(), (text, groups) => {
        const found = originators(text, { groups });
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
