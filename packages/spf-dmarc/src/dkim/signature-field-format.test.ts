import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { formatSignedField, formatUnsignedField, type SignatureTags } from './signature-field-format.ts';

const tags: SignatureTags = {
  algorithm: 'rsa-sha256',
  canonicalization: 'relaxed/simple',
  domain: 'example.com',
  selector: 's',
  identity: undefined,
  signedAt: 1_700_000_000,
  expiresAt: undefined,
  signedNames: ['from', 'to', 'subject', 'date', 'message-id', 'content-transfer-encoding', 'list-unsubscribe-post'],
  bodyHash: new Uint8Array(32),
};

describe('formatSignedField', () => {
  it('folds between tags, between names and within base64', () => {
    expect(formatSignedField(formatUnsignedField(tags), new Uint8Array(64).fill(0xff))).toBe(
      [
        'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/simple; d=example.com; s=s;',
        ' t=1700000000; h=from:to:subject:date:message-id:content-transfer-encoding:',
        ' list-unsubscribe-post; bh=AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=; b=/',
        ` ${'/'.repeat(75)}`,
        ` ${'/'.repeat(9)}w==`,
        '',
      ].join('\r\n'),
    );
  });

  it('passes 76 columns only where a word does, and adds nothing but white space', () => {
    const name = fc.string({ unit: fc.constantFrom('a', '-'), minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(fc.array(name, { minLength: 1 }), fc.nat(600), fc.nat(100), (signedNames, size, width) => {
        const unsigned = formatUnsignedField({ ...tags, signedNames, domain: `${'x'.repeat(width)}.example` });
        const field = formatSignedField(unsigned, new Uint8Array(size));
        expect(field.startsWith(unsigned.text)).toBe(true);
        expect(field.endsWith('\r\n')).toBe(true);
        for (const line of field.slice(0, -2).split('\r\n')) {
          expect(line).toMatch(/\S$/);
          if (line.length > 76) expect(line.trim()).not.toMatch(/[; ](?=.)/);
        }
        const plain = field.replace(/[\r\n ]/g, '');
        expect(plain).toContain(`h=${signedNames.join(':')};bh=`);
        expect(plain.endsWith(`b=${Buffer.alloc(size).toString('base64')}`)).toBe(true);
      }),
    );
  });
});
