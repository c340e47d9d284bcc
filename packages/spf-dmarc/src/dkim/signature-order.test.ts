import { describe, expect, it } from 'vitest';
import { signatureField, signedMessage } from './test-signature.ts';
import { input, verify, words, zone } from './test-verification.ts';

describe('many signatures', () => {
  const { fields, body } = input;
  const rest = `${fields.map((field) => `${field}\r\n`).join('')}\r\n${body}`;
  const other = signatureField({ ...input, tags: { d: 'other.example' } });
  const own = signatureField(input);
  const header = { maxHeaderBytes: 1_000_000 };

  it('looks at ten of them, those of the author first', async () => {
    const resolver = zone();
    const results = await verify(other.repeat(300) + own + other.repeat(199) + rest, { resolver, header });
    expect(results).toHaveLength(500);
    const looked = results.flatMap(({ reason }, index) => (reason === 'skipped' ? [] : [index]));
    expect(looked).toEqual([0, 1, 2, 3, 4, 300, 496, 497, 498, 499]);
    expect(results[300]?.result).toBe('pass');
    expect(results[5]).toMatchObject({ result: 'neutral', reason: 'skipped', domain: 'other.example' });
    expect(resolver.queries.count()).toBe(2);
  });

  it('finds the one of the author above or below any number that claim to be', async () => {
    const claim = signatureField({ ...input, tags: { s: 'false' } });
    for (const signatures of [own + claim.repeat(400), claim.repeat(400) + own]) {
      const results = await verify(signatures + rest, { header });
      expect(results.map(({ result }) => result)).toContain('pass');
    }
  });

  it('spends nothing of the bound on those that cannot be judged', async () => {
    const broken = 'DKIM-Signature: v=1\r\n'.repeat(20);
    const results = await words(broken + signedMessage([{}], input), { maxSignatures: 1 });
    expect(results.at(-1)).toBe('pass/verified');
    expect(results[0]).toBe('permerror/missing-tag');
  });
});
