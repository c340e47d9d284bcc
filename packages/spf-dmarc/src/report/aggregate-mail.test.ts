import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type AggregateMailInput, formatAggregateMail } from './aggregate-mail.ts';
import { parseAggregateMail } from './aggregate-mail-parse.ts';
import type { AggregateReport } from './aggregate-report.ts';
import { zipFile } from './test-zip.ts';

const report: AggregateReport = {
  metadata: { orgName: 'x', email: 'x@example.net', reportId: 'a1', begin: 86_400, end: 172_799, errors: [] },
  policy: { domain: 'example.com', p: 'none' },
  rows: [
    {
      count: 1,
      sourceIp: '192.0.2.1',
      disposition: 'none',
      dkim: 'pass',
      spf: 'pass',
      reasons: [],
      headerFrom: 'example.com',
      dkimResults: [],
      spfResults: [],
    },
  ],
};
const input: AggregateMailInput = {
  report,
  reporter: { orgName: 'Example Net', email: 'dmarc@example.net', domain: 'mx.example.net' },
  recipient: 'rua@example.com',
  date: 200_000_000,
};

function textOf(changes: Partial<AggregateMailInput> = {}): string {
  return Buffer.from(formatAggregateMail({ ...input, ...changes }).message).toString('latin1');
}

describe('formatAggregateMail', () => {
  it('writes the header by RFC 9990 and RFC 5322', () => {
    const [header = ''] = textOf().split('\r\n\r\n');
    const fields = header.replaceAll('\r\n ', ' ').split('\r\n');
    expect(fields.slice(0, 7)).toEqual([
      'From: <dmarc@example.net>',
      'To: <rua@example.com>',
      'Subject: Report Domain: example.com Submitter: mx.example.net Report-ID: <a1>',
      'Date: Sat, 03 Jan 1970 07:33:20 +0000',
      'Message-ID: <a1@mx.example.net>',
      'Auto-Submitted: auto-generated',
      'MIME-Version: 1.0',
    ]);
    expect(fields[7]).toMatch(/^Content-Type: multipart\/mixed; boundary="=_[0-9a-f-]{36}"$/);
  });

  it('attaches the file as application/gzip, in lines of 76 characters', () => {
    const text = textOf();
    expect(text.replaceAll('\r\n ', ' ')).toContain(
      'Content-Type: application/gzip\r\nContent-Disposition: attachment; filename="mx.example.net!example.com!86400!172799!a1.xml.gz"\r\n',
    );
    for (const line of text.split('\r\n')) expect(line.length).toBeLessThanOrEqual(80);
  });

  it('reads back', () => {
    expect(parseAggregateMail(formatAggregateMail(input).message)).toMatchObject({ ok: true, report, problems: [] });
  });

  it('leaves an id out of the file name that may not stand there (RFC 9990 §3.5.2)', () => {
    const reportId = '3f0c2a4e-6c1e-4c57-9a57-d7b8a1c0ffee';
    const changed = { ...report, metadata: { ...report.metadata, reportId } };
    const text = textOf({ report: changed }).replaceAll('\r\n ', ' ');
    expect(text).toContain('filename="mx.example.net!example.com!86400!172799.xml.gz"');
    expect(text).toContain(`Report-ID: <${reportId}>`);
    expect(text).toContain(`Message-ID: <${reportId}@mx.example.net>`);
  });

  it('keeps hostile names within their fields', () => {
    const hostile = 'a"\r\nBcc: x@example.org\r\n\r\n!b';
    const changed = {
      ...report,
      metadata: { ...report.metadata, reportId: hostile },
      policy: { ...report.policy, domain: hostile },
    };
    const [header = ''] = textOf({ report: changed }).split('\r\n\r\n');
    expect(header).not.toMatch(/^Bcc/m);
    expect(header).toContain('Report Domain: a___Bcc__x_example.org_____b');
  });

  it('takes reporters with an address only', () => {
    for (const email of [
      'x',
      'a b@example.net',
      'a@b@example.net',
      'a@example.net\r\nX: y',
      '"a"@example.net',
      '@example.net',
    ]) {
      expect(() => textOf({ reporter: { orgName: 'x', email } })).toThrow(RangeError);
    }
    expect(() => textOf({ reporter: { orgName: 'x', email: 'a@example.net', domain: 'a b' } })).toThrow(RangeError);
    // @ts-expect-error: what JavaScript may do
    expect(() => textOf({ reporter: { email: 'a@example.net' } })).toThrow(TypeError);
  });
});

describe('parseAggregateMail', () => {
  const xml = '<feedback><record></record></feedback>';
  const mail = (...parts: Uint8Array[]): Buffer =>
    Buffer.from(
      'Content-Type: multipart/mixed; boundary=b\r\n' +
        parts
          .map((part) => `\r\n--b\r\nContent-Transfer-Encoding: base64\r\n\r\n${Buffer.from(part).toString('base64')}`)
          .join('') +
        '\r\n--b--',
    );

  it('finds the report, whatever else there is and whatever it is called', () => {
    const text = Buffer.from('Dear reader');
    for (const file of [gzipSync(xml), zipFile([{ name: 'r.xml', content: xml }]), Buffer.from(xml)]) {
      expect(parseAggregateMail(mail(text, file))).toMatchObject({ ok: true, skippedRows: 1 });
    }
    const single = `Content-Type: application/zip\r\nContent-Transfer-Encoding: base64\r\n\r\n${gzipSync(xml).toString('base64')}`;
    expect(parseAggregateMail(Buffer.from(single))).toMatchObject({ ok: true });
  });

  it('opens three archives at most: each may take as long as the largest report', () => {
    const broken = gzipSync(xml).subarray(0, 20);
    expect(parseAggregateMail(mail(broken, broken, gzipSync(xml)))).toMatchObject({ ok: true });
    expect(parseAggregateMail(mail(broken, broken, broken, gzipSync(xml)))).toMatchObject({ reason: 'bad-archive' });
    expect(parseAggregateMail(mail(broken, broken, broken, broken, Buffer.from(xml)))).toMatchObject({ ok: true });
  });

  it('looks at its options and at the size before it looks at the message', () => {
    expect(parseAggregateMail(Buffer.alloc(21), { maxFileBytes: 10 })).toMatchObject({ reason: 'too-large' });
    expect(() => parseAggregateMail(Buffer.alloc(0), { maxRows: 0 })).toThrow(RangeError);
    // @ts-expect-error: what JavaScript may do
    expect(() => parseAggregateMail(Buffer.alloc(0), { maxRow: 1 })).toThrow(TypeError);
  });

  it('says why there is none', () => {
    expect(parseAggregateMail(mail(Buffer.from('hello')))).toMatchObject({ ok: false, reason: 'not-xml' });
    expect(parseAggregateMail(mail(gzipSync(xml).subarray(0, 20)))).toMatchObject({ ok: false, reason: 'bad-archive' });
    expect(parseAggregateMail(mail(gzipSync(xml)), { maxXmlBytes: 10 })).toMatchObject({ reason: 'too-large' });
    // @ts-expect-error: what JavaScript may do
    expect(() => parseAggregateMail('x')).toThrow(TypeError);
  });
});
