import { Resolver as NodeResolver } from 'node:dns/promises';
import {
  CachingResolver,
  clientKey,
  DnsClient,
  dryRun,
  fromNodeDns,
  HeaderParser,
  MemoryStore,
  parseIp,
} from '@postern/core';
import {
  dnsbl,
  domainDnsbl,
  queryDnsbl,
  queryDomainList,
  receivedDnsbl,
  ZoneLimits,
  ZoneMonitor,
} from '@postern/dnsbl';
import { createGateway, smtpBackend } from '@postern/gateway';
import {
  autoBan,
  DomainList,
  domainList,
  IpList,
  ipList,
  loadDomainList,
  loadIpList,
  readDomainEntries,
  readIpEntries,
  spamTraps,
  watchFile,
} from '@postern/ip-list';
import { ConcurrencyLimiter, FailureThrottle, LoadGauge, RateLimiter, rateLimits, Tarpit } from '@postern/rate-limiter';
import { reverseDns, verifyHelo, verifyReverseDns, verifySenderDomain } from '@postern/rdns';
import { probeOpenRelay, RelayAcl, recipientSet, relayAcl, rememberRecipients, senderMap } from '@postern/relay-acl';
import { authenticateMessage, readTrustedResults, senderAuthentication } from '@postern/spf-dmarc';
import { ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';

/** Calls with whatever JavaScript or a configuration file may bring: no compiler looks at it. */
function construct(type: new (...args: never[]) => unknown, ...args: readonly unknown[]): unknown {
  return Reflect.construct(type, args);
}

function call(what: (...args: never[]) => unknown, ...args: readonly unknown[]): unknown {
  return Reflect.apply(what, undefined, args);
}

const resolver = new ZoneResolver({});
const monitor = new ZoneMonitor({ zones: ['bl.test'], resolver });
const check = { name: 'nothing', start: () => undefined };
const noHeader = {
  fields: [],
  raw: new Uint8Array(0),
  byteLength: 0,
  first() {},
  all: () => [],
  [Symbol.iterator]: () => [].values(),
};

interface Maker {
  readonly name: string;
  readonly make: (options: unknown) => unknown;
  /** What it cannot do without. */
  readonly needs: Readonly<Record<string, unknown>>;
}

/** Everything public that takes an options object. */
const makers: readonly Maker[] = [
  { name: 'DnsClient', make: (options) => construct(DnsClient, options), needs: {} },
  { name: 'CachingResolver', make: (options) => construct(CachingResolver, resolver, options), needs: {} },
  { name: 'fromNodeDns', make: (options) => call(fromNodeDns, new NodeResolver(), options), needs: {} },
  { name: 'MemoryStore', make: (options) => construct(MemoryStore, options), needs: {} },
  { name: 'HeaderParser', make: (options) => construct(HeaderParser, options), needs: {} },
  { name: 'clientKey', make: (options) => call(clientKey, parseIp('192.0.2.1'), options), needs: {} },
  { name: 'dryRun', make: (options) => call(dryRun, check, options), needs: {} },
  { name: 'RelayAcl', make: (options) => construct(RelayAcl, options), needs: { localDomains: [] } },
  { name: 'relayAcl', make: (options) => call(relayAcl, options), needs: { localDomains: [] } },
  {
    name: 'relayAcl of an ACL',
    make: (options) => call(relayAcl, new RelayAcl({ localDomains: [] }), options),
    needs: {},
  },
  { name: 'senderMap', make: (options) => call(senderMap, {}, options), needs: {} },
  { name: 'recipientSet', make: (options) => call(recipientSet, [], options), needs: {} },
  { name: 'rememberRecipients', make: (options) => call(rememberRecipients, () => true, options), needs: {} },
  {
    name: 'probeOpenRelay',
    make: (options) => call(probeOpenRelay, options),
    // It is over before it connects.
    needs: { host: '127.0.0.1', port: 1, ours: 'a.example', victim: 'b.example', signal: AbortSignal.abort() },
  },
  { name: 'dnsbl', make: (options) => call(dnsbl, options), needs: { zones: ['bl.test'] } },
  { name: 'queryDnsbl', make: (options) => call(queryDnsbl, '127.0.0.2', options), needs: { zones: [], resolver } },
  { name: 'queryDomainList', make: (options) => call(queryDomainList, 'a.b', options), needs: { zones: [], resolver } },
  { name: 'domainDnsbl', make: (options) => call(domainDnsbl, options), needs: { zones: ['dbl.test'] } },
  {
    name: 'receivedDnsbl',
    make: (options) => call(receivedDnsbl, options),
    needs: { zones: ['bl.test'], trusted: ['192.0.2.1'] },
  },
  {
    name: 'ZoneLimits',
    make: (options) => construct(ZoneLimits, resolver, options),
    needs: { limits: [{ zone: 'bl.test' }] },
  },
  {
    name: 'verifyReverseDns',
    make: (options) => call(verifyReverseDns, '192.0.2.1', options),
    needs: { resolver },
  },
  {
    name: 'verifyHelo',
    make: (options) => call(verifyHelo, 'a.example', '192.0.2.1', options),
    needs: { resolver },
  },
  {
    name: 'verifySenderDomain',
    make: (options) => call(verifySenderDomain, 'a.example', options),
    needs: { resolver },
  },
  { name: 'reverseDns', make: (options) => call(reverseDns, options), needs: {} },
  { name: 'IpList', make: (options) => construct(IpList, options), needs: {} },
  { name: 'DomainList', make: (options) => construct(DomainList, options), needs: {} },
  { name: 'readIpEntries', make: (options) => call(readIpEntries, '', options), needs: {} },
  { name: 'readDomainEntries', make: (options) => call(readDomainEntries, '', options), needs: {} },
  { name: 'loadIpList', make: (options) => call(loadIpList, '/no/such/file', options), needs: {} },
  { name: 'loadDomainList', make: (options) => call(loadDomainList, '/no/such/file', options), needs: {} },
  {
    name: 'watchFile',
    make: (options) => call(watchFile, '/no/such/file', new IpList(), options),
    // It is over before it begins.
    needs: { signal: AbortSignal.abort() },
  },
  { name: 'ipList', make: (options) => call(ipList, new IpList(), options), needs: {} },
  { name: 'domainList', make: (options) => call(domainList, new DomainList(), options), needs: {} },
  {
    name: 'autoBan',
    make: (options) => call(autoBan, options),
    needs: { list: new IpList(), on: ['relay-acl'] },
  },
  {
    name: 'spamTraps',
    make: (options) => call(spamTraps, options),
    needs: { list: new IpList(), addresses: ['trap@example.org'] },
  },
  {
    name: 'ZoneMonitor',
    make: (options) => construct(ZoneMonitor, options),
    needs: { zones: ['bl.test'], resolver },
  },
  {
    name: 'ZoneMonitor.probe',
    make: (options) => call(monitor.probe.bind(monitor), options),
    needs: {},
  },
  { name: 'ConcurrencyLimiter', make: (options) => construct(ConcurrencyLimiter, options), needs: {} },
  { name: 'FailureThrottle', make: (options) => construct(FailureThrottle, options), needs: {} },
  { name: 'Tarpit', make: (options) => construct(Tarpit, options), needs: {} },
  { name: 'LoadGauge', make: (options) => construct(LoadGauge, options), needs: {} },
  { name: 'rateLimits', make: (options) => call(rateLimits, options), needs: {} },
  {
    name: 'RateLimiter',
    make: (options) => construct(RateLimiter, options),
    needs: { limits: [{ name: 'client', per: 'client', count: 1, perMs: 1 }] },
  },
  { name: 'senderAuthentication', make: (options) => call(senderAuthentication, options), needs: {} },
  {
    name: 'authenticateMessage',
    make: (options) => call(authenticateMessage, Buffer.from('From: ann@example.org\r\n\r\n'), options),
    needs: { ip: '192.0.2.1', helo: 'a.example', mailFrom: '', authservId: 'mx.example.org', resolver },
  },
  {
    name: 'readTrustedResults',
    make: (options) => call(readTrustedResults, noHeader, options),
    needs: { trustedAuthservIds: ['mx.example.org'] },
  },
  { name: 'smtpBackend', make: (options) => call(smtpBackend, options), needs: { host: '127.0.0.1' } },
  {
    name: 'createGateway',
    make: (options) => call(createGateway, options),
    needs: { hostname: 'mx.example.org', checks: [], deliver: () => {} },
  },
];

/** What it threw, or rejected with; `undefined`: it took the options. */
async function mistake({ make }: Maker, options: unknown): Promise<unknown> {
  try {
    await make(options);
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Without options that it has not, an unknown one is told the names of all. */
async function optionNames(maker: Maker): Promise<readonly string[]> {
  const error = await mistake(maker, { ...maker.needs, 'no such option': 1 });
  expect(error).toBeInstanceOf(TypeError);
  const [, known = ''] = String(error).split('unknown option "no such option"; it takes ');
  return JSON.parse(`[${known}]`);
}

/** Of no option's type. */
const never: readonly unknown[] = [Symbol('nothing'), 1n, null, Number.NaN];

describe.each(makers)('the options of $name', (maker) => {
  it('are right as they are', async () => {
    expect(await mistake(maker, maker.needs)).toBeUndefined();
  });

  it.each([7, 'text', null, [], () => {}])('are an object, and not %o', async (options) => {
    const error = await mistake(maker, options);
    expect(error).toBeInstanceOf(TypeError);
    expect(String(error)).toMatch(/: options must be an object, got /);
  });

  it('are named by the error when they have the wrong type', async () => {
    const names = await optionNames(maker);
    expect(names.length).toBeGreaterThan(0);
    for (const name of names) {
      for (const wrong of never) {
        const error = await mistake(maker, { ...maker.needs, [name]: wrong });
        expect(error, name).toBeInstanceOf(typeof wrong === 'number' ? Error : TypeError);
        expect(String(error)).toMatch(new RegExp(`^(?:Type|Range)Error: .*option "${name}" must be .+, got `));
      }
    }
  });

  it('are taken, or refused by name, whatever they are', async () => {
    const names = await optionNames(maker);
    const anything = fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withNullPrototype: true,
    });
    const options = fc.record({
      name: fc.constantFrom(...names),
      value: fc.oneof(anything, fc.array(fc.webUrl()), fc.double()),
    });
    await fc.assert(
      fc.asyncProperty(options, async ({ name, value }) => {
        const error = await mistake(maker, { ...maker.needs, [name]: value });
        if (error === undefined) return;
        expect(error instanceof TypeError || error instanceof RangeError, String(error)).toBe(true);
        expect(String(error)).toContain(name);
      }),
      { numRuns: 300 },
    );
  });
});
