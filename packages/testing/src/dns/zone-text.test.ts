import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { RecordSets } from './record-set.ts';
import { Zone } from './zone.ts';
import type { NameData } from './zone-data.ts';
import { ZoneSyntaxError } from './zone-lexer.ts';

/** Names with type, TTL and records, one line each. */
function dump(zone: Zone): string[] {
  return [...zone].flatMap(([name, sets]) =>
    Object.values(sets).map(({ type, ttl, records }) => `${name} ${ttl} ${type} ${JSON.stringify(records)}`),
  );
}

const read = (text: string, origin?: string): string[] =>
  dump(Zone.fromText(text, origin === undefined ? {} : { origin }));

it('reads the example of RFC 1035 §5.3', () => {
  const zone = Zone.fromText(
    [
      '@   IN  SOA     VENERA      Action\\.domains (',
      '                                 20     ; SERIAL',
      '                                 7200   ; REFRESH',
      '                                 600    ; RETRY',
      '                                 3600000; EXPIRE',
      '                                 60)    ; MINIMUM',
      '',
      '        NS      A.ISI.EDU.',
      '        NS      VENERA',
      '        NS      VAXA',
      '        MX      10      VENERA',
      '        MX      20      VAXA',
      '',
      'A       A       26.3.0.103',
      '',
      'VENERA  A       10.1.0.52',
      '        A       128.9.0.32',
    ].join('\r\n'),
    { origin: 'ISI.EDU.' },
  );
  const sets: ReadonlyMap<string, RecordSets> = new Map(zone);
  expect(sets.get('isi.edu')?.SOA?.records).toEqual([
    {
      primary: 'venera.isi.edu',
      mailbox: 'action\\.domains.isi.edu',
      serial: 20,
      refresh: 7200,
      retry: 600,
      expire: 3600000,
      minimum: 60,
    },
  ]);
  expect(sets.get('isi.edu')?.NS?.records).toEqual(['a.isi.edu', 'venera.isi.edu', 'vaxa.isi.edu']);
  expect(sets.get('isi.edu')?.MX?.records).toEqual([
    { preference: 10, exchange: 'venera.isi.edu' },
    { preference: 20, exchange: 'vaxa.isi.edu' },
  ]);
  expect(sets.get('venera.isi.edu')?.A?.records).toEqual(['10.1.0.52', '128.9.0.32']);
});

it('reads every type', () => {
  expect(
    read(
      [
        '$ORIGIN example.com.',
        '$TTL 1h',
        'a A 192.0.2.1',
        'a AAAA 2001:DB8::1',
        'a PTR b',
        'b CNAME a.example.org.',
        'a SRV 1 2 25 mx',
        'a TLSA 3 1 1 ( 00aa',
        '  FF )',
        'a CAA 128 issue "ca.example; x=1"',
        'a TXT one "two ; (three)" ""',
        'null MX 0 .',
        'odd PTR a\\.b.c\\032d\\\\',
      ].join('\n'),
    ),
  ).toEqual([
    'a.example.com 3600 A ["192.0.2.1"]',
    'a.example.com 3600 AAAA ["2001:db8::1"]',
    'a.example.com 3600 PTR ["b.example.com"]',
    'a.example.com 3600 SRV [{"priority":1,"weight":2,"port":25,"target":"mx.example.com"}]',
    'a.example.com 3600 TLSA [{"usage":3,"selector":1,"matchingType":1,"data":"00aaff"}]',
    'a.example.com 3600 CAA [{"critical":true,"tag":"issue","value":"ca.example; x=1"}]',
    'a.example.com 3600 TXT ["onetwo ; (three)"]',
    'b.example.com 3600 CNAME ["a.example.org"]',
    'null.example.com 3600 MX [{"preference":0,"exchange":""}]',
    'odd.example.com 3600 PTR ["a\\\\.b.c\\\\032d\\\\\\\\.example.com"]',
  ]);
});

describe('TTL and class', () => {
  it('stand in either order, or not at all', () => {
    const lines = [
      'a 60 IN A 192.0.2.1',
      'b in 60 A 192.0.2.1',
      'c 60 A 192.0.2.1',
      'd IN A 192.0.2.1',
      'e A 192.0.2.1',
    ];
    expect(read(lines.join('\n')).map((line) => line.split(' ')[1])).toEqual(['60', '60', '60', '60', '60']);
  });

  it('take units', () => {
    const units = ['1', '1s', '2m', '1h', '1D', '1w', '1h30m', '1w2d3h4m5s'];
    const ttls = read(units.map((unit, index) => `n${index} ${unit} A 192.0.2.1`).join('\n'));
    expect(ttls.map((line) => Number(line.split(' ')[1]))).toEqual([1, 1, 120, 3600, 86400, 604800, 5400, 788645]);
  });

  it('come from the record, $TTL, the record before, the default', () => {
    expect(
      read('a A 192.0.2.1\nb 60 A 192.0.2.1\nc A 192.0.2.1\n$TTL 30\nd A 192.0.2.1\ne 5 A 192.0.2.1\nf A 192.0.2.1'),
    ).toEqual([
      'a 300 A ["192.0.2.1"]',
      'b 60 A ["192.0.2.1"]',
      'c 60 A ["192.0.2.1"]',
      'd 30 A ["192.0.2.1"]',
      'e 5 A ["192.0.2.1"]',
      'f 30 A ["192.0.2.1"]',
    ]);
    expect(dump(Zone.fromText('a A 192.0.2.1', { ttl: 7 }))).toEqual(['a 7 A ["192.0.2.1"]']);
  });

  it('of one set: the lowest (RFC 2181 §5.2)', () => {
    expect(read('a 60 A 192.0.2.1\na 30 A 192.0.2.2\na 90 A 192.0.2.1')).toEqual(['a 30 A ["192.0.2.1","192.0.2.2"]']);
  });

  it('are not taken for an owner or a type', () => {
    expect(read('60 A 192.0.2.1\nin A 192.0.2.2\na A 192.0.2.3\n  60 IN MX 1 a')).toEqual([
      '60 300 A ["192.0.2.1"]',
      'in 300 A ["192.0.2.2"]',
      'a 300 A ["192.0.2.3"]',
      'a 60 MX [{"preference":1,"exchange":"a"}]',
    ]);
  });
});

describe('names', () => {
  it('are relative to the origin, which may change', () => {
    const text =
      '@ A 192.0.2.1\nwww A 192.0.2.2\nx.test. A 192.0.2.3\n$ORIGIN sub\n@ A 192.0.2.4\n$ORIGIN other.test.\n* A 192.0.2.5';
    expect(read(text, 'example.com').map((line) => line.split(' ')[0])).toEqual([
      'example.com',
      'www.example.com',
      'x.test',
      'sub.example.com',
      '*.other.test',
    ]);
  });

  it('are inherited by indented lines, over comments, empty lines and directives', () => {
    expect(
      read('a A 192.0.2.1\n; b\n\n$TTL 60\n ; c\n\tA 192.0.2.2\n  \n A 192.0.2.3').map((line) => line.split(' ')[0]),
    ).toEqual(['a']);
  });
});

it('takes text for the octets of a UTF-8 file', () => {
  const expected = ['gr\u00c3\u00bcn \u00ff " \\ ;'];
  const text = 'a TXT "gr\u00fcn \\255 \\" \\\\ ;"';
  for (const source of [text, Buffer.from(text)]) {
    expect(new Map(Zone.fromText(source)).get('a')?.TXT?.records).toEqual(expected);
  }
});

describe('what cannot be read says where', () => {
  it.each([
    ['\n\na A 192.0.2.300', 3, '"192.0.2.300" is not an IPv4 address'],
    ['a A', 1, 'the address is missing'],
    ['a A 192.0.2.1 x', 1, '"x" is one word too many'],
    [' A 192.0.2.1', 1, 'the first record has no owner'],
    ['a 192.0.2.1', 1, '"192.0.2.1" is not a record type known here'],
    ['a', 1, '"" is not a record type'],
    ['a DNSKEY x', 1, '"DNSKEY" is not a record type known here'],
    ['a CH A 192.0.2.1', 1, 'the class CH is not supported'],
    ['a 60 60 A 192.0.2.1', 1, '"60" is not a record type'],
    ['a 9999999999 A 192.0.2.1', 1, '"9999999999" is not a record type'],
    ['a..b A 192.0.2.1', 1, 'the owner is not a domain name'],
    ['a\\.b A 192.0.2.1', 1, 'cannot be asked about'],
    ['gr\u00fcn A 192.0.2.1', 1, 'the owner is not a domain name'],
    ['a MX 10', 1, 'exchange is missing'],
    ['a MX x b', 1, 'the preference must be a whole number from 0 to 65535'],
    ['a SOA a b 1 2 3 4 x', 1, 'minimum must be seconds or like 1h30m'],
    ['a SOA a b (1 2\n3 4', 1, 'a "(" without its ")"'],
    ['a A 192.0.2.1 )', 1, 'a ")" without its "("'],
    ['a TXT', 1, 'the text is missing'],
    ['b TXT x\na TXT "x\n"', 2, 'a quoted string that does not end on its line'],
    ['a TXT "x', 1, 'a quoted string that does not end on its line'],
    ['a TXT \\256', 1, 'begins neither'],
    ['a TXT \\', 1, 'begins neither'],
    ['a TXT \\\n', 1, 'begins neither'],
    [`a TXT ${'x'.repeat(256)}`, 1, 'at most 255 octets'],
    [`a TXT ${`${'x'.repeat(255)} `.repeat(257)}`, 1, 'at most 65535 octets'],
    [`a TLSA 3 1 1 ${'00'.repeat(65_533)}`, 1, 'at most 65535 octets'],
    [`a CAA 0 issue "${'x'.repeat(65_529)}"`, 1, 'at most 65535 octets'],
    ['a CNAME b\na A 192.0.2.1', 2, 'has A beside a CNAME'],
    ['a CNAME b\na CNAME c', 2, 'more than one CNAME'],
    ['$TTL x', 1, '"x" is not a TTL'],
    ['$ORIGIN', 1, '$ORIGIN takes one word'],
    ['$INCLUDE file', 1, '$INCLUDE is not supported'],
    ['a TLSA 3 1 1 (\n0\n)', 1, 'is not hexadecimal'],
  ])('%j', (text, line, message) => {
    const error = failureOf(text);
    expect(error.message).toContain(`zone text, line ${line}: `);
    expect(error.message).toContain(message);
    expect(error).toMatchObject({ name: 'ZoneSyntaxError', line });
  });

  it('but a bad origin is the programmer’s mistake', () => {
    expect(() => Zone.fromText('', { origin: 'a..b' })).toThrow(RangeError);
  });
});

function failureOf(text: string): ZoneSyntaxError {
  try {
    Zone.fromText(text);
  } catch (error) {
    if (error instanceof ZoneSyntaxError) return error;
    throw error;
  }
  throw new Error('it can be read');
}

it('never fails otherwise, whatever the text', () => {
  const words = [
    'a',
    '@',
    '(',
    ')',
    '"',
    ';',
    '\\',
    '\\1',
    '\\065',
    '\n',
    '\t',
    '$TTL',
    '$ORIGIN',
    'IN',
    'CH',
    '60',
    'A',
    'MX',
    'TXT',
    'SOA',
    'CNAME',
    '192.0.2.1',
    '.',
  ];
  const text = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(fc.constantFrom(...words)).map((chosen) => chosen.join(' ')),
  );
  fc.assert(
    fc.property(text, (source) => {
      try {
        Zone.fromText(source);
      } catch (error) {
        expect(error).toBeInstanceOf(ZoneSyntaxError);
      }
    }),
    { numRuns: 3_000 },
  );
});

/** Zone-file text of a literal: what a person would write, in one of the many ways to write it. */
function write(name: string, data: NameData, style: number): string {
  const quote = (text: string): string =>
    `"${[...text].map((char) => (/[\w =:;()-]/.test(char) ? char : `\\${String(char.charCodeAt(0)).padStart(3, '0')}`)).join('')}"`;
  const owner = name.endsWith('.example.com') && style % 2 === 1 ? name.slice(0, -'.example.com'.length) : `${name}.`;
  const head = style % 3 === 0 ? `${owner} ${data.ttl} IN` : `${owner} IN ${data.ttl}`;
  const lines: string[] = [];
  for (const address of [data.A ?? []].flat()) lines.push(`A ${String(address)}`);
  for (const mx of [data.MX ?? []].flat()) lines.push(`MX ( ${String(mx)}. ; a comment\n )`);
  for (const text of Array.isArray(data.TXT) ? data.TXT : []) {
    lines.push(
      `TXT ${[text]
        .flat()
        .map(quote)
        .join(style % 2 ? ' ' : '\t')}`,
    );
  }
  return lines
    .map((line, index) => (index > 0 && style % 5 === 0 ? `\t${data.ttl} ${line}` : `${head} ${line}`))
    .join('\n');
}

it('reads what it would be as a literal', () => {
  const octet = fc.nat(255).map((code) => String.fromCharCode(code));
  const label = fc.stringMatching(/^[a-z_][a-z0-9-]{0,9}$/);
  const name = fc.oneof(
    label.map((each) => `${each}.example.com`),
    fc.tuple(label, label).map((labels) => labels.join('.')),
  );
  const text = fc.array(fc.string({ unit: octet, maxLength: 20 }), { minLength: 1, maxLength: 3 });
  const data = fc.record({
    A: fc.uniqueArray(fc.ipV4(), { minLength: 1, maxLength: 3 }),
    MX: fc.array(
      fc.tuple(fc.nat(65_535), name).map(([preference, host]) => `${preference} ${host}`),
      { maxLength: 3 },
    ),
    TXT: fc.array(text, { maxLength: 3 }),
    ttl: fc.nat(1_000_000),
  });
  const zone = fc.uniqueArray(fc.tuple(name, data, fc.nat(29)), { selector: ([each]) => each, maxLength: 5 });
  fc.assert(
    fc.property(zone, (entries) => {
      const literal = new Zone(Object.fromEntries(entries.map(([owner, records]) => [owner, records])));
      const lines = entries.map(([owner, records, style]) => write(owner, records, style));
      const parsed = Zone.fromText(['$ORIGIN example.com.', ...lines].join('\n'));
      expect(Object.fromEntries(parsed)).toEqual(Object.fromEntries(literal));
    }),
  );
});
