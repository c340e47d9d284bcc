import { CachingResolver } from './caching-resolver.ts';
import { DnsClient } from './dns-client.ts';

/**
 * A `CachingResolver` over a `DnsClient` over the system's servers, with every default: what a primitive uses when it is
 * given no resolver. Each call makes another one with an empty cache, so that a process should make one and share it.
 *
 * The servers are those of `dns.getServers()` at the time of the call. Nothing of it keeps the process alive but a lookup
 * under way.
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 *
 * const resolver = systemResolver();
 * const answer = await resolver.resolve('example.com', 'MX');
 * console.log(answer, resolver.stats());
 * ```
 */
export function systemResolver(): CachingResolver {
  return new CachingResolver(new DnsClient());
}
