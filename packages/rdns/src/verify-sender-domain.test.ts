import type { Resolver } from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type SenderDomainLookupOptions, verifySenderDomain } from './verify-sender-domain.ts';

const GLOBAL = '9.9.9.1';

function dns(): ZoneResolver {
  return new ZoneResolver({
    'good.example': { MX: ['20 backup.good.example', '10 mx.good.example'] },
    'mx.good.example': { A: GLOBAL },
    'backup.good.example': { AAAA: '2a00::1' },
    'implicit.example': { A: GLOBAL },
    'null.example': { MX: '0 .' },
    'mixed.example': { MX: ['0 .', '10 mx.good.example'] },
    'nothing.example': { TXT: 'v=spf1 -all' },
    'loop.example': { MX: '10 local.loop.example' },
    'local.loop.example': { A: ['127.0.0.1', '10.0.0.1'] },
    'inside.example': { A: '192.168.1.1' },
    'gone.example': { MX: '10 missing.example' },
    'literal.example': { MX: '10 192.0.2.1' },
    'half.example': { MX: ['10 broken.example', '20 local.loop.example'] },
    'rescued.example': { MX: ['10 broken.example', '20 mx.good.example'] },
    'broken.example': 'servfail',
    'six-unknown.example': { MX: '10 mx.six-unknown.example' },
    'mx.six-unknown.example': { A: '10.0.0.1', AAAA: { failure: 'servfail' } },
    'xn--bcher-kva.example': { MX: '10 mx.good.example' },
  });
}

function ask(domain: string, options: Partial<SenderDomainLookupOptions> = {}) {
  return verifySenderDomain(domain, { resolver: dns(), ...options });
}

describe('verifySenderDomain', () => {
  it('lists the mail exchangers in the order of preference', async () => {
    expect(await ask('Good.Example')).toEqual({
      status: 'deliverable',
      domain: 'good.example',
      implicit: false,
      exchanges: [
        { exchange: 'mx.good.example', preference: 10, status: 'usable', addresses: [GLOBAL] },
        { exchange: 'backup.good.example', preference: 20, status: 'usable', addresses: ['2a00::1'] },
      ],
      unasked: 0,
      failure: undefined,
    });
  });

  it.each([
    ['implicit.example', 'deliverable'],
    ['mixed.example', 'deliverable'],
    ['rescued.example', 'deliverable'],
    ['bücher.example', 'deliverable'],
    ['null.example', 'null-mx'],
    ['missing.example', 'nonexistent'],
    ['nothing.example', 'no-mail-host'],
    ['loop.example', 'unusable'],
    ['inside.example', 'unusable'],
    ['gone.example', 'unusable'],
    ['literal.example', 'unusable'],
    ['192.0.2.1', 'malformed'],
    ['a b', 'malformed'],
    ['', 'malformed'],
    ['[not-an-address]', 'malformed'],
    ['[9.9.9.1', 'malformed'],
    ['[9.9.9.1]', 'deliverable'],
    ['[IPv6:2a00::1]', 'deliverable'],
    ['[127.0.0.1]', 'unusable'],
    ['broken.example', 'unknown'],
    ['half.example', 'unknown'],
    ['six-unknown.example', 'unknown'],
  ])('says of %j: %s', async (domain, status) => {
    const result = await ask(domain);
    expect(result.status).toBe(status);
    expect(result.failure).toBe(status === 'unknown' ? 'servfail' : undefined);
  });

  it('says why a mail exchanger is of no use', async () => {
    const status = async (domain: string, options: Partial<SenderDomainLookupOptions> = {}) =>
      (await ask(domain, options)).exchanges.map((each) => each.status);
    expect(await status('loop.example')).toEqual(['special-address']);
    expect(await status('gone.example')).toEqual(['no-address']);
    expect(await status('literal.example')).toEqual(['not-a-host-name']);
    expect(await status('mixed.example')).toEqual(['not-a-host-name', 'usable']);
    expect(await status('half.example')).toEqual(['unknown', 'special-address']);
    expect(await status('implicit.example', { ownAddresses: [GLOBAL] })).toEqual(['own-address']);
    expect(await status('loop.example', { allowPrivateTargets: true })).toEqual(['usable']);
  });

  it('tells a domain whose mail comes to this server from one that nobody can reach', async () => {
    const own = { ownAddresses: [GLOBAL, '10.0.0.1'] };
    expect(await ask('implicit.example', own)).toMatchObject({ status: 'own-address', implicit: true });
    expect(await ask('[9.9.9.1]', own)).toMatchObject({ status: 'own-address', domain: '[9.9.9.1]' });
    // 127.0.0.1 is special and 10.0.0.1 its own, in whatever order they come.
    expect(await ask('loop.example', own)).toMatchObject({ status: 'own-address' });
    expect(await ask('good.example', own)).toMatchObject({ status: 'deliverable' });
  });

  it('follows the CNAME of a mail exchanger (RFC 5321 §5.1 has none there, and senders do)', async () => {
    const resolver = new ZoneResolver({
      'alias.example': { MX: '10 mx.alias.example' },
      'mx.alias.example': { CNAME: 'host.example.net' },
      'host.example.net': { A: GLOBAL },
    });
    expect(await verifySenderDomain('alias.example', { resolver })).toMatchObject({ status: 'deliverable' });
  });

  it('takes literals as the rest of Postern does', async () => {
    expect(await ask('[IPv6:fe80::1%eth0]')).toMatchObject({ status: 'malformed' });
    expect(await ask(`[x-tag:${'a'.repeat(1_000_000)}]`)).toMatchObject({ status: 'malformed', domain: '' });
    expect(await ask('[IPv6:2A00::1]')).toMatchObject({ status: 'deliverable', domain: '[ipv6:2a00::1]' });
  });

  it('stands an exchanger of 200,000 addresses', async () => {
    const records = Array.from({ length: 200_000 }, () => '10.0.0.1');
    const hostile: Resolver = {
      resolve: async (_, type) =>
        JSON.parse(
          JSON.stringify({
            kind: 'records',
            records: type === 'MX' ? [{ preference: 1, exchange: 'mx.example' }] : records,
            ttl: 1,
            authentic: false,
          }),
        ),
    };
    const { status, exchanges } = await verifySenderDomain('a.example', { resolver: hostile });
    expect(status).toBe('unusable');
    expect(exchanges[0]?.addresses).toHaveLength(10);
  });

  it('looks up no more than maxExchanges, the preferred ones', async () => {
    const resolver = new ZoneResolver({
      'many.example': { MX: Array.from({ length: 50 }, (_, index) => `${100 - index} h${index}.example`) },
    });
    const result = await verifySenderDomain('many.example', { resolver });
    // The ones that were not asked may be usable.
    expect(result).toMatchObject({ status: 'unknown', unasked: 40, failure: undefined });
    expect(result.exchanges[0]).toMatchObject({ preference: 51, exchange: 'h49.example' });
    expect([...resolver.queries]).toHaveLength(21);
  });

  it('finds a domain deliverable exactly when one of its hosts is, if all is known', async () => {
    const address = fc.constantFrom('9.9.9.1', '10.0.0.1', '127.0.0.1', '203.0.113.9', undefined);
    await fc.assert(
      fc.asyncProperty(fc.array(address, { minLength: 1, maxLength: 6 }), async (addresses) => {
        const hosts = addresses.map((A, index): [string, object] => [
          `h${index}.example`,
          A === undefined ? { TXT: 'x' } : { A },
        ]);
        const resolver = new ZoneResolver({
          'd.example': { MX: addresses.map((_, index) => `${index} h${index}.example`) },
          ...Object.fromEntries(hosts),
        });
        const { status } = await verifySenderDomain('d.example', { resolver, ownAddresses: ['203.0.113.9'] });
        const own = addresses.includes('203.0.113.9') ? 'own-address' : 'unusable';
        expect(status).toBe(addresses.includes('9.9.9.1') ? 'deliverable' : own);
      }),
    );
  });

  it('never rejects, whatever a resolver hands over', async () => {
    const hostile: Resolver = { resolve: () => Promise.reject(new Error('no')) };
    expect(await verifySenderDomain('a.example', { resolver: hostile })).toMatchObject({
      status: 'unknown',
      failure: 'network',
    });
  });

  it.each([
    [undefined, TypeError, /"resolver"/],
    [{ resolver: dns(), maxExchanges: 0 }, RangeError, /"maxExchanges"/],
    [{ resolver: dns(), allowPrivateTargets: 1 }, TypeError, /"allowPrivateTargets"/],
  ])('rejects wrong options %#', async (options, error, message) => {
    // @ts-expect-error what JavaScript can pass
    const rejected = verifySenderDomain('a.example', options);
    await expect(rejected).rejects.toThrow(error);
    await expect(rejected).rejects.toThrow(message);
  });
});
