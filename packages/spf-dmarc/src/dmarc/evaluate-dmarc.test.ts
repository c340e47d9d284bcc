import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { evaluateDmarc } from './evaluate-dmarc.ts';
import { dkim, evaluate, spf, zone } from './test-evaluation.ts';

describe('evaluateDmarc', () => {
  it('says everything of a message that passes', async () => {
    const input = { spf: spf('bounces.example.com'), dkim: dkim('example.com', 'list.example.net') };
    const { record, ...rest } = await evaluate(input);
    expect(record?.text).toBe('v=DMARC1; p=reject');
    expect(rest).toEqual({
      result: 'pass',
      reason: 'aligned',
      summary: 'SPF and DKIM authenticated example.com.',
      authorDomain: 'example.com',
      authorDomains: ['example.com'],
      policyDomain: 'example.com',
      organizationalDomain: 'example.com',
      policyTag: 'p',
      publishedPolicy: 'reject',
      policy: 'reject',
      disposition: 'none',
      overrides: [],
      alignment: {
        spfAligned: true,
        dkimAligned: true,
        spf: { result: 'pass', domain: 'bounces.example.com', alignment: 'relaxed' },
        dkim: [
          { result: 'pass', domain: 'example.com', selector: 's', alignment: 'strict' },
          { result: 'pass', domain: 'list.example.net', selector: 's', alignment: 'none' },
        ],
      },
      queries: 3,
      failure: undefined,
      rfc7489: undefined,
    });
  });

  it('says everything of a message that fails', async () => {
    expect(
      await evaluate({ spf: spf('example.net'), dkim: [{ result: 'fail', domain: 'example.com' }] }),
    ).toMatchObject({
      result: 'fail',
      reason: 'not-aligned',
      summary:
        'Neither SPF nor DKIM authenticated example.com; example.com asks for reject (p); here it is quarantine (local_policy).',
      policy: 'reject',
      disposition: 'quarantine',
      overrides: [{ type: 'local_policy' }],
      alignment: { spf: { alignment: 'none' }, dkim: [{ alignment: 'not-compared' }] },
      queries: 1,
    });
  });

  it('knows messages without any identifier', async () => {
    expect(await evaluate()).toMatchObject({ result: 'fail', alignment: { spf: undefined, dkim: [] } });
  });

  it('takes any text for a From field and for domains', async () => {
    const resolver = zone({ 'example.com': 'v=DMARC1; p=reject', com: 'v=DMARC1; p=none; psd=y' });
    const pieces = ['a', '@', 'example', '.', 'com', ',', '<', '>', '"', ':', ';', '\0', '(', ')', 'ü', ' ', '_', '-'];
    const text = fc.oneof(
      fc.string(),
      fc.array(fc.constantFrom(...pieces), { maxLength: 20 }).map((parts) => parts.join('')),
    );
    const domain = fc.oneof(
      text,
      fc.array(fc.constantFrom('a', 'example', 'com')).map((labels) => labels.join('.')),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(text, fc.array(text, { maxLength: 3 })),
        domain,
        domain,
        async (headerFrom, one, other) => {
          const evaluation = await evaluateDmarc({ headerFrom, spf: spf(one), dkim: dkim(other) }, { resolver });
          expect(evaluation.summary).toMatch(/^[A-Z].*\.$/s);
          expect(JSON.parse(JSON.stringify(evaluation))).toMatchObject({ result: evaluation.result });
          if (evaluation.result !== 'fail') expect(evaluation.disposition).toBe('none');
        },
      ),
    );
  });

  it.each<[string, unknown, unknown]>([
    ['no input', undefined, {}],
    ['no From', { dkim: [] }, {}],
    ['a From of numbers', { headerFrom: [1], dkim: [] }, {}],
    ['no DKIM', { headerFrom: '' }, {}],
    ['signatures without domains', { headerFrom: '', dkim: [{ result: 'pass' }] }, {}],
    ['SPF without a domain', { headerFrom: '', dkim: [], spf: { result: 'pass' } }, {}],
    ['a number for an address', { headerFrom: '', dkim: [], ip: 7 }, {}],
    ['no resolver', { headerFrom: '', dkim: [] }, { resolver: undefined }],
    ['no options', { headerFrom: '', dkim: [] }, null],
    ['an unknown option', { headerFrom: '', dkim: [] }, { onRejects: 'reject' }],
    ['an unknown word', { headerFrom: '', dkim: [] }, { onReject: 'discard' }],
    ['a deadline of no number', { headerFrom: '', dkim: [] }, { timeoutMs: '1' }],
    ['rules that are none', { headerFrom: '', dkim: [] }, { localPolicy: [] }],
    ['a signal that is none', { headerFrom: '', dkim: [] }, { signal: {} }],
  ])('refuses %s', async (_, input, options) => {
    const all = options === null ? undefined : { resolver: zone({}), ...Object(options) };
    // @ts-expect-error: what JavaScript may pass
    await expect(evaluateDmarc(input, all)).rejects.toThrow(TypeError);
  });

  it.each([{ timeoutMs: 0 }, { maxAuthorDomains: 0 }, { maxAuthorDomains: 21 }])('refuses %j', async (options) => {
    await expect(evaluate({ options })).rejects.toThrow(RangeError);
  });
});
