import { DnsServer, resolverContract } from '@postern/testing';
import { describe, it } from 'vitest';
import { DnsClient } from './dns-client.ts';

describe('DnsClient keeps the contract of Resolver', () => {
  const cases = resolverContract('DnsClient', async (zone) => {
    const server = await DnsServer.start(zone);
    const resolver = new DnsClient({ servers: [server.address], timeoutMs: 300, attemptTimeoutMs: 100 });
    return {
      resolver,
      close: async () => {
        resolver.close();
        await server.close();
      },
    };
  });
  for (const { name, run } of cases) it(name, run);
});
