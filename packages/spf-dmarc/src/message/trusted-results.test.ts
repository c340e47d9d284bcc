import { describe, expect, it } from 'vitest';
import { headerOf } from '../test-header.ts';
import { readTrustedResults } from './trusted-results.ts';

const pass = 'mx2.example.com; dmarc=pass header.from=example.org';
const forged = 'mx2.example.com; dmarc=pass header.from=bank.example';

function authors(lines: readonly string[], trustedHops?: number): readonly (string | undefined)[] {
  const options = {
    trustedAuthservIds: ['MX2.example.com.', 'filter.example.com'],
    ...(trustedHops && { trustedHops }),
  };
  return readTrustedResults(headerOf(...lines), options).map(({ results }) => results[0]?.properties?.[0]?.value);
}

describe('readTrustedResults', () => {
  it('believes what stands above the Received field of the first host of one’s own', () => {
    const lines = [
      `Authentication-Results: ${pass}`,
      'Received: from mail.example.org by mx2.example.com',
      `Authentication-Results: ${forged}`,
      'Received: from somewhere',
      `Authentication-Results: ${forged}`,
    ];
    expect(authors(lines)).toEqual(['example.org']);
  });

  it('counts the hosts of one’s own', () => {
    const lines = [
      'Received: from mx2.example.com by filter.example.com',
      `Authentication-Results: ${pass}`,
      'Received: from mail.example.org by mx2.example.com',
      `Authentication-Results: ${forged}`,
    ];
    expect(authors(lines)).toEqual([]);
    expect(authors(lines, 2)).toEqual(['example.org']);
    expect(authors(lines, 3)).toEqual(['example.org', 'bank.example']);
  });

  it('takes all of them from top to bottom, whatever stands between', () => {
    const lines = [
      `Authentication-Results: ${pass}`,
      'X-Spam: no',
      'Authentication-Results: (c) "FILTER.example.com" 1; dmarc=fail header.from=example.net',
      'Authentication-Results: elsewhere.example; dmarc=pass header.from=bank.example',
      'Authentication-Results: mx2.example.com; = nonsense',
      'Received: from mail.example.org',
    ];
    expect(authors(lines)).toEqual(['example.org', 'example.net']);
  });

  it('believes a message without trace, which its host must have made', () => {
    expect(authors([`Authentication-Results: ${pass}`, 'From: ann@example.org'])).toEqual(['example.org']);
  });

  it.each([
    [{}, TypeError],
    [{ trustedAuthservIds: [] }, TypeError],
    [{ trustedAuthservIds: [''] }, TypeError],
    [{ trustedAuthservIds: ['a'], trustedHops: 0 }, RangeError],
    [{ trustedAuthservIds: ['a'], hops: 1 }, TypeError],
  ])('refuses %j', (options, error) => {
    expect(() => Reflect.apply(readTrustedResults, undefined, [headerOf('A: b'), options])).toThrow(error);
  });
});
