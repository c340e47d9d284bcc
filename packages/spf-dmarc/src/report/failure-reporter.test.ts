import { MemoryStore } from '@postern/core';
import { FakeClock, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerOf } from '../test-header.ts';
import { parseFailureReport } from './failure-parse.ts';
import type { FailureFacts } from './failure-report.ts';
import { type FailureInput, FailureReporter, type FailureReporterOptions } from './failure-reporter.ts';
import type { ReportMail } from './report-mail.ts';
import { mailto } from './test-record.ts';

const clock = new FakeClock(Date.UTC(2026, 10, 22, 12));
const header = headerOf(
  'Received: from a.example by mx.example.net for <bob@example.net>;\r\n\tSun, 22 Nov 2026 12:00:00 +0000\r\n' +
    'From: "Alice" <alice@example.com>\r\nTo: bob@example.net, "c d"@example.net\r\nMessage-ID: <id@example.com>\r\n' +
    'Subject: hello',
);
const facts: FailureFacts = {
  authFailure: 'dmarc',
  reportedDomain: 'example.com',
  identityAlignment: ['dkim', 'spf'],
  sourceIp: '192.0.2.1',
  arrivedAt: clock.now(),
  results: [
    {
      method: 'spf',
      result: 'fail',
      properties: [{ ptype: 'smtp', property: 'mailfrom', value: 'alice@example.com' }],
    },
    { method: 'dmarc', result: 'fail', properties: [{ ptype: 'header', property: 'from', value: 'example.com' }] },
  ],
  mailFrom: 'alice@example.com',
  recipients: ['bob@example.net'],
  envelopeId: 'Q1',
  deliveryResult: 'reject',
  dkim: { domain: 'example.com', selector: 's1', identity: '@example.com' },
  spfDns: [{ domain: 'example.com', record: 'v=spf1 exists:"x" -all' }],
};

function reporter(options: Partial<FailureReporterOptions> = {}): FailureReporter {
  return new FailureReporter({
    reporter: { orgName: 'Example Net', email: 'dmarc@example.net' },
    resolver: new ZoneResolver({}),
    store: new MemoryStore({ clock }),
    clock,
    ...options,
  });
}

function input(changes: Partial<FailureInput> = {}): FailureInput {
  return { facts, message: { header }, policyDomain: 'example.com', ruf: [mailto('ruf@example.com')], ...changes };
}

async function mailOf(
  options: Partial<FailureReporterOptions> = {},
  changes: Partial<FailureInput> = {},
): Promise<ReportMail> {
  const outcome = await reporter(options).report(input(changes));
  if (outcome.kind !== 'mails' || outcome.mails[0] === undefined) throw new Error(JSON.stringify(outcome));
  return outcome.mails[0];
}

function read(mail: ReportMail) {
  const result = parseFailureReport(mail.message);
  if (!result.ok) throw new Error(result.detail);
  return result;
}

describe('FailureReporter', () => {
  it('writes a report that reads back as it was', async () => {
    const mail = await mailOf({ redaction: false });
    expect(mail).toMatchObject({
      mailFrom: 'dmarc@example.net',
      recipient: 'ruf@example.com',
      subject: 'DMARC failure report for example.com',
    });
    const { report, problems } = read(mail);
    expect(problems).toEqual([]);
    expect(report).toMatchObject({
      feedbackType: 'auth-failure',
      userAgent: 'Postern',
      authFailure: 'dmarc',
      reportedDomain: 'example.com',
      identityAlignment: ['dkim', 'spf'],
      sourceIp: '192.0.2.1',
      arrivedAt: clock.now(),
      results: facts.results,
      mailFrom: 'alice@example.com',
      recipients: ['bob@example.net'],
      envelopeId: 'Q1',
      deliveryResult: 'reject',
      dkimDomain: 'example.com',
      dkimSelector: 's1',
      dkimIdentity: '@example.com',
      spfDns: ['txt : example.com : "v=spf1 exists:\\"x\\" -all"'],
      incidents: 1,
    });
    expect(report.original?.header.fields.map(({ name, value }) => [name, value])).toEqual(
      header.fields.map(({ name, value }) => [name, value]),
    );
    expect(report.original?.body).toHaveLength(0);
  });

  it('is a multipart/report that says that nobody wrote it', async () => {
    const text = Buffer.from((await mailOf()).message).toString('latin1');
    expect(text).toMatch(/^Content-Type: multipart\/report; report-type=feedback-report;\r\n boundary="/m);
    expect(text).toContain('\r\nAuto-Submitted: auto-generated\r\n');
    expect([...text.matchAll(/^Content-Type: (\S+)\r$/gm)].map(([, type]) => type)).toEqual([
      'message/feedback-report',
      'text/rfc822-headers',
    ]);
    expect(text).not.toMatch(/[^\r]\n|\r[^\n]/);
  });

  it('redacts local parts everywhere by default, the same ones alike, and keeps domains and Message-ID', async () => {
    const key = Buffer.from('a key of some bytes');
    const mail = await mailOf({ redaction: key });
    const text = Buffer.from(mail.message).toString('latin1');
    expect(text).not.toMatch(/alice@|bob@|c d/);
    const { report } = read(mail);
    const name = report.mailFrom?.split('@')[0] ?? '';
    expect(name).toMatch(/^[A-Za-z0-9_-]{16}$/);
    expect(report.original?.header.first('From')?.value).toBe(`"Alice" <${name}@example.com>`);
    expect(report.results[0]?.properties?.[0]?.value).toBe(`${name}@example.com`);
    expect(report.original?.header.first('Message-ID')?.value).toBe('<id@example.com>');
    expect(read(await mailOf({ redaction: key })).report.mailFrom).toBe(report.mailFrom);
    expect(read(await mailOf()).report.mailFrom).not.toBe(report.mailFrom);
  });

  it('shows a body only when it is told to, within its bound', async () => {
    const message = { header, body: Buffer.from('line\nbare\r\nend\0\rx'.padEnd(5_000, 'y')) };
    expect(read(await mailOf({}, { message })).report.original?.body).toHaveLength(0);
    const shown = read(await mailOf({ showBody: true, maxQuotedBytes: 1_000, redaction: false }, { message })).report;
    const body = Buffer.from(shown.original?.body ?? []).toString();
    expect(body.startsWith('line\r\nbare\r\nend \r\nxy')).toBe(true);
    expect(body.length).toBeLessThan(1_000);
  });

  it('quotes whole fields only', async () => {
    const { report } = read(await mailOf({ maxQuotedBytes: header.byteLength - 5, redaction: false }));
    expect(report.original?.header.fields.map(({ name }) => name)).toEqual(['Received', 'From', 'To', 'Message-ID']);
  });

  it('lets nothing in its values begin another field or part', async () => {
    const hostile = 'x\r\nAuth-Failure: spf\r\n\r\n--=_\r\nContent-Type: text/html\r\n\r\n<script>';
    const changed: FailureFacts = {
      ...facts,
      reportedDomain: hostile,
      mailFrom: hostile,
      envelopeId: hostile,
      recipients: [hostile],
      spfDns: [{ domain: hostile, record: hostile }],
      dkim: { domain: hostile, selector: hostile, identity: hostile },
      results: [{ method: 'spf', result: 'fail', reason: hostile }],
    };
    const { report } = read(await mailOf({ redaction: false }, { facts: changed }));
    expect(report.authFailure).toBe('dmarc');
    expect(report.fields.all('Auth-Failure')).toHaveLength(1);
    expect(report.original?.header.first('Subject')?.value).toBe('hello');
  });

  it('writes its own part of the mail in ASCII', async () => {
    const changed = { ...facts, reportedDomain: 'ex\u00e4mple.com\u202e' };
    const mail = await mailOf({}, { facts: changed });
    expect(mail.subject).toBe('DMARC failure report for ex?mple.com?');
    const [head = ''] = Buffer.from(mail.message).toString().split('message/feedback-report');
    expect(head).toMatch(/^[\t\r\n -~]*$/);
  });

  it('does not report on reports, bounces and answers', async () => {
    const outcome = { kind: 'none', reason: 'automatic' };
    const failures = reporter();
    expect(await failures.report(input({ facts: { ...facts, mailFrom: '' } }))).toMatchObject(outcome);
    const [own = ''] = Buffer.from((await mailOf()).message)
      .toString('latin1')
      .split('\r\n\r\n');
    expect(await failures.report(input({ message: { header: headerOf(own) } }))).toMatchObject(outcome);
    for (const line of [
      'Auto-Submitted: auto-replied',
      'Auto-Submitted: auto-generated; x=y',
      'Auto-Submitted: notified',
      'Content-Type: Multipart/Report; report-type=delivery-status',
    ]) {
      expect(await failures.report(input({ message: { header: headerOf(line) } }))).toMatchObject(outcome);
    }
    for (const line of ['Auto-Submitted: no', 'Auto-Submitted: No; x=y', 'Auto-Submitted: no (a person)']) {
      expect(await reporter().report(input({ message: { header: headerOf(line) } }))).toMatchObject({ kind: 'mails' });
    }
  });

  it('keeps its limits: of similar failures, for a destination, in all', async () => {
    const store = new MemoryStore({ clock });
    const failures = reporter({ store, maxSimilar: 1, maxPerDestination: 2, maxPerHour: 3 });
    const report = async (sourceIp: string, domain = 'example.com') =>
      (
        await failures.report(
          input({ facts: { ...facts, sourceIp }, policyDomain: domain, ruf: [mailto(`ruf@${domain}`)] }),
        )
      ).kind;
    expect(await report('192.0.2.1')).toBe('mails');
    expect(await report('192.0.2.1')).toBe('none');
    expect(await report('192.0.2.2')).toBe('mails');
    expect(await report('192.0.2.3')).toBe('none');
    expect(await report('192.0.2.3', 'example.org')).toBe('mails');
    expect(await report('192.0.2.4', 'example.info')).toBe('none');
    expect(await reporter({ store, maxPerHour: 3 }).report(input())).toMatchObject({ reason: 'limited' });
    clock.advance(2 * 3_600_000);
    expect(await report('192.0.2.1')).toBe('mails');
  });

  it('reports to as many of several addresses as its limits can ever let through', async () => {
    const ruf = ['a@example.com', 'b@example.com', 'c@mail.example.com'].map(mailto);
    const recipients = async (options: Partial<FailureReporterOptions>) => {
      const resolver = new ZoneResolver({ '_dmarc.example.com': { TXT: 'v=DMARC1; p=none' } });
      const outcome = await reporter({ resolver, maxDestinations: 3, ...options }).report(input({ ruf }));
      return outcome.kind === 'mails' ? outcome.mails.map(({ recipient }) => recipient) : outcome.reason;
    };
    expect(await recipients({})).toHaveLength(3);
    expect(await recipients({ maxPerDestination: 1 })).toEqual(['a@example.com', 'c@mail.example.com']);
    expect(await recipients({ maxPerHour: 1 })).toEqual(['a@example.com']);
  });

  it('waits for its limits no longer than the caller wants', async () => {
    const store = new MemoryStore({ clock });
    const controller = new AbortController();
    Object.assign(store, {
      charge: () => {
        setImmediate(() => controller.abort());
        return new Promise(() => {});
      },
    });
    expect(await reporter({ store }).report(input(), controller.signal)).toMatchObject({ reason: 'unknown' });
  });

  it('asks destinations elsewhere, for ruf and not for rua', async () => {
    const resolver = new ZoneResolver({
      'example.com._report._dmarc.a.example': { TXT: 'v=DMARC1; rua=mailto:rua@a.example; ruf=mailto:other@a.example' },
      'example.com._report._dmarc.b.example': 'timeout',
    });
    expect((await mailOf({ resolver }, { ruf: [mailto('x@a.example')] })).recipient).toBe('other@a.example');
    const failures = reporter({ resolver });
    expect(await failures.report(input({ ruf: [mailto('x@b.example')] }))).toMatchObject({ reason: 'unknown' });
    expect(await failures.report(input({ ruf: [mailto('x@c.example')] }))).toMatchObject({ reason: 'no-destination' });
    expect(await failures.report(input({ ruf: [] }))).toMatchObject({ reason: 'no-destination' });
  });

  it('sends nothing while its limits cannot be asked', async () => {
    const store = new MemoryStore({ clock });
    store.charge = () => {
      throw new Error('down');
    };
    expect(await reporter({ store }).report(input())).toMatchObject({ kind: 'none', reason: 'unknown' });
  });

  it('takes options of the right kind only', () => {
    expect(() => reporter({ redaction: Buffer.from('short') })).toThrow(TypeError);
    expect(() => reporter({ maxPerHour: 0 })).toThrow(RangeError);
    // @ts-expect-error: what JavaScript may do
    expect(() => reporter({ maxPerDay: 1 })).toThrow(TypeError);
  });
});

describe('parseFailureReport', () => {
  it('reads the facts of the example of RFC 9991, appendix A', () => {
    const message = [
      'From: DMARC Filter <DMARC@gen.example>',
      'To: dmarcfail@consumer.example',
      'Content-Type: multipart/report; report-type=feedback-report;',
      '  boundary="=_mime_boundary_"',
      '',
      '--=_mime_boundary_',
      'Content-Type: text/plain; charset=utf-8',
      '',
      'For a person.',
      '',
      '--=_mime_boundary_',
      'Content-Type: message/feedback-report',
      'Content-Transfer-Encoding: 7bit',
      '',
      'Feedback-Type: auth-failure',
      'Version: 1',
      'User-Agent: DMARC-Filter/1.2.3',
      'Auth-Failure: dmarc',
      'Authentication-Results: gen.example;',
      '  dmarc=fail header.from=consumer.example',
      'Identity-Alignment: dkim',
      'DKIM-Domain: consumer.example',
      'DKIM-Identity: @consumer.example',
      'DKIM-Selector: epsilon',
      'Original-Envelope-Id: 65E1A3F0A0',
      'Original-Mail-From: author=gen.example@forwarder.example',
      'Source-IP: 192.0.2.2',
      'Source-Port: 12345',
      'Reported-Domain: consumer.example',
      '',
      '--=_mime_boundary_',
      'Content-Type: message/rfc822; charset=utf-8',
      '',
      'From: Message Author <author@consumer.example>',
      'Subject: This is the original subject',
      '',
      '[ Message body was here ]',
      '--=_mime_boundary_--',
      '',
    ].join('\n');
    const result = parseFailureReport(Buffer.from(message));
    expect(result).toMatchObject({
      ok: true,
      problems: [],
      report: {
        authFailure: 'dmarc',
        userAgent: 'DMARC-Filter/1.2.3',
        identityAlignment: ['dkim'],
        dkimDomain: 'consumer.example',
        dkimIdentity: '@consumer.example',
        dkimSelector: 'epsilon',
        envelopeId: '65E1A3F0A0',
        mailFrom: 'author=gen.example@forwarder.example',
        sourceIp: '192.0.2.2',
        arrivedAt: undefined,
        reportedDomain: 'consumer.example',
        results: [{ method: 'dmarc', result: 'fail' }],
      },
    });
    if (!result.ok) return;
    expect(result.report.fields.first('Source-Port')?.value).toBe('12345');
    expect(result.report.original?.header.first('Subject')?.value).toBe('This is the original subject');
    expect(Buffer.from(result.report.original?.body ?? []).toString()).toBe('[ Message body was here ]');
  });

  it('lists what is odd', () => {
    const message =
      'Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n' +
      'Auth-Failure: magic\r\nIdentity-Alignment: x\r\nSource-IP: [IPv6:2001:db8::1]\r\nArrival-Date: never\r\n' +
      'Delivery-Result: eaten\r\nIncidents: many\r\n--b--';
    const result = parseFailureReport(Buffer.from(message));
    expect(result).toMatchObject({
      ok: true,
      report: { authFailure: 'unknown', sourceIp: '2001:db8::1', incidents: 1 },
    });
    expect(result.ok && result.problems.map(({ at }) => at).toSorted()).toEqual([
      'Arrival-Date',
      'Auth-Failure',
      'Authentication-Results',
      'Delivery-Result',
      'Feedback-Type',
      'Identity-Alignment',
      'Incidents',
      'Reported-Domain',
    ]);
  });

  it.each([
    ['Sun, 22 Nov 2026 12:00:00 +0000', Date.UTC(2026, 10, 22, 12)],
    ['22 Nov 2026 13:00 +0100 (CET)', Date.UTC(2026, 10, 22, 12)],
    ['Sun, 22 Nov 2026 12:00:00 GMT', Date.UTC(2026, 10, 22, 12)],
    ['1', undefined],
    ['22 Nov 2026 12:00:00', undefined],
    ['Sun, 99 Nov 2026 12:00:00 +0000', undefined],
    ['(('.repeat(1_000), undefined],
  ])('reads the date %j', (text, arrivedAt) => {
    const message =
      'Content-Type: multipart/report; boundary=b\r\n\r\n--b\r\nContent-Type: message/feedback-report\r\n\r\n' +
      `Arrival-Date: ${text}\r\n\r\n--b--`;
    const result = parseFailureReport(Buffer.from(message));
    expect(result).toMatchObject({ ok: true, report: { arrivedAt } });
    expect(result.ok && result.problems.some(({ at }) => at === 'Arrival-Date')).toBe(arrivedAt === undefined);
  });

  it('refuses what is no report, or too large', () => {
    expect(parseFailureReport(Buffer.from('Subject: x\r\n\r\nhello'))).toMatchObject({ reason: 'not-a-report' });
    expect(parseFailureReport(Buffer.alloc(11), { maxBytes: 10 })).toMatchObject({ reason: 'too-large' });
    // @ts-expect-error: what JavaScript may do
    expect(() => parseFailureReport('x')).toThrow(TypeError);
  });

  it('never throws', async () => {
    const message = Buffer.from((await mailOf({ redaction: false })).message);
    fc.assert(
      fc.property(fc.nat(message.length), fc.nat(60), fc.uint8Array({ maxLength: 20 }), (at, length, bytes) => {
        const mutant = Buffer.concat([message.subarray(0, at), bytes, message.subarray(at + length)]);
        const result = parseFailureReport(mutant);
        if (!result.ok) expect(result.reason).toBe('not-a-report');
      }),
    );
  });
});
