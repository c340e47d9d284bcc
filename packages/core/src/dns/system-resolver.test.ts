import dns from 'node:dns';
import { DnsServer } from '@postern/testing';
import { expect, it } from 'vitest';
import { systemResolver } from './system-resolver.ts';

it('asks the system’s servers, and remembers what they answered', async () => {
  const servers = dns.getServers();
  const server = await DnsServer.start({ 'example.com': { MX: '10 mx.example.com', ttl: 300 } });
  try {
    dns.setServers([server.address]);
    const resolver = systemResolver();
    const answer = await resolver.resolve('example.com', 'MX');
    expect(answer).toMatchObject({ records: [{ preference: 10, exchange: 'mx.example.com' }], ttl: 300 });
    expect(await resolver.resolve('example.com', 'MX')).toMatchObject({ kind: 'records' });
    expect(server.queries.count()).toBe(1);
    expect(resolver.stats()).toMatchObject({ hits: 1, misses: 1 });
  } finally {
    dns.setServers(servers);
    await server.close();
  }
});
