import { formatAuthenticationResults } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { dkimMethodResults } from './dkim-method-results.ts';
import { signatureResult } from './signature-result.ts';
import { noFacts } from './signature-tags.ts';

function withSignature(signature: string) {
  const facts = {
    ...noFacts,
    domain: 'example.com',
    selector: 's1',
    identity: '@example.com',
    algorithm: 'rsa-sha256',
  };
  return signatureResult('verified', 'The signature holds.', { ...facts, signature });
}

describe('dkimMethodResults', () => {
  it('says none of a message without signatures', () => {
    expect(dkimMethodResults([])).toEqual([{ method: 'dkim', result: 'none' }]);
  });

  it('writes what RFC 8601 §2.7.1 and RFC 6008 have', () => {
    const results = dkimMethodResults([withSignature('AbCdEfGhIjKl')]);
    const field = formatAuthenticationResults({ authservId: 'mx.example.net', results });
    expect(field.replace(/\s+/g, ' ')).toContain(
      'dkim=pass header.d=example.com header.i=@example.com header.s=s1 header.a=rsa-sha256 header.b=AbCdEfGh',
    );
  });

  it('gives the reason of what did not pass, and no property that is not known', () => {
    expect(dkimMethodResults([signatureResult('syntax', 'It cannot be read.')])).toEqual([
      { method: 'dkim', result: 'neutral', reason: 'It cannot be read.', properties: [] },
    ]);
  });

  it('writes as much of b= as tells signatures apart', () => {
    const results = dkimMethodResults(['AAAABBBBCCCC1', 'AAAABBBBCCCC2', 'Z', 'AAAABBBBCCCC1'].map(withSignature));
    const b = results.map(({ properties = [] }) => properties.find(({ property }) => property === 'b')?.value);
    expect(b).toEqual(['AAAABBBBCCCC1', 'AAAABBBBCCCC2', 'Z', 'AAAABBBBCCCC1']);
  });

  it('bounds what a message with a thousand signatures makes of its header, and leaves no pass out', () => {
    const bad = signatureResult('syntax', 'It cannot be read.');
    const skipped = signatureResult('skipped', 'There are more.');
    const others = Array.from({ length: 990 }, (_, n) => (n % 100 === 0 ? skipped : bad));
    const told = dkimMethodResults([...others, withSignature('AbCdEfGhIjKl')]);
    expect(told.map(({ result }) => result)).toEqual([...Array.from({ length: 20 }, () => 'neutral'), 'pass']);
    expect(told.filter(({ reason }) => reason === 'There are more.')).toEqual([]);
  });
});
