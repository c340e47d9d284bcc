import { describe, expect, it } from 'vitest';
import { type AggregateRecordInput, aggregateRecord } from './aggregate-record.ts';
import { evaluationOf } from './test-evaluation.ts';

const ip = '192.0.2.1';

function messageOf(input: Omit<AggregateRecordInput, 'ip'>) {
  return aggregateRecord({ ip, ...input })?.message;
}

describe('aggregateRecord', () => {
  it('says what the record publishes, defaults in the place of what is missing', () => {
    const record = aggregateRecord({
      ip,
      dmarc: evaluationOf({
        record: 'v=DMARC1; p=reject; sp=none; t=y; adkim=s; fo=1:d; pct=5; rua=mailto:a@example.com',
      }),
    });
    expect(record).toMatchObject({
      policy: {
        domain: 'example.com',
        p: 'reject',
        sp: 'none',
        np: 'none',
        adkim: 's',
        aspf: 'r',
        fo: '1:d',
        testing: true,
        discoveryMethod: 'treewalk',
      },
      rua: [{ address: 'a@example.com' }],
      errors: ['removed-tag: pct'],
    });
  });

  it('keeps what was found, and domains only of addresses', () => {
    const dmarc = evaluationOf({ spf: ['pass', 'bounce.example.com', 'relaxed'] });
    expect(messageOf({ dmarc, mailFrom: 'Alice@Bounce.Example.com', recipientDomain: 'example.net' })).toEqual({
      sourceIp: ip,
      disposition: 'pass',
      dkim: 'fail',
      spf: 'pass',
      reasons: [],
      headerFrom: 'example.com',
      envelopeFrom: 'bounce.example.com',
      envelopeTo: 'example.net',
      dkimResults: [],
      spfResults: [{ domain: 'bounce.example.com', scope: 'mfrom', result: 'pass' }],
    });
    expect(messageOf({ dmarc, mailFrom: '' })?.envelopeFrom).toBe('');
    expect(messageOf({ dmarc })).not.toHaveProperty('envelopeFrom');
  });

  it('writes addresses in one form', () => {
    const sourceOf = (address: string) => aggregateRecord({ ip: address, dmarc: evaluationOf() })?.message.sourceIp;
    expect(sourceOf('2001:DB8:0::1')).toBe('2001:db8::1');
    expect(sourceOf('::ffff:192.0.2.1')).toBe('192.0.2.1');
  });

  it('says pass only under a policy that would have had an effect', () => {
    const spf = ['pass', 'example.com', 'strict'] as const;
    const record = 'v=DMARC1; p=none; rua=mailto:a@example.com';
    expect(messageOf({ dmarc: evaluationOf({ spf, record }) })?.disposition).toBe('none');
    expect(messageOf({ dmarc: evaluationOf({ spf }) })?.disposition).toBe('pass');
  });

  it('says why the policy was not applied', () => {
    expect(messageOf({ dmarc: evaluationOf() })).toMatchObject({
      disposition: 'quarantine',
      reasons: [{ type: 'local_policy' }],
    });
    const overrides = [{ type: 'mailing_list' }] as const;
    expect(messageOf({ dmarc: evaluationOf(), disposition: 'none', overrides })).toMatchObject({
      disposition: 'none',
      reasons: overrides,
    });
    expect(messageOf({ dmarc: evaluationOf({ result: 'temperror' }) })).toMatchObject({
      disposition: 'none',
      reasons: [{ type: 'other', comment: 'temporary error' }],
    });
  });

  it('puts the signatures that tell most first, each once, ten at most', () => {
    const dkim = [
      ['fail', 'example.com', 'none'],
      ['pass', 'other.example', 'none'],
      ['pass', 'mail.example.com', 'relaxed'],
      ['pass', 'example.com', 'strict'],
    ] as const;
    const message = messageOf({ dmarc: evaluationOf({ dkim }) });
    expect(message?.dkimResults.map(({ domain, result }) => `${result} ${domain}`)).toEqual([
      'pass example.com',
      'pass mail.example.com',
      'pass other.example',
      'fail example.com',
    ]);
    const many = Array.from({ length: 30 }, () => ['fail', 'example.com', 'none'] as const);
    expect(messageOf({ dmarc: evaluationOf({ dkim: many }) })?.dkimResults).toHaveLength(10);
  });

  it('is nothing when nobody wants to know', () => {
    const of = (record: string) => aggregateRecord({ ip, dmarc: evaluationOf({ record }) });
    expect(of('v=DMARC1; p=reject')).toBeUndefined();
    expect(of('no record')).toBeUndefined();
    expect(aggregateRecord({ ip, dmarc: { ...evaluationOf(), policyDomain: undefined } })).toBeUndefined();
    expect(aggregateRecord({ ip, dmarc: { ...evaluationOf(), authorDomain: undefined } })).toBeUndefined();
  });
});
