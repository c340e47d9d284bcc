import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { collectDomains, collectIp } from './collected-entries.ts';
import { splitCsvRecord } from './csv-record.ts';

describe('splitCsvRecord', () => {
  it.each([
    ['a,b,c', ['a', 'b', 'c']],
    ['', ['']],
    [',', ['', '']],
    [' a , "b,c" ,"d ""e"""', ['a', 'b,c', 'd "e"']],
    ['"a"', ['a']],
    ['"a', 'unclosed'],
    ['"a ""', 'unclosed'],
    ['a,"b\nc",d', ['a', 'b\nc', 'd']],
    ['"a"b,c', 'malformed'],
    ['a"b,c', ['a"b', 'c']],
  ])('%s', (line, fields) => {
    expect(splitCsvRecord(line, ',')).toEqual(fields);
  });

  it('reads back whatever is quoted', () => {
    const field = fc.string().map((text) => text.replace(/[\r\n]/g, '').trim());
    fc.assert(
      fc.property(fc.array(field, { minLength: 1 }), fc.constantFrom(',', ';', '\t'), (fields, delimiter) => {
        const line = fields.map((each) => `"${each.replaceAll('"', '""')}"`).join(delimiter);
        expect(splitCsvRecord(line, delimiter)).toEqual(fields);
      }),
    );
  });
});

describe('the CSV format', () => {
  it('reads the named column, and the reasons from another', async () => {
    const text = `# exported today
"first_seen","Dst_IP","malware"
"2026-01-01","192.0.2.1","a, b"

2026-01-02,192.0.2.2-192.0.2.3,
2026-01-02,,x
2026-01-03,1.2.3,x
2026-01-03
"2026-01-04,192.0.2.9,x
`;
    expect(await collectIp(text, { format: 'csv', column: 'dst_ip', reasonColumn: 'malware' })).toEqual({
      entries: ['192.0.2.1/32 block a, b', '192.0.2.2/31 block'],
      problems: ['7 skipped not-an-address', '8 skipped malformed', '9 skipped malformed'],
    });
  });

  it('takes no entry from a field that goes on over lines', async () => {
    const text = `ip,remark,reason
192.0.2.1,"he wrote
0.0.0.0/0,x,y

# ""quoted"" 198.51.100.0/24,x
and so on",spam
192.0.2.2,"a
b"c,spam
192.0.2.3,,spam
`;
    expect(await collectIp(text, { format: 'csv', column: 'ip', reasonColumn: 'reason' })).toEqual({
      entries: ['192.0.2.1/32 block spam', '192.0.2.3/32 block spam'],
      problems: ['7 skipped malformed'],
    });
  });

  it('takes nothing behind a quote that is never closed, and reports each line beyond the bound', async () => {
    const long = `${'x'.repeat(1_000)}\n`;
    const text = `ip\n192.0.2.1\n"192.0.2.2\n${long.repeat(20)}192.0.2.3\n`;
    const { entries, problems } = await collectIp(text, { format: 'csv', column: 'ip' });
    expect(entries).toEqual(['192.0.2.1/32 block']);
    expect(problems).toHaveLength(6);
    expect(problems.slice(0, 2)).toEqual(['20 skipped line-too-long', '21 skipped line-too-long']);
    expect(problems.at(-1)).toBe('3 skipped malformed');
  });

  it('finds a header that stands in a comment', async () => {
    const text = '# a list\n# id;ip\n1;192.0.2.1\n';
    expect((await collectIp(text, { format: 'csv', column: 'ip', delimiter: ';' })).entries).toEqual([
      '192.0.2.1/32 block',
    ]);
  });

  it('takes nothing when there is no such column', async () => {
    const text = 'a,b\n192.0.2.1,192.0.2.2\n';
    expect(await collectIp(text, { format: 'csv', column: 'c', reasonColumn: 'd' })).toEqual({
      entries: [],
      problems: ['1 skipped no-such-column', '1 taken no-such-column', '2 skipped malformed'],
    });
  });

  it('reads names too', async () => {
    expect(
      await collectDomains('host,why\nBad.Example,spam\n*.worse.example,\n', {
        format: 'domain-csv',
        column: 'host',
        reasonColumn: 'why',
      }),
    ).toEqual({ entries: ['bad.example block spam', '.worse.example block'], problems: [] });
  });
});
