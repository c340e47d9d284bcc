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

  it('looks up no more than maxExchanges, the preferred ones', async () => {
    const resolver = new ZoneResolver({
      'many.example': { MX: Array.from({ length: 50 }, (_, index) => `${100 - index} h${index}.example`) },
    });
    const result = await verifySenderDomain('many.example', { resolver });
    expect(result).toMatchObject({ status: 'unusable', unasked: 40 });
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
        expect(status).toBe(addresses.includes('9.9.9.1') ? 'deliverable' : 'unusable');
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
