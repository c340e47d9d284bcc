import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { type ReportDestinationOptions, verifyReportDestinations } from './report-destination.ts';
import { mailto } from './test-record.ts';

async function verify(
  zone: ConstructorParameters<typeof ZoneResolver>[0],
  address: string,
  options: Partial<ReportDestinationOptions> = {},
  policyDomain = 'example.com',
): Promise<readonly [string, string, string | undefined]> {
  const resolver = new ZoneResolver(zone);
  const [found] = await verifyReportDestinations(policyDomain, [mailto(address)], { resolver, ...options });
  if (found === undefined) throw new Error('no destination');
  return [found.status, found.reason, found.status === 'verified' ? found.address : undefined];
}

const policy = { '_dmarc.example.com': { TXT: 'v=DMARC1; p=none' } } as const;
const agreement = 'example.com._report._dmarc.other.example';

describe('verifyReportDestinations', () => {
  it('asks nobody for the domain itself', async () => {
    const resolver = new ZoneResolver({});
    const found = await verifyReportDestinations('example.com', [mailto('a@Example.com')], { resolver });
    expect(found).toMatchObject([{ status: 'verified', reason: 'internal', address: 'a@example.com' }]);
    expect([...resolver.queries].length).toBe(0);
  });

  it('knows domains of the same organization by tree walk, above and below', async () => {
    expect(await verify(policy, 'a@reports.example.com')).toEqual(['verified', 'internal', 'a@reports.example.com']);
    expect(await verify(policy, 'a@example.com', {}, 'mail.example.com')).toEqual([
      'verified',
      'internal',
      'a@example.com',
    ]);
    expect(await verify(policy, 'a@b.example.com', {}, 'c.example.com')).toEqual([
      'verified',
      'internal',
      'a@b.example.com',
    ]);
  });

  it('knows the policy domain however it is written, and agrees to nothing for what is none', async () => {
    for (const written of ['Example.COM', 'mail.EXAMPLE.com', 'example.com.']) {
      expect(await verify(policy, 'a@example.com', {}, written)).toEqual(['verified', 'internal', 'a@example.com']);
    }
    for (const written of ['', 'a b', 'x'.repeat(300)]) {
      expect(await verify(policy, 'a@example.com', {}, written)).toEqual(['refused', 'not-authorized', undefined]);
    }
  });

  it('takes no public suffix and no other organization for its own', async () => {
    const suffix = { '_dmarc.example': { TXT: 'v=DMARC1; p=none; psd=y' } };
    expect(await verify(suffix, 'a@other.example', {}, 'mine.example')).toEqual([
      'refused',
      'not-authorized',
      undefined,
    ]);
    const apart = { ...policy, '_dmarc.own.example.com': { TXT: 'v=DMARC1; p=none; psd=n' } };
    expect(await verify(apart, 'a@own.example.com')).toEqual(['refused', 'not-authorized', undefined]);
  });

  it.each([
    ['v=DMARC1', ['verified', 'authorized', 'a@other.example']],
    ['v=DMARC1;', ['verified', 'authorized', 'a@other.example']],
    ['v=DMARC1; rua=mailto:b@other.example', ['verified', 'overridden', 'b@other.example']],
    ['v=DMARC1; ruf=mailto:b@other.example', ['verified', 'authorized', 'a@other.example']],
    ['v=DMARC1; rua=mailto:b@victim.example', ['refused', 'foreign-override', undefined]],
    ['v=DMARC1; rua=mailto:b@other.example,mailto:c@victim.example', ['refused', 'foreign-override', undefined]],
    ['v=DMARC1; rua=https://other.example/', ['refused', 'foreign-override', undefined]],
    ['rua=mailto:b@other.example; v=DMARC1', ['refused', 'not-authorized', undefined]],
    ['v=spf1 -all', ['refused', 'not-authorized', undefined]],
    ['', ['refused', 'not-authorized', undefined]],
  ])('reads the agreement %j', async (text, outcome) => {
    expect(await verify({ [agreement]: { TXT: text } }, 'a@other.example')).toEqual(outcome);
  });

  it('takes one good record among several', async () => {
    const zone = { [agreement]: { TXT: ['v=spf1 -all', 'v=DMARC1; rua=mailto:b@other.example'] } };
    expect(await verify(zone, 'a@other.example')).toEqual(['verified', 'overridden', 'b@other.example']);
  });

  it('lets a host agree for all domains', async () => {
    const zone = { '*._report._dmarc.other.example': { TXT: 'v=DMARC1' } };
    expect(await verify(zone, 'a@other.example')).toEqual(['verified', 'authorized', 'a@other.example']);
  });

  it('knows nothing when DNS fails, at the agreement and on the walk', async () => {
    expect(await verify({ [agreement]: 'timeout' }, 'a@other.example')).toEqual(['unknown', 'dns', undefined]);
    expect(await verify({ '_dmarc.other.example': 'servfail' }, 'a@other.example')).toEqual([
      'unknown',
      'dns',
      undefined,
    ]);
  });

  it('gives up when its caller does', async () => {
    const outcome = await verify(policy, 'a@other.example', { signal: AbortSignal.abort() });
    expect(outcome).toEqual(['unknown', 'dns', undefined]);
  });

  it('refuses a host to which no name can be made', async () => {
    const long = `${'a'.repeat(60)}.${'b'.repeat(60)}.${'c'.repeat(60)}.example`;
    expect(await verify({}, `a@${long}`, {}, long.replaceAll('a', 'd'))).toEqual([
      'refused',
      'not-authorized',
      undefined,
    ]);
  });

  it('refuses what is no plain mailbox', async () => {
    const resolver = new ZoneResolver({});
    const uris = [
      'a b@example.com',
      'a@example.com,b@example.com',
      'x\r\ny@example.com',
      '"a"@example.com',
      'a@[192.0.2.1]',
    ];
    const found = await verifyReportDestinations(
      'example.com',
      [...uris.map(mailto), { uri: 'ftp://example.com', address: undefined, domain: undefined }],
      { resolver, maxDestinations: 10 },
    );
    expect(found.map(({ status, reason }) => `${status} ${reason}`)).toEqual(Array(6).fill('refused not-mailto'));
  });

  it('looks at no more than so many addresses, and walks by no name twice', async () => {
    const resolver = new ZoneResolver({});
    const uris = Array.from({ length: 8 }, (_, index) => mailto(`a${index}@other.example`));
    const found = await verifyReportDestinations('example.com', uris, { resolver, maxDestinations: 3 });
    expect(found.filter(({ reason }) => reason === 'too-many')).toHaveLength(5);
    expect(resolver.queries.count('_dmarc.other.example', 'TXT')).toBe(1);
    expect([...resolver.queries].length).toBeLessThanOrEqual(7);
  });

  it('takes options of the right kind only', async () => {
    // @ts-expect-error: what JavaScript may do
    await expect(verifyReportDestinations('example.com', [], {})).rejects.toThrow(TypeError);
  });
});
