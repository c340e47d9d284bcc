import { formatAuthenticationResults, isMethodResult, parseAuthenticationResults } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { dmarcMethodResult } from './dmarc-method-result.ts';
import { type Case, evaluate, spf, zone } from './test-evaluation.ts';

describe('dmarcMethodResult', () => {
  it.each<[Case, string]>([
    [{ spf: spf('example.com') }, 'dmarc=pass header.from=example.com policy.dmarc=reject'],
    [{}, 'dmarc=fail header.from=example.com policy.dmarc=reject'],
    [
      { records: { 'example.com': 'v=DMARC1; p=reject; t=y' } },
      'dmarc=fail header.from=example.com policy.dmarc=quarantine',
    ],
    [{ records: {} }, 'dmarc=none header.from=example.com'],
    [{ headerFrom: 'undisclosed:;' }, 'dmarc=none reason="The From field names no domain."'],
    [{ headerFrom: [] }, 'dmarc=permerror reason="The message has no From field."'],
    [
      { zone: zone({}, { '_dmarc.example.com': 'timeout' }) },
      'dmarc=temperror reason="DMARC could not be evaluated for example.com now: DNS failed for _dmarc.example.com (timeout)." header.from=example.com',
    ],
  ])('of %j is written so', async (input, expected) => {
    const result = dmarcMethodResult(await evaluate(input));
    expect(isMethodResult(result)).toBe(true);
    const text = formatAuthenticationResults({ authservId: 'mx.example.net', results: [result] });
    expect(text.replaceAll(/\r\n\t/g, ' ')).toBe(`mx.example.net; ${expected}`);
    expect(parseAuthenticationResults(text)?.results[0]).toMatchObject({ method: 'dmarc', result: result.result });
  });
});
