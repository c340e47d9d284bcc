import { ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applicableRecord, DmarcLookups, type FailedLookup, organizationalDomain } from './tree-walk.ts';

type Records = Readonly<Record<string, string | readonly string[]>>;

function zone(records: Records, rest: ConstructorParameters<typeof ZoneResolver>[0] = {}): ZoneResolver {
  const names = Object.entries(records).map(([domain, TXT]) => [`_dmarc.${domain}`, { TXT }]);
  return new ZoneResolver({ ...Object.fromEntries(names), ...rest });
}

function asked(resolver: ZoneResolver): readonly string[] {
  return [...resolver.queries.entries].map(({ name }) => name.replace('_dmarc.', ''));
}

/** Organizational domain and policy domain. */
async function walk(start: string, records: Records): Promise<readonly [string, string | undefined]> {
  const found = await new DmarcLookups(zone(records)).walk(start);
  const organization = organizationalDomain(found);
  return [organization, applicableRecord(found, organization)?.domain];
}

const plain = 'v=DMARC1; p=none';
const psd = 'v=DMARC1; p=none; psd=y';
const own = 'v=DMARC1; p=none; psd=n';

describe('the DNS tree walk (RFC 9989 §4.10)', () => {
  it('asks for the names of the example', async () => {
    const resolver = zone({});
    await new DmarcLookups(resolver).walk('a.b.c.d.e.f.g.h.i.j.mail.example.com');
    expect(asked(resolver)).toEqual([
      'a.b.c.d.e.f.g.h.i.j.mail.example.com',
      'g.h.i.j.mail.example.com',
      'h.i.j.mail.example.com',
      'i.j.mail.example.com',
      'j.mail.example.com',
      'mail.example.com',
      'example.com',
      'com',
    ]);
  });

  it('asks for the names of the example of §5.1.8, and not for the zone cut', async () => {
    const resolver = zone({ 'b.c.d.e.f.g.example.com': own });
    const found = await new DmarcLookups(resolver).walk('mail.a.b.c.d.e.f.g.example.com');
    expect(asked(resolver)).toEqual([
      'mail.a.b.c.d.e.f.g.example.com',
      'c.d.e.f.g.example.com',
      'd.e.f.g.example.com',
      'e.f.g.example.com',
      'f.g.example.com',
      'g.example.com',
      'example.com',
      'com',
    ]);
    expect(found.found).toEqual([]);
  });

  it.each([
    [7, 7],
    [8, 8],
    [9, 8],
    [120, 8],
  ])('of %d labels asks for %d names', async (labels, names) => {
    const resolver = zone({});
    await new DmarcLookups(resolver).walk(Array(labels).fill('a').join('.'));
    expect(resolver.queries.count()).toBe(names);
  });

  it('stops at psd=y and at psd=n', async () => {
    for (const record of [psd, own]) {
      const resolver = zone({ 'example.com': record });
      await new DmarcLookups(resolver).walk('a.example.com');
      expect(asked(resolver)).toEqual(['a.example.com', 'example.com']);
    }
  });

  it.each<[string, Records, string, string | undefined]>([
    // The examples of §4.10.2.
    ['a.mail.example.com', { 'mail.example.com': plain, 'example.com': plain }, 'example.com', 'example.com'],
    ['a.mail.example.com', { 'mail.example.com': own, 'example.com': plain }, 'mail.example.com', 'mail.example.com'],
    ['a.mail.example.com', { com: psd }, 'example.com', 'com'],
    ['mail.example.com', { 'example.com': psd }, 'mail.example.com', 'example.com'],
    // A public suffix whose record does not say so is an organization.
    ['a.example.com', { 'example.com': plain, com: plain }, 'com', 'com'],
    ['example.com', { 'example.com': plain, com: psd }, 'example.com', 'example.com'],
    ['a.example.com', { 'example.com': plain, com: psd }, 'example.com', 'example.com'],
    // Step 2: psd=y where the walk begins is not the one of a public suffix above.
    ['com', { com: psd }, 'com', 'com'],
    ['example.com', { 'example.com': psd }, 'example.com', 'example.com'],
    ['example.com', { 'example.com': own }, 'example.com', 'example.com'],
    // The author domain's record applies, whatever stands above.
    ['a.example.com', { 'a.example.com': plain, 'example.com': plain }, 'example.com', 'a.example.com'],
    ['a.example.com', {}, 'a.example.com', undefined],
    // §4.10 step 2: several records are none, others do not count.
    ['a.example.com', { 'a.example.com': [plain, own], 'example.com': [plain, 'x'] }, 'example.com', 'example.com'],
    ['a.b.c.d.e.f.g.h.i.example.com', { 'i.example.com': psd }, 'h.i.example.com', 'i.example.com'],
    ['localhost', {}, 'localhost', undefined],
  ])('finds the organization and the record of %s', async (start, records, organization, policyDomain) => {
    expect(await walk(start, records)).toEqual([organization, policyDomain]);
  });

  it('does not go on where DNS fails, and keeps what it found before', async () => {
    const resolver = zone({ 'a.example.com': plain }, { '_dmarc.example.com': 'servfail' });
    const found = await new DmarcLookups(resolver).walk('a.example.com');
    expect(found).toMatchObject({
      found: [{ domain: 'a.example.com' }],
      failure: { name: '_dmarc.example.com', reason: 'servfail' },
    });
    expect(resolver.queries.count()).toBe(2);
  });

  it('names what several records stand at', async () => {
    const lookups = new DmarcLookups(zone({ 'a.example.com': [plain, own], 'example.com': plain }));
    expect(lookups.ambiguousNames).toBeUndefined();
    expect(await lookups.walk('a.example.com')).toMatchObject({ found: [{ domain: 'example.com' }] });
    expect(lookups.ambiguousNames).toEqual(['_dmarc.a.example.com']);
  });

  it('asks for no name twice', async () => {
    const resolver = zone({ 'example.com': plain });
    const lookups = new DmarcLookups(resolver);
    await Promise.all(
      ['a.example.com', 'b.a.example.com', 'example.com', 'c.example.com'].map((start) => lookups.walk(start)),
    );
    expect(asked(resolver).toSorted()).toEqual([
      'a.example.com',
      'b.a.example.com',
      'c.example.com',
      'com',
      'example.com',
    ]);
    expect(lookups.queries).toBe(5);
  });

  it('does not ask for a name that cannot be', async () => {
    const domain = `${'a'.repeat(60)}.`.repeat(4).concat('example');
    expect(domain.length).toBeGreaterThan(250);
    const resolver = zone({});
    await new DmarcLookups(resolver).walk(domain);
    expect(asked(resolver)).not.toContain(domain);
  });

  it('has at most eight queries and one organization above or at any name', async () => {
    const label = fc.constantFrom('a', 'b', 'example', 'com');
    const name = fc.array(label, { minLength: 1, maxLength: 30 }).map((labels) => labels.join('.'));
    const records = fc.dictionary(name, fc.constantFrom(plain, psd, own), { maxKeys: 6 });
    await fc.assert(
      fc.asyncProperty(name, records, async (start, above) => {
        const resolver = zone(above);
        const found = await new DmarcLookups(resolver).walk(start);
        expect(resolver.queries.count()).toBeLessThanOrEqual(8);
        const organization = organizationalDomain(found);
        expect(`.${start}`.endsWith(`.${organization}`)).toBe(true);
        const again = await new DmarcLookups(resolver).walk(organization);
        // An organizational domain is its own; unless it was cut off by the jump, or is a public suffix's own.
        if (start.split('.').length < 8) expect(organizationalDomain(again)).toBe(organization);
      }),
    );
  });
});

describe('the existence of a domain (RFC 9989 §3.2.13, §A.4)', () => {
  it.each<[string, ConstructorParameters<typeof ZoneResolver>[0], boolean | FailedLookup]>([
    ['has an address', { 'a.example.com': { A: '192.0.2.1' } }, true],
    ['has anything at all', { 'a.example.com': { TXT: 'x' } }, true],
    ['has something below it', { 'x.a.example.com': { TXT: 'x' } }, true],
    ['has something at _dmarc that is no record', { '_dmarc.a.example.com': { TXT: 'x' } }, true],
    ['is an alias that leads nowhere', { 'a.example.com': { CNAME: 'gone.example.net' } }, true],
    ['is not there', { 'example.com': { A: '192.0.2.1' } }, false],
    [
      'is not known of',
      { 'a.example.com': { A: { failure: 'timeout' } } },
      { name: 'a.example.com', reason: 'timeout' },
    ],
  ])('%s', async (_, data, expected) => {
    expect(await new DmarcLookups(new ZoneResolver(data)).exists('a.example.com')).toEqual(expected);
  });
});
