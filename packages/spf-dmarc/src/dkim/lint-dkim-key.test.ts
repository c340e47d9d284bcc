import { generateKeyPairSync } from 'node:crypto';
import type { DnsAnswer, RecordType, ResolveOptions, Resolver } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { generateDkimKey } from './generate-dkim-key.ts';
import { lintDkimKey } from './lint-dkim-key.ts';

function rsaRecord(modulusLength: number, type: 'spki' | 'pkcs1' = 'spki'): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength });
  return `v=DKIM1; p=${publicKey.export({ format: 'der', type }).toString('base64')}`;
}

const good = (await generateDkimKey({ domain: 'example.com', selector: 's' })).record;
const ed25519 = (await generateDkimKey({ domain: 'example.com', selector: 's', algorithm: 'ed25519-sha256' })).record;

/** Answers one name, and remembers how it was asked. */
class OneName implements Resolver {
  readonly asked: [string, RecordType, ResolveOptions | undefined][] = [];
  readonly #answer: DnsAnswer<'TXT'>;

  constructor(answer: DnsAnswer<'TXT'>) {
    this.#answer = answer;
  }

  async resolve<T extends RecordType>(name: string, type: T, options?: ResolveOptions): Promise<DnsAnswer<T>> {
    this.asked.push([name, type, options]);
    // @ts-expect-error: the test asks for TXT only
    return this.#answer;
  }
}

function records(...texts: readonly string[]): OneName {
  return new OneName({ kind: 'records', records: texts, ttl: 60, authentic: false });
}

async function codes(...texts: readonly string[]): Promise<string[]> {
  const { findings } = await lintDkimKey('example.com', 's', { resolver: records(...texts) });
  return findings.map(({ severity, code }) => `${severity} ${code}`);
}

describe('lintDkimKey', () => {
  it('finds a good key good', async () => {
    const resolver = records(good);
    const { signal } = new AbortController();
    expect(await lintDkimKey('Example.COM', 'S', { resolver, signal })).toEqual({
      name: 's._domainkey.example.com',
      record: good,
      findings: [
        {
          code: 'key',
          severity: 'info',
          message: 'It is an RSA key of 2048 bits.',
          advice: '',
          evidence: { keyType: 'rsa', bits: 2048 },
        },
      ],
    });
    expect(resolver.asked).toEqual([['s._domainkey.example.com', 'TXT', { fresh: true, staleMs: 0, signal }]]);
    expect(await codes(ed25519)).toEqual(['info key']);
  });

  it.each<[string, readonly string[], readonly string[]]>([
    ['a short key', [rsaRecord(1024)], ['warning short-key']],
    ['a weak key', [rsaRecord(768)], ['critical weak-key']],
    ['a bare key', [rsaRecord(2048, 'pkcs1')], ['warning bare-key', 'info key']],
    ['a revoked key', ['v=DKIM1; p='], ['warning revoked']],
    ['no tag list', ['v=DKIM1; p'], ['critical unreadable-record']],
    ['another key type', ['v=DKIM1; k=dsa; p=AAAA'], ['critical unreadable-record']],
    ['no key in it', ['v=DKIM1; p=AAAA'], ['critical unreadable-key']],
    ['several keys', [good, ed25519], ['critical several-records']],
    ['a stray record', [good, 'v=spf1 -all'], ['warning stray-record', 'info key']],
    ['a stray record without a version', [good, 'x-verification=1'], ['warning stray-record', 'info key']],
    ['stray records only', ['v=spf1 -all', 'v=DMARC1; p=none', ''], ['critical no-record', 'warning stray-record']],
    ['semicolons that were escaped', [good.replaceAll(';', '\\;')], ['critical unreadable-record']],
    ['quotes around it all', [`"${good}"`], ['critical unreadable-record']],
    ['a version in small letters', [good.replace('DKIM1', 'dkim1')], ['critical unreadable-record']],
    ['no v=, and a fault', [good.replace('v=DKIM1', 'DKIM1')], ['critical unreadable-record']],
    ['a record beyond bounds', [`v=DKIM1; p=${'A'.repeat(65_000)}`], ['critical unreadable-record']],
    ['another hash', [`${good}; h=sha1`], ['critical sha256-excluded', 'info key']],
    ['sha1 besides', [`${good}; h=sha1:sha256`], ['info key', 'info obsolete-hash']],
    ['another service', [`${good}; s=tlsrpt`], ['critical email-excluded', 'info key']],
    ['testing and strict', [`${good}; t=y:s`], ['warning testing', 'info key', 'info strict']],
    ['no version', [good.replace('v=DKIM1; ', '')], ['info key', 'info no-version']],
    ['tags of others', [`${good}; g=*; x=1`], ['info key', 'info unknown-tags']],
    ['long notes', [`${good}; n=${'x'.repeat(1_000)}`], ['info key', 'info large-record']],
  ])('finds %s', async (_what, texts, expected) => {
    expect(await codes(...texts)).toEqual(expected);
  });

  it.each(['spki', 'pkcs1'] as const)(
    'finds bytes behind a key: %s',
    async (type) => {
      const [, data = ''] = rsaRecord(2048, type).split('p=');
      const record = `v=DKIM1; p=${Buffer.concat([Buffer.from(data, 'base64'), Buffer.alloc(3)]).toString('base64')}`;
      const { findings } = await lintDkimKey('example.com', 's', { resolver: records(record) });
      expect(findings).toContainEqual(expect.objectContaining({ code: 'trailing-data', evidence: { bytes: 3 } }));
    },
    60_000,
  );

  it('tells what the zone editor did to quotes and semicolons', async () => {
    for (const record of [good.replace('p=', 'p="'), `"${good}"`, good.replaceAll(';', '\\;')]) {
      const { findings } = await lintDkimKey('example.com', 's', { resolver: records(record) });
      expect(findings).toMatchObject([{ code: 'unreadable-record', advice: expect.stringContaining('quotes') }]);
    }
  });

  it('says little of tags without end', async () => {
    const { findings } = await lintDkimKey('example.com', 's', {
      resolver: records(`${good}; ${'x'.repeat(10_000)}=1`),
    });
    expect(findings.find(({ code }) => code === 'unknown-tags')?.message.length).toBeLessThan(200);
    expect(JSON.stringify(findings).length).toBeLessThan(2_000);
  });

  it('finds that a CNAME leads elsewhere', async () => {
    const canonicalName = 's.keys.example.net';
    const resolver = new OneName({ kind: 'records', records: [good], ttl: 60, authentic: false, canonicalName });
    const { findings } = await lintDkimKey('example.com', 's', { resolver });
    expect(findings).toMatchObject([{ code: 'alias', evidence: { target: canonicalName } }, { code: 'key' }]);
  });

  it.each(['nodata', 'nxdomain'] as const)('finds no key: %s', async (kind) => {
    const resolver = new OneName({ kind, ttl: 60, authentic: false });
    expect(await lintDkimKey('example.com', 's', { resolver })).toMatchObject({
      record: undefined,
      findings: [{ code: 'no-record', severity: 'critical', evidence: { answer: kind } }],
    });
  });

  it('does not know what DNS does not tell', async () => {
    const resolver = new OneName({ kind: 'failure', reason: 'timeout', detail: 'No answer came.' });
    expect(await lintDkimKey('example.com', 's', { resolver })).toMatchObject({
      findings: [{ code: 'lookup-failed', severity: 'info', evidence: { reason: 'timeout' } }],
    });
  });

  it.each([
    ['exa mple', 's', 'not-a-domain'],
    ['', 's', 'not-a-domain'],
    ['example.com', '', 'not-a-selector'],
    ['example.com', 'a b', 'not-a-selector'],
    ['example.com', 'x'.repeat(1_000), 'not-a-selector'],
  ])('asks nothing about %j and %j', async (domain, selector, code) => {
    const resolver = records(good);
    expect(await lintDkimKey(domain, selector, { resolver })).toMatchObject({ name: '', findings: [{ code }] });
    expect(resolver.asked).toEqual([]);
  });

  it('is plain JSON that shows nothing but printable text', async () => {
    const audit = await lintDkimKey('example.com', 's', { resolver: records('v=DKIM1; p=\x1b[2J\x9b') });
    expect(JSON.parse(JSON.stringify(audit.findings))).toEqual(audit.findings);
    expect(JSON.stringify(audit.findings)).toMatch(/^[ -~]*$/);
  });

  it('rejects wrong options', async () => {
    // @ts-expect-error: from JavaScript
    await expect(lintDkimKey('example.com', 's', {})).rejects.toThrow(TypeError);
    // @ts-expect-error: from JavaScript
    await expect(lintDkimKey('example.com', 's', { resolver: records(good), x: 1 })).rejects.toThrow(TypeError);
  });
});
