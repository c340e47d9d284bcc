import { describe, expect, it } from 'vitest';
import type { DmarcEvaluation } from './dmarc-evaluation.ts';
import type { DmarcInput } from './evaluate-dmarc.ts';
import { dkim, evaluate, spf } from './test-evaluation.ts';

describe('the author domain (RFC 9989 §4.4, §5.3.1)', () => {
  it.each<[string, DmarcInput['headerFrom'], Partial<DmarcEvaluation>]>([
    ['no From field', [], { result: 'permerror', reason: 'no-from' }],
    ['one in a list', ['ann@example.com'], { result: 'fail', authorDomain: 'example.com' }],
    [
      'several From fields',
      ['ann@example.com', 'Bob <bob@example.net>', 'nonsense'],
      { result: 'permerror', reason: 'several-from', authorDomains: ['example.com', 'example.net'] },
    ],
    ['the same From field twice', ['a@example.com', 'a@example.com'], { reason: 'several-from' }],
    [
      'several authors of one domain',
      'a@example.com, b@Example.COM',
      { result: 'fail', authorDomains: ['example.com'] },
    ],
    ['a group of authors', 'Team: a@example.com, b@example.com;', { result: 'fail', authorDomain: 'example.com' }],
    ['an empty group', 'undisclosed:;', { result: 'none', reason: 'no-author-domain' }],
    ['an address literal', 'ann@[192.0.2.1]', { result: 'none', reason: 'no-author-domain' }],
    ['an address literal beside a domain', 'ann@[192.0.2.1], b@example.com', { authorDomain: 'example.com' }],
    ['an empty field', '', { result: 'permerror', reason: 'bad-from' }],
    ['a name without an address', 'Ann Smith', { result: 'permerror', reason: 'bad-from' }],
    ['two addresses in one', 'ann@example.com <boss@bank.example>', { result: 'permerror', reason: 'bad-from' }],
    ['a line break', 'ann@example.com\r\n', { result: 'permerror', reason: 'bad-from' }],
    ['a domain that is none', 'ann@-example.com', { result: 'permerror', reason: 'bad-author-domain' }],
    ['a bare address', 'ann@192.0.2.1', { result: 'permerror', reason: 'bad-author-domain' }],
    ['an empty label', 'ann@example..com', { result: 'permerror', reason: 'bad-author-domain' }],
    ['capitals', 'ann@EXAMPLE.Com', { result: 'fail', authorDomain: 'example.com' }],
  ])('of %s', async (_, headerFrom, expected) => {
    const evaluation = await evaluate({ headerFrom });
    expect(evaluation).toMatchObject(expected);
    expect(evaluation.summary).toMatch(/^[A-Z].*\.$/);
    if (evaluation.result !== 'fail') {
      expect(evaluation).toMatchObject({
        authorDomain: undefined,
        disposition: 'none',
        policy: undefined,
        queries: 0,
      });
    }
  });

  it('is looked up and compared as A-labels', async () => {
    const records = { 'xn--bcher-kva.example': 'v=DMARC1; p=reject' };
    const passed = await evaluate({ records, headerFrom: 'ann@Bücher.example', dkim: dkim('xn--bcher-kva.example') });
    expect(passed).toMatchObject({ result: 'pass', authorDomain: 'xn--bcher-kva.example' });
    expect(
      await evaluate({ records, headerFrom: 'a@xn--bcher-kva.example', spf: spf('BÜCHER.example') }),
    ).toMatchObject({
      result: 'pass',
      alignment: { spf: { domain: 'xn--bcher-kva.example' } },
    });
  });

  describe('of which there are several (§11.5)', () => {
    const records = {
      'one.example': 'v=DMARC1; p=none',
      'two.example': 'v=DMARC1; p=reject',
      'three.example': 'v=DMARC1; p=quarantine',
    };
    const headerFrom = 'a@one.example, b@two.example, c@three.example';

    it('is the one that fails with the strictest policy', async () => {
      expect(await evaluate({ records, headerFrom, dkim: dkim('one.example') })).toMatchObject({
        result: 'fail',
        authorDomain: 'two.example',
        authorDomains: ['one.example', 'two.example', 'three.example'],
        policy: 'reject',
      });
      expect(await evaluate({ records, headerFrom, dkim: dkim('two.example') })).toMatchObject({
        result: 'fail',
        authorDomain: 'three.example',
      });
    });

    it('passes when all of them pass', async () => {
      const all = dkim('three.example', 'two.example', 'one.example');
      expect(await evaluate({ records, headerFrom, dkim: all })).toMatchObject({ result: 'pass' });
      const other = `${headerFrom}, d@unknown.example`;
      expect(await evaluate({ records, headerFrom: other, dkim: all })).toMatchObject({ result: 'none' });
    });

    it('is none when there are too many', async () => {
      const many = Array.from({ length: 30 }, (_, n) => `a@d${n}.example`);
      const four = await evaluate({ records, headerFrom: many.slice(0, 4).join(',') });
      expect(four).toMatchObject({ result: 'none', reason: 'no-record' });
      for (const [headerFrom, options] of [
        [many.slice(0, 5).join(','), {}],
        [many.slice(0, 2).join(','), { maxAuthorDomains: 1 }],
        [many.join(','), { maxAuthorDomains: 20 }],
      ] as const) {
        const evaluation = await evaluate({ records, headerFrom, options });
        expect(evaluation).toMatchObject({ result: 'permerror', reason: 'several-author-domains', queries: 0 });
        expect(evaluation.authorDomains.length).toBeLessThanOrEqual(20);
      }
    });
  });
});
