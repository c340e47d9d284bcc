import { ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DomainZone } from './dnsbl-zone.ts';
import { queryDomainList } from './query-domain-list.ts';

/** Answers for everything below `shady.biz`, as lists with wildcards do. */
function listServer(): ZoneResolver {
  return new ZoneResolver({
    'shady.biz.dbl.example': { A: '127.0.0.2', TXT: 'Sends spam' },
    '*.shady.biz.dbl.example': { A: '127.0.0.2', TXT: 'Sends spam' },
    'shady.biz.exact.example': { A: '127.0.0.2' },
    'shady.biz.secretkey.dq.example': { A: '127.0.0.2', TXT: 'see shady.biz.secretkey.dq.example' },
    'xn--bcher-kva.biz.dbl.example': { A: '127.0.0.2' },
    'test.dbl.example': { A: '127.0.0.2' },
    '*.broken.example': 'servfail',
  });
}

const exact: DomainZone = { name: 'exact.example', lists: 'domains', query: 'registrable' };
const lastTwoLabels = (domain: string): string => domain.split('.').slice(-2).join('.');

describe('queryDomainList', () => {
  it('puts the name before the list’s', async () => {
    const zones: DomainZone[] = [{ name: 'dbl.example', lists: 'domains', lookup: 'https://dbl.example/?{domain}' }];
    const result = await queryDomainList('Mail.Shady.BIZ.', { zones, resolver: listServer() });
    expect(result).toEqual({
      status: 'listed',
      reason: undefined,
      score: 1,
      allowed: false,
      zones: [
        {
          zone: 'dbl.example',
          kind: 'block',
          status: 'listed',
          codes: ['127.0.0.2'],
          reasons: ['listed'],
          score: 1,
          text: 'Sends spam',
          link: 'https://dbl.example/?mail.shady.biz',
        },
      ],
    });
  });

  it('takes a plain name for a list of domains, and U-labels for A-labels', async () => {
    const zones = ['dbl.example'];
    expect((await queryDomainList('Bücher.biz', { zones, resolver: listServer() })).status).toBe('listed');
    expect((await queryDomainList('honest.biz', { zones, resolver: listServer() })).status).toBe('clean');
    expect((await queryDomainList('honest.biz', { zones: ['broken.example'], resolver: listServer() })).reason).toBe(
      'no-answer',
    );
  });

  it('asks about the registrable domain where a list has no other', async () => {
    const resolver = listServer();
    const options = { zones: [exact], resolver, registrableDomain: lastTwoLabels };
    expect((await queryDomainList('a.b.shady.biz', options)).zones).toMatchObject([{ status: 'listed' }]);
    expect(resolver.queries.count('shady.biz.exact.example', 'A')).toBe(1);
    expect(resolver.queries.count()).toBe(2);
  });

  it.each([undefined, null, '', 'not a domain'])('asks such a list nothing when there is none: %j', async (none) => {
    const resolver = listServer();
    const result = await queryDomainList('co.uk', { zones: [exact], resolver, registrableDomain: () => none });
    expect(result).toMatchObject({
      status: 'unknown',
      reason: 'not-asked',
      zones: [{ status: 'skipped', reasons: ['no-registrable-domain'] }],
    });
    expect(resolver.queries.count()).toBe(0);
  });

  it('cannot ask such a list without knowing registrable domains', async () => {
    await expect(queryDomainList('a.biz', { zones: [exact], resolver: listServer() })).rejects.toThrow(
      'queryDomainList: option "registrableDomain" must be a function, since exact.example needs it',
    );
  });

  it.each([
    '',
    'no domain',
    '192.0.2.1',
    '[192.0.2.1]',
    '[IPv6:2001:db8::1]',
    '2001:db8::1',
    '0x7f.1',
    '127.1',
    'a..biz',
    'shady.biz\r\n',
    'user@shady.biz',
  ])('%j is no domain, and nobody is asked about it', async (text) => {
    const resolver = listServer();
    const zones = ['dbl.example'];
    expect(await queryDomainList(text, { zones, resolver, askSpecial: true })).toMatchObject({
      status: 'unknown',
      reason: 'not-a-domain',
      zones: [{ status: 'skipped', reasons: ['not-a-domain'] }],
    });
    expect(resolver.queries.count()).toBe(0);
  });

  it.each(['localhost', 'ws7', 'a.localhost', 'test', 'srv.test', 'mail.corp.internal', 'pc.home.arpa', 'A.Example.'])(
    'asks about %j only when told to',
    async (domain) => {
      const resolver = listServer();
      const zones = ['dbl.example'];
      expect(await queryDomainList(domain, { zones, resolver })).toMatchObject({ reason: 'special-domain' });
      expect(resolver.queries.count()).toBe(0);
      await queryDomainList(domain, { zones, resolver, askSpecial: true });
      expect([...resolver.queries].filter(({ type }) => type === 'A')).toHaveLength(1);
    },
  );

  it('lets nobody escape by a long name', async () => {
    const long = `${'x'.repeat(60)}.`.repeat(4).slice(0, 240);
    const domain = `${long.slice(0, 253 - '.shady.biz'.length).replace(/\.+$/, '')}.shady.biz`;
    const result = await queryDomainList(domain, { zones: ['dbl.example'], resolver: listServer() });
    expect(result.zones).toMatchObject([{ status: 'listed' }]);
  });

  it('keeps the query key out of the result', async () => {
    const zones: DomainZone[] = [{ name: 'dq.example', lists: 'domains', key: 'SecretKey' }];
    const result = await queryDomainList('shady.biz', { zones, resolver: listServer() });
    expect(result.zones).toMatchObject([{ status: 'listed', text: 'see shady.biz.[key].dq.example' }]);
    expect(JSON.stringify(result).toLowerCase()).not.toContain('secretkey');
  });

  it('asks nothing but A and TXT records under its zones, whatever the text', async () => {
    const text = fc.oneof(fc.string(), fc.string({ unit: fc.constantFrom('a', '.', '-', '1', 'é', '_') }), fc.domain());
    await fc.assert(
      fc.asyncProperty(text, async (domain) => {
        const resolver = listServer();
        const result = await queryDomainList(domain, { zones: ['dbl.example'], resolver, askSpecial: true });
        expect(result.zones).toHaveLength(1);
        for (const { name } of resolver.queries) {
          expect(name.length).toBeLessThanOrEqual(253);
          expect(name).toMatch(/^[a-z\d_.-]+\.dbl\.example$/);
        }
      }),
    );
  });

  it.each<[object, string]>([
    [{ zones: ['dbl.example'] }, 'queryDomainList: option "resolver" must be a Resolver'],
    [{ zones: [{ name: 'bl.example' }], resolver: listServer() }, 'bl.example lists addresses, not domains'],
    [{ zones: [{ ...exact, ipv4: true }], resolver: listServer() }, 'unknown option "ipv4"'],
    [{ zones: [{ ...exact, query: 'tld' }], resolver: listServer() }, '"query"'],
    [{ zones: [], resolver: listServer(), registrableDomain: 'x' }, '"registrableDomain"'],
    [{ zones: [], resolver: listServer(), stopAtScore: 0 }, '"stopAtScore"'],
  ])('refuses wrong options: %#', async (options, message) => {
    // @ts-expect-error as a program without types would
    await expect(queryDomainList('a.biz', options)).rejects.toThrow(message);
  });
});
