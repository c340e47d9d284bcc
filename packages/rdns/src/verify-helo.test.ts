import type { Resolver } from '@postern/core';
import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { type HeloLookupOptions, verifyHelo } from './verify-helo.ts';

const IP = '198.51.100.7';

function dns(): ZoneResolver {
  return new ZoneResolver({
    'mx.example.com': { A: IP },
    'six.example.com': { AAAA: '2001:db8::7' },
    'other.example.com': { A: ['203.0.113.1', '203.0.113.2'] },
    'text.example.com': { TXT: 'no address' },
    'half.example.com': { A: '203.0.113.1', AAAA: { failure: 'servfail' } },
    'broken.example.com': 'servfail',
  });
}

function ask(helo: string, options: Partial<HeloLookupOptions> = {}, ip: string = IP) {
  return verifyHelo(helo, ip, { resolver: dns(), ...options });
}

describe('verifyHelo', () => {
  it('passes a name that leads to the client', async () => {
    expect(await ask('MX.example.com')).toEqual({
      status: 'pass',
      faults: [],
      form: 'domain',
      domain: 'mx.example.com',
      addresses: [IP],
      forwardMatch: true,
      equalsReverseName: undefined,
      failure: undefined,
    });
    expect(await ask('six.example.com', {}, '2001:DB8::7')).toMatchObject({ status: 'pass', forwardMatch: true });
    expect(await ask(`[${IP}]`)).toMatchObject({ status: 'pass', form: 'address-literal', forwardMatch: true });
    expect(await ask('[IPv6:::ffff:198.51.100.7]')).toMatchObject({ status: 'pass', forwardMatch: true });
  });

  it.each([
    ['192.0.2.1', ['syntax']],
    ['not a name', ['syntax']],
    ['[203.0.113.1]', ['literal-mismatch']],
    ['localhost', ['localhost']],
    ['LOCALHOST.localdomain', ['localhost']],
    ['host.localhost', ['localhost']],
    ['mailserver', ['not-qualified']],
    ['missing.example.com', ['unresolvable']],
    ['text.example.com', ['unresolvable']],
    ['other.example.com', ['forward-mismatch']],
    ['six.example.com', ['forward-mismatch']],
  ])('finds the fault of %j', async (helo, faults) => {
    expect(await ask(helo)).toMatchObject({ status: 'fail', faults, failure: undefined });
  });

  it('asks nobody about localhost and names of one label', async () => {
    const resolver = dns();
    for (const helo of ['localhost', 'a.localhost', 'mailserver', '[203.0.113.1]', 'bad name']) {
      await verifyHelo(helo, IP, { resolver });
    }
    expect([...resolver.queries]).toEqual([]);
  });

  it('lets this machine be localhost', async () => {
    expect(await ask('localhost', {}, '127.0.0.1')).toMatchObject({ status: 'pass', forwardMatch: true });
    expect(await ask('localhost', {}, '::1')).toMatchObject({ status: 'pass' });
  });

  it('knows its own name and address', async () => {
    const own = { ownNames: ['MX.Example.com'], ownAddresses: ['203.0.113.9', '2001:DB8::25'] };
    expect(await ask('mx.example.com', own)).toMatchObject({ faults: ['own-name'] });
    expect(await ask('other.example.com', { ownNames: ['other.example.com'] })).toMatchObject({
      faults: ['own-name', 'forward-mismatch'],
    });
    expect(await ask('[203.0.113.9]', own)).toMatchObject({ faults: ['literal-mismatch', 'own-address'] });
    expect(await ask('[IPv6:2001:db8::25]', own)).toMatchObject({ faults: ['literal-mismatch', 'own-address'] });
    expect(await ask('mx.example.com', own, '127.0.0.1')).toMatchObject({ faults: ['forward-mismatch'] });
  });

  it('lets this machine call itself by its name, whichever of its addresses it comes from', async () => {
    const own = { ownNames: ['mx.example.com'], ownAddresses: [IP, '203.0.113.9'] };
    expect(await ask('mx.example.com', own)).toMatchObject({ status: 'pass', faults: [] });
    expect(await ask('localhost', own)).toMatchObject({ status: 'pass' });
    expect(await ask('mx.example.com', own, '198.51.100.8')).toMatchObject({
      faults: ['own-name', 'forward-mismatch'],
    });
  });

  it('stands a HELO of a megabyte, and a name of 200,000 addresses', async () => {
    for (const start of ['', '[', '[IPv6:', 'a.', '[fe80::1%']) {
      const { status, faults, domain } = await ask(`${start}${'1'.repeat(1_000_000)}]`);
      expect({ status, faults, domain }).toEqual({ status: 'fail', faults: ['syntax'], domain: '' });
    }
    const records = Array.from({ length: 200_000 }, () => '203.0.113.1');
    const hostile: Resolver = {
      resolve: async () => JSON.parse(JSON.stringify({ kind: 'records', records, ttl: 1, authentic: false })),
    };
    const result = await verifyHelo('mx.example.com', IP, { resolver: hostile });
    expect(result.faults).toEqual(['forward-mismatch']);
    expect(result.addresses).toHaveLength(10);
  });

  it('holds what could not be looked up against nobody', async () => {
    const unknown = { status: 'temperror', faults: [], forwardMatch: undefined, failure: 'servfail' };
    expect(await ask('broken.example.com')).toMatchObject(unknown);
    expect(await ask('half.example.com')).toMatchObject({ ...unknown, addresses: ['203.0.113.1'] });
    expect(await ask('half.example.com', {}, '203.0.113.1')).toMatchObject({ status: 'pass', failure: undefined });
  });

  it('compares with the reverse names, as a fact', async () => {
    expect(await ask('mx.example.com', { reverseNames: ['mx.example.com'] })).toMatchObject({
      equalsReverseName: true,
    });
    expect(await ask('mx.example.com', { reverseNames: ['MX.Example.com.'] })).toMatchObject({
      equalsReverseName: true,
    });
    expect(await ask('mx.example.com', { reverseNames: [] })).toMatchObject({
      status: 'pass',
      equalsReverseName: false,
    });
  });

  it('says nothing about a match with a client that has no address', async () => {
    expect(await ask('mx.example.com', {}, 'unix')).toMatchObject({ status: 'pass', forwardMatch: undefined });
    const own = { ownNames: ['mx.example.com'], ownAddresses: ['192.0.2.1'] };
    for (const helo of ['[192.0.2.1]', 'localhost', 'mx.example.com']) {
      expect(await ask(helo, own, 'unix')).toMatchObject({ status: 'pass', faults: [], forwardMatch: undefined });
    }
  });

  it.each([
    [{}, TypeError, /"resolver"/],
    [{ resolver: dns(), ownNames: 'mx' }, TypeError, /"ownNames"/],
    [{ resolver: dns(), ownNames: ['a b'] }, RangeError, /"ownNames"/],
    [{ resolver: dns(), ownAddresses: ['mx'] }, RangeError, /"ownAddresses"/],
    [{ resolver: dns(), reverseNames: [1] }, TypeError, /"reverseNames"/],
  ])('rejects wrong options %#', async (options, error, message) => {
    // @ts-expect-error what JavaScript can pass
    const rejected = verifyHelo('a.example', IP, options);
    await expect(rejected).rejects.toThrow(error);
    await expect(rejected).rejects.toThrow(message);
  });
});
