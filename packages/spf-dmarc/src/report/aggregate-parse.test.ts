import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AggregateParseOptions, parseAggregateReport } from './aggregate-parse.ts';
import { zipFile } from './test-zip.ts';

const record = (fields: { ip?: string; count?: string; disposition?: string; results?: string } = {}): string =>
  `<record><row><source_ip>${fields.ip ?? '192.0.2.1'}</source_ip><count>${fields.count ?? '2'}</count>` +
  `<policy_evaluated><disposition>${fields.disposition ?? 'none'}</disposition><dkim>pass</dkim><spf>fail</spf>` +
  '</policy_evaluated></row><identifiers><header_from>example.com</header_from></identifiers>' +
  `<auth_results>${fields.results ?? '<spf><domain>example.com</domain><result>fail</result></spf>'}</auth_results></record>`;

const metadata =
  '<report_metadata><org_name>o</org_name><email>e@example.net</email><report_id>1</report_id>' +
  '<date_range><begin>100</begin><end>200</end></date_range></report_metadata>';
const policy = '<policy_published><domain>example.com</domain><p>none</p></policy_published>';
const feedback = (...records: string[]): string => `<feedback>${metadata}${policy}${records.join('')}</feedback>`;

function parse(file: string | Uint8Array, options?: AggregateParseOptions) {
  return parseAggregateReport(typeof file === 'string' ? Buffer.from(file) : file, options);
}

function reportOf(file: string | Uint8Array) {
  const result = parse(file);
  if (!result.ok) throw new Error(result.detail);
  return result;
}

describe('parseAggregateReport', () => {
  it('reads the facts of the sample of RFC 9990, appendix B', () => {
    const sample = `<feedback xmlns="urn:ietf:params:xml:ns:dmarc-2.0"><version>1.0</version><report_metadata>
      <org_name>Sample Reporter</org_name><email>report_sender@example-reporter.com</email>
      <extra_contact_info>...</extra_contact_info><report_id>3v98abbp8ya9n3va8yr8oa3ya</report_id>
      <date_range><begin>302832000</begin><end>302918399</end></date_range>
      <generator>Example DMARC Aggregate Reporter v1.2</generator></report_metadata>
      <policy_published><domain>example.com</domain><p>quarantine</p><sp>none</sp><np>none</np><testing>n</testing>
      <discovery_method>treewalk</discovery_method></policy_published>
      <record><row><source_ip>192.0.2.123</source_ip><count>123</count><policy_evaluated>
      <disposition>pass</disposition><dkim>pass</dkim><spf>fail</spf></policy_evaluated></row>
      <identifiers><envelope_from>example.com</envelope_from><header_from>example.com</header_from></identifiers>
      <auth_results><dkim><domain>example.com</domain><result>pass</result><selector>abc123</selector></dkim>
      <spf><domain>example.com</domain><result>fail</result></spf></auth_results></record></feedback>`;
    expect(reportOf(sample)).toEqual({
      ok: true,
      problems: [],
      skippedRows: 0,
      report: {
        namespace: 'urn:ietf:params:xml:ns:dmarc-2.0',
        version: '1.0',
        metadata: {
          orgName: 'Sample Reporter',
          email: 'report_sender@example-reporter.com',
          extraContactInfo: '...',
          reportId: '3v98abbp8ya9n3va8yr8oa3ya',
          begin: 302_832_000,
          end: 302_918_399,
          errors: [],
          generator: 'Example DMARC Aggregate Reporter v1.2',
        },
        policy: {
          domain: 'example.com',
          p: 'quarantine',
          sp: 'none',
          np: 'none',
          testing: false,
          discoveryMethod: 'treewalk',
        },
        rows: [
          {
            count: 123,
            sourceIp: '192.0.2.123',
            disposition: 'pass',
            dkim: 'pass',
            spf: 'fail',
            reasons: [],
            headerFrom: 'example.com',
            envelopeFrom: 'example.com',
            dkimResults: [{ domain: 'example.com', selector: 'abc123', result: 'pass' }],
            spfResults: [{ domain: 'example.com', result: 'fail' }],
          },
        ],
      },
    });
  });

  describe('files', () => {
    const xml = feedback(record());
    it.each([
      ['plain', Buffer.from(xml)],
      ['behind a byte order mark', Buffer.from(`\ufeff${xml}`)],
      ['in UTF-16', Buffer.from(`\ufeff${xml}`, 'utf16le')],
      ['behind a declaration and a comment', Buffer.from(`<?xml version="1.0"?>\n<!-- <feedback> -->\n${xml}\n`)],
      ['in gzip', gzipSync(xml)],
      ['in gzip with something behind it', Buffer.concat([gzipSync(xml), Buffer.alloc(9)])],
      ['in ZIP', zipFile([{ name: 'r.xml', content: xml }])],
      ['stored in ZIP', zipFile([{ name: 'r.xml', content: xml, stored: true }])],
      [
        'in ZIP beside others',
        zipFile([
          { name: 'd/', content: '' },
          { name: 'a.txt', content: 'x' },
          { name: 'B.XML', content: xml },
        ]),
      ],
      [
        'with a prefix',
        Buffer.from(xml.replaceAll(/<(\/?)/g, '<$1d:').replace('<d:feedback', '<d:feedback xmlns:d="urn:x"')),
      ],
    ])('reads it %s', (_, file) => {
      const result = reportOf(file);
      expect(result.report.rows).toHaveLength(1);
      expect(result.report.metadata.orgName).toBe('o');
    });

    it('reads other encodings that are declared', () => {
      const latin = `<?xml version="1.0" encoding="windows-1252"?>${feedback(record()).replace('<org_name>o', '<org_name>\u00e9')}`;
      expect(reportOf(Buffer.from(latin, 'latin1')).report.metadata.orgName).toBe('\u00e9');
    });

    it.each([
      ['nothing', '', 'not-xml'],
      ['other text', 'hello', 'not-xml'],
      ['another document', '<html><feedback></feedback></html>', 'not-xml'],
      ['broken gzip', gzipSync(xml).subarray(0, 40), 'bad-archive'],
      ['broken ZIP', zipFile([{ name: 'r.xml', content: xml }]).subarray(0, 60), 'bad-archive'],
      ['ZIP of nothing', zipFile([]), 'bad-archive'],
      ['damaged ZIP', zipFile([{ name: 'r.xml', content: xml, crc: 1 }]), 'bad-archive'],
      ['encrypted ZIP', zipFile([{ name: 'r.xml', content: xml, flags: 1 }]), 'bad-archive'],
      ['another compression in ZIP', zipFile([{ name: 'r.xml', content: xml, method: 99 }]), 'bad-archive'],
    ])('refuses %s', (_, file, reason) => {
      expect(parse(file)).toMatchObject({ ok: false, reason });
    });
  });

  describe('hostile files', () => {
    const bomb = Buffer.from(`<feedback>${' '.repeat(3_000_000)}</feedback>`);

    it.each([
      ['gzip', gzipSync(bomb)],
      ['ZIP', zipFile([{ name: 'r.xml', content: bomb }])],
      ['ZIP that lies about its size', zipFile([{ name: 'r.xml', content: bomb, claimed: 10 }])],
      ['plain XML', bomb],
    ])('stops decompressing %s', (_, file) => {
      expect(parse(file, { maxXmlBytes: 1_000_000 })).toMatchObject({ ok: false, reason: 'too-large' });
    });

    it('looks at sixteen files of an archive', () => {
      const xml = { name: 'r.xml', content: feedback(record()) };
      const others = (count: number) =>
        Array.from({ length: count }, (_, index) => ({ name: `${index}`, content: 'x' }));
      expect(parse(zipFile([...others(15), xml]))).toMatchObject({ ok: true });
      expect(parse(zipFile([...others(16), xml]))).toMatchObject({ ok: false, reason: 'not-xml' });
    });

    it('refuses a file that is too large before it looks at it', () => {
      expect(parse('x'.repeat(11), { maxFileBytes: 10 })).toMatchObject({ ok: false, reason: 'too-large' });
    });

    it('takes no entities, neither inner nor outer ones', () => {
      const laughs = `<!DOCTYPE f [<!ENTITY a "ha"><!ENTITY b "&a;&a;"><!ENTITY x SYSTEM "file:///etc/passwd">]>`;
      expect(parse(laughs + feedback(record()))).toMatchObject({ ok: false, reason: 'not-xml' });
      const undeclared = reportOf(feedback(record()).replace('<org_name>o', '<org_name>&x;&#65;&#x42;&lt;&#0;'));
      expect(undeclared.report.metadata.orgName).toBe('&x;AB<\ufffd');
    });

    it('bounds elements, depth and rows', () => {
      expect(parse(`<feedback>${'<a/>'.repeat(2_000)}</feedback>`, { maxRows: 1 })).toMatchObject({
        ok: false,
        reason: 'too-large',
      });
      expect(parse('<feedback>'.repeat(50))).toMatchObject({ ok: false, reason: 'not-xml' });
      const cut = parse(feedback(record(), record(), record()), { maxRows: 2 });
      expect(cut).toMatchObject({ ok: true, skippedRows: 1, problems: [{ at: 'record' }] });
      expect(cut.ok && cut.report.rows).toHaveLength(2);
    });

    it.each([
      ['long text', `<version>${'x'.repeat(70_000)}</version>`],
      ['long text with comments in it', `<version>${`${'x'.repeat(7_000)}<!---->`.repeat(10)}</version>`],
      ['much white space behind the end', `<version/></feedback>${' '.repeat(70_000)}`],
      ['many names', Array.from({ length: 600 }, (_, index) => `<a${index}/>`).join('')],
      ['many instructions', '<?a b="c"?>'.repeat(20)],
      ['a long instruction', `<?a ${'b= '.repeat(1_000)}?>`],
      ['instructions without an end', '<?a'.repeat(1_000)],
    ])('refuses %s, on which the parser would spend much', (_, inner) => {
      expect(parse(`<feedback>${inner}</feedback>`)).toMatchObject({ ok: false });
    });

    it.each(['__proto__', 'constructor', 'prototype', 'hasOwnProperty', 'toString'])(
      'lets <%s> change nothing',
      (name) => {
        const result = parse(feedback(`<${name}><polluted>1</polluted></${name}>`, record()));
        expect(Reflect.get({}, 'polluted')).toBeUndefined();
        if (result.ok) expect(result.report.rows).toHaveLength(1);
      },
    );

    it('never throws, whatever is cut out or put in', () => {
      const xml = feedback(record(), record());
      const files = [Buffer.from(xml), gzipSync(xml), zipFile([{ name: 'r.xml', content: xml }])];
      fc.assert(
        fc.property(
          fc.constantFrom(...files),
          fc.nat(),
          fc.nat(40),
          fc.uint8Array({ maxLength: 20 }),
          (file, at, length, bytes) => {
            const from = at % file.length;
            const mutant = Buffer.concat([file.subarray(0, from), bytes, file.subarray(from + length)]);
            const result = parse(mutant);
            if (result.ok) expect(result.report.rows.length).toBeLessThanOrEqual(3);
            else expect(result.detail).not.toBe('');
          },
        ),
      );
      fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof parse(bytes).ok === 'boolean'));
    });
  });

  describe('reports that are not quite right', () => {
    it('reads words of RFC 7489 and misspelt ones, and says so', () => {
      const results =
        '<dkim><domain>a.example</domain><result>PASS</result></dkim>' +
        '<spf><domain>b.example</domain><scope>helo</scope><result>hardfail</result></spf>' +
        '<spf><domain>c.example</domain><result>maybe</result></spf>';
      const result = reportOf(feedback(record({ results, disposition: 'Quarantine' })));
      expect(result.report.rows[0]).toMatchObject({
        disposition: 'quarantine',
        dkimResults: [{ domain: 'a.example', selector: '', result: 'pass' }],
        spfResults: [
          { domain: 'b.example', scope: 'helo', result: 'fail' },
          { domain: 'c.example', result: 'unknown' },
        ],
      });
      expect(result.problems.map(({ at }) => at)).toEqual([
        'record/row/policy_evaluated/disposition',
        'record/auth_results/dkim/result',
        'record/auth_results/spf/result',
        'record/auth_results/spf/result',
      ]);
    });

    it('tells the errors of RFC 7489, appendix C, apart', () => {
      const results =
        '<dkim><domain>a.example</domain><result>unknown</result></dkim>' +
        '<spf><domain>a.example</domain><result>error</result></spf>';
      expect(reportOf(feedback(record({ results }))).report.rows[0]).toMatchObject({
        dkimResults: [{ result: 'temperror' }],
        spfResults: [{ result: 'permerror' }],
      });
    });

    it('says that bytes are damaged, and not that U+FFFD stands for something', () => {
      const xml = feedback(record()).replace('<org_name>o', '<org_name>\ufffd');
      expect(reportOf(xml).problems).toEqual([]);
      const damaged = Buffer.from(xml);
      damaged[damaged.indexOf('\ufffd')] = 0x20;
      expect(reportOf(damaged).problems).toMatchObject([{ at: '' }]);
      const unheardOf = `<?xml version="1.0" encoding="x-none"?>${feedback(record())}`;
      expect(reportOf(unheardOf).problems).toMatchObject([{ at: '' }]);
      expect(reportOf(unheardOf).report.rows).toHaveLength(1);
    });

    it('skips rows without address or count, and counts them', () => {
      const result = reportOf(
        feedback(record({ ip: '' }), record({ ip: 'x' }), record({ count: '-1' }), record({ count: '1e9' }), record()),
      );
      expect(result.skippedRows).toBe(4);
      expect(result.report.rows).toHaveLength(1);
    });

    it('reads a report with next to nothing in it', () => {
      const result = reportOf('<feedback/>');
      expect(result.report).toMatchObject({ metadata: { orgName: '', begin: 0 }, policy: { p: 'unknown' }, rows: [] });
      expect(result.problems.length).toBeGreaterThan(5);
    });

    it('says that a report is cut off', () => {
      const { problems, report } = reportOf(feedback(record(), record()).slice(0, -'</record></feedback>'.length));
      expect(problems).toContainEqual({ at: 'feedback', message: 'The document is cut off.', count: 1 });
      expect(report.rows.length).toBeGreaterThan(0);
    });

    it('takes elements that nobody knows, with any prefix', () => {
      const extension = '<extension><x:y xmlns:x="urn:x">1</x:y></extension>';
      const result = reportOf(feedback(extension, record().replace('</record>', '<x:row>9</x:row></record>')));
      expect(result.problems).toEqual([]);
      expect(result.report.rows[0]?.count).toBe(2);
    });

    it('counts a problem that comes back in each row', () => {
      const { problems } = reportOf(feedback(...Array.from({ length: 100 }, () => record({ disposition: 'x' }))));
      expect(problems).toEqual([
        { at: 'record/row/policy_evaluated/disposition', message: 'This is no value for it: "x"', count: 100 },
      ]);
    });

    it('bounds the list of problems', () => {
      const rows = Array.from({ length: 100 }, (_, index) => record({ disposition: `x${index}${'y'.repeat(200)}` }));
      const { problems } = reportOf(feedback(...rows));
      expect(problems).toHaveLength(50);
      for (const { message } of problems) expect(message.length).toBeLessThan(120);
    });
  });

  it('takes bytes and known options only', () => {
    // @ts-expect-error: what JavaScript may do
    expect(() => parseAggregateReport('<feedback/>')).toThrow(TypeError);
    // @ts-expect-error: what JavaScript may do
    expect(() => parse('', { maxRow: 1 })).toThrow(TypeError);
    expect(() => parse('', { maxRows: 0 })).toThrow(RangeError);
  });
});
