import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatAggregateReport } from './aggregate-format.ts';
import { parseAggregateReport } from './aggregate-parse.ts';
import { AGGREGATE_NAMESPACE, type AggregateReport, type AggregateRow } from './aggregate-report.ts';

const row: AggregateRow = {
  count: 3,
  sourceIp: '192.0.2.1',
  disposition: 'quarantine',
  dkim: 'fail',
  spf: 'fail',
  reasons: [{ type: 'local_policy', comment: 'a & b' }],
  headerFrom: 'news.example.com',
  envelopeFrom: 'bounce.example.com',
  envelopeTo: 'example.net',
  dkimResults: [{ domain: 'example.org', selector: 's1', result: 'pass', humanResult: 'verified' }],
  spfResults: [{ domain: 'bounce.example.com', scope: 'mfrom', result: 'softfail', humanResult: '~all' }],
};

const report: AggregateReport = {
  metadata: {
    orgName: 'Example Net',
    email: 'dmarc@example.net',
    extraContactInfo: 'https://example.net/dmarc',
    reportId: 'a1b2c3',
    begin: 1_795_305_600,
    end: 1_795_391_999,
    errors: ['syntax: x'],
    generator: 'Postern 1.0',
  },
  policy: {
    domain: 'example.com',
    p: 'reject',
    sp: 'quarantine',
    np: 'reject',
    adkim: 's',
    aspf: 'r',
    fo: '1:d',
    testing: false,
    discoveryMethod: 'treewalk',
  },
  rows: [row],
};

/** The names of all start tags, in the order of the document. */
function tagsOf(xml: string): readonly string[] {
  return [...xml.matchAll(/<([a-z_]+)[ >/]/g)].map(([, name]) => name ?? '');
}

describe('formatAggregateReport', () => {
  it('writes the elements in the order of RFC 9990 §3.1.1', () => {
    expect(tagsOf(formatAggregateReport(report).xml)).toEqual([
      ...['feedback', 'version'],
      ...['report_metadata', 'org_name', 'email', 'extra_contact_info', 'report_id', 'date_range', 'begin', 'end'],
      ...['error', 'generator'],
      ...['policy_published', 'domain', 'discovery_method', 'p', 'sp', 'np', 'fo', 'adkim', 'aspf', 'testing'],
      ...['record', 'row', 'source_ip', 'count', 'policy_evaluated', 'disposition', 'dkim', 'spf', 'reason'],
      ...['type', 'comment', 'identifiers', 'header_from', 'envelope_from', 'envelope_to', 'auth_results'],
      ...['dkim', 'domain', 'selector', 'result', 'human_result', 'spf', 'domain', 'scope', 'result', 'human_result'],
    ]);
  });

  it('declares the namespace and UTF-8', () => {
    const { xml } = formatAggregateReport(report);
    expect(xml.startsWith('<?xml version="1.0" encoding="UTF-8"?>')).toBe(true);
    expect(xml).toContain(`<feedback xmlns="${AGGREGATE_NAMESPACE}">`);
  });

  it('leaves out what is not there', () => {
    const { xml } = formatAggregateReport({
      metadata: { orgName: 'x', email: 'x@example.net', reportId: '1', begin: 0, end: 1, errors: [] },
      policy: { domain: 'example.com', p: 'none' },
      rows: [{ ...row, reasons: [], dkimResults: [], spfResults: [] }],
    });
    expect(tagsOf(xml)).not.toContain('error');
    expect(tagsOf(xml)).not.toContain('sp');
    expect(tagsOf(xml)).not.toContain('reason');
    expect(xml).toContain('<auth_results></auth_results>');
  });

  it('keeps an empty reverse-path apart from an unknown one', () => {
    const xml = formatAggregateReport({ ...report, rows: [{ ...row, envelopeFrom: '' }] }).xml;
    const read = parseAggregateReport(Buffer.from(xml));
    expect(read.ok && read.report.rows[0]?.envelopeFrom).toBe('');
  });

  it('replaces what XML cannot hold, and counts it', () => {
    const hostile = 'a\0b\u0008c\ud800d\uffffe';
    const { xml, replaced } = formatAggregateReport({ ...report, rows: [{ ...row, headerFrom: hostile }] });
    expect(replaced).toBe(4);
    expect(xml).toContain('<header_from>a\ufffdb\ufffdc\ufffdd\ufffde</header_from>');
  });

  it('lets no value end its element', () => {
    const hostile = '</header_from><count>9</count><![CDATA[ ]]>&amp;<!--';
    const { xml } = formatAggregateReport({ ...report, rows: [{ ...row, headerFrom: hostile }] });
    const read = parseAggregateReport(Buffer.from(xml));
    expect(read).toMatchObject({ ok: true, problems: [], report: { rows: [{ headerFrom: hostile, count: 3 }] } });
  });

  it('cuts what is too long, signatures and texts', () => {
    const dkimResults = Array.from({ length: 150 }, (_, index) => ({
      domain: `${'a'.repeat(300)}${index}`,
      selector: 's',
      result: 'fail' as const,
    }));
    const { xml } = formatAggregateReport({ ...report, rows: [{ ...row, dkimResults }] });
    expect(tagsOf(xml).filter((tag) => tag === 'selector')).toHaveLength(100);
    expect(xml).toContain(`<domain>${'a'.repeat(254)}…</domain>`);
  });

  it('writes what RFC 9990 took out as other', () => {
    const rows = [{ ...row, reasons: [{ type: 'sampled_out' as const }, { type: 'forwarded' as const }] }];
    const { xml } = formatAggregateReport({ ...report, rows });
    expect(xml).not.toMatch(/sampled_out|forwarded/);
    expect(xml.match(/<type>other<\/type>/g)).toHaveLength(2);
  });
});

/** Text as it comes back: what a writer may change is left out. */
const text = fc
  .string({ unit: 'binary', minLength: 1, maxLength: 60 })
  .map((value) => value.replace(/[^\u0020-\ud7ff\ue000-\ufffc]/g, '').trim())
  .filter((value) => value !== '');
const optional = <T>(value: fc.Arbitrary<T>): fc.Arbitrary<T | undefined> => fc.option(value, { nil: undefined });

/** Without the keys whose value is `undefined`: the reader leaves them out. */
function compact<T extends object>(value: T): T {
  return JSON.parse(JSON.stringify(value));
}

const anyRow: fc.Arbitrary<AggregateRow> = fc.record({
  count: fc.nat(),
  sourceIp: fc.constantFrom('192.0.2.1', '2001:db8::1', '::', '255.255.255.255'),
  disposition: fc.constantFrom('none', 'pass', 'quarantine', 'reject'),
  dkim: fc.constantFrom('pass', 'fail'),
  spf: fc.constantFrom('pass', 'fail'),
  reasons: fc.array(
    fc.record({ type: fc.constantFrom('local_policy', 'mailing_list', 'other'), comment: optional(text) }),
    { maxLength: 3 },
  ),
  headerFrom: text,
  envelopeFrom: fc.constantFrom('', 'example.com'),
  dkimResults: fc.array(
    fc.record({ domain: text, selector: text, result: fc.constantFrom('pass', 'fail', 'temperror') }),
    { maxLength: 3 },
  ),
  spfResults: fc.array(
    fc.record({ domain: text, scope: fc.constant('mfrom'), result: fc.constantFrom('none', 'softfail') }),
    { maxLength: 1 },
  ),
});

const anyReport: fc.Arbitrary<AggregateReport> = fc.record({
  metadata: fc.record({
    orgName: text,
    email: text,
    reportId: text,
    begin: fc.nat(),
    end: fc.nat(),
    errors: fc.array(text, { maxLength: 1 }),
  }),
  policy: fc.record(
    {
      domain: text,
      p: fc.constantFrom('none', 'quarantine', 'reject'),
      sp: fc.constantFrom('none', 'quarantine', 'reject'),
      testing: fc.boolean(),
      adkim: fc.constantFrom('r', 's'),
      discoveryMethod: fc.constantFrom('treewalk', 'psl'),
    },
    { requiredKeys: ['domain', 'p'] },
  ),
  rows: fc.array(anyRow, { minLength: 1, maxLength: 4 }),
});

describe('a report that is written and read', () => {
  it('says the same', () => {
    fc.assert(
      fc.property(anyReport, (written) => {
        const read = parseAggregateReport(Buffer.from(formatAggregateReport(written).xml));
        if (!read.ok) throw new Error(read.detail);
        const { metadata, policy, rows } = read.report;
        expect(read.problems).toEqual([]);
        expect({ metadata, policy, rows }).toEqual(compact(written));
      }),
    );
  });
});
