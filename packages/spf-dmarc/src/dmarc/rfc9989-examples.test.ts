import { describe, expect, it } from 'vitest';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import { parseDmarcRecord } from './parse-dmarc-record.ts';
import { type Case, dkim, evaluate, type Records, spf } from './test-evaluation.ts';

/** Table 1 and appendix B leave out the record that relaxed alignment takes. */
const relaxed: Records = { 'example.com': 'v=DMARC1; p=none' };

describe('the examples of RFC 9989', () => {
  it.each<[string, string, Case, string | undefined, string | undefined]>([
    ['Table 1, 1', 'news.example.com', { dkim: dkim('foo.example.com') }, undefined, 'relaxed'],
    ['Table 1, 2', 'news.example.com', { dkim: dkim('news.example.com') }, undefined, 'strict'],
    ['Table 1, 3', 'news.example.com', { dkim: dkim('foo.example.net') }, undefined, 'none'],
    ['B.1.1, 1', 'example.com', { spf: spf('example.com') }, 'strict', undefined],
    ['B.1.1, 2', 'example.com', { spf: spf('child.example.com') }, 'relaxed', undefined],
    ['B.1.1, 3', 'child.example.com', { spf: spf('example.net') }, 'none', undefined],
    ['B.1.2, 1', 'example.com', { dkim: dkim('example.com') }, undefined, 'strict'],
    ['B.1.2, 2', 'child.example.com', { dkim: dkim('example.com') }, undefined, 'relaxed'],
    ['B.1.2, 3', 'child.example.com', { dkim: dkim('example.net') }, undefined, 'none'],
  ])('%s', async (_, author, input, spfAlignment, dkimAlignment) => {
    const { alignment, result } = await evaluate({ headerFrom: `sender@${author}`, records: relaxed, ...input });
    expect(alignment.spf?.alignment).toBe(spfAlignment);
    expect(alignment.dkim[0]?.alignment).toBe(dkimAlignment);
    expect(result).toBe((spfAlignment ?? dkimAlignment) === 'none' ? 'fail' : 'pass');
  });

  it.each([
    ['B.2.1', 'v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com'],
    ['B.2.2', 'v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@example.com'],
    [
      'B.2.3',
      'v=DMARC1; p=none; rua=mailto:dmarc-feedback@example.com; ruf=mailto:auth-reports@thirdparty.example.net',
    ],
    [
      'B.2.5',
      'v=DMARC1; p=quarantine; rua=mailto:dmarc-feedback@example.com,mailto:tld-test@thirdparty.example.net; t=y',
    ],
    ['B.3.1', 'v=DMARC1; p=reject; aspf=r; rua=mailto:dmarc-feedback@example.com'],
  ])('%s is read without a note', (_, text) => {
    expect(parseDmarcRecord(text)?.notes).toEqual([]);
  });

  it.each<[string, Case, Partial<DmarcEvaluation>, string, string]>([
    [
      'B.3.1',
      {
        headerFrom: 'a@example.com',
        records: { 'example.com': 'v=DMARC1; p=reject; aspf=r; rua=mailto:dmarc-feedback@example.com' },
        spf: spf('mail.example.com'),
        dkim: dkim('example.com'),
      },
      { policyDomain: 'example.com' },
      'relaxed',
      'strict',
    ],
    [
      'B.4.1',
      {
        headerFrom: 'a@example.com',
        records: { 'example.com': 'v=DMARC1; p=none', 'signing.example.com': 'v=DMARC1; p=none' },
        spf: spf('example.com'),
        dkim: dkim('signing.example.com'),
      },
      { policyDomain: 'example.com', organizationalDomain: 'example.com' },
      'strict',
      'relaxed',
    ],
    [
      'B.4.2',
      {
        headerFrom: 'a@a.b.c.d.e.f.g.h.i.j.k.example.com',
        records: { 'example.com': 'v=DMARC1; p=none', 'signing.example.com': 'v=DMARC1; p=none' },
        spf: spf('example.com'),
        dkim: dkim('signing.example.com'),
      },
      { policyDomain: 'example.com', organizationalDomain: 'example.com' },
      'relaxed',
      'relaxed',
    ],
    [
      'B.4.3',
      {
        headerFrom: 'a@giant.bank.example',
        records: { 'bank.example': 'v=DMARC1; p=none; psd=y', 'giant.bank.example': 'v=DMARC1; p=none' },
        spf: spf('mail.giant.bank.example'),
        dkim: dkim('mail.mega.bank.example'),
      },
      { policyDomain: 'giant.bank.example', organizationalDomain: 'giant.bank.example' },
      'relaxed',
      'none',
    ],
  ])('%s', async (_, input, expected, spfAlignment, dkimAlignment) => {
    const evaluation = await evaluate(input);
    expect(evaluation).toMatchObject({ result: 'pass', ...expected });
    expect(evaluation.alignment.spf?.alignment).toBe(spfAlignment);
    expect(evaluation.alignment.dkim[0]?.alignment).toBe(dkimAlignment);
  });

  it('§11.8: an organization that is not the topmost one keeps its siblings out', async () => {
    const records = { 'mail.example.com': 'v=DMARC1; p=reject; psd=n', 'example.com': 'v=DMARC1; p=reject' };
    const identifiers = { records, dkim: dkim('mail.example.com') };
    expect(await evaluate({ headerFrom: 'x@a.mail.example.com', ...identifiers })).toMatchObject({ result: 'pass' });
    expect(await evaluate({ headerFrom: 'x@evil.example.com', ...identifiers })).toMatchObject({ result: 'fail' });
  });
});
