import { type Check, formatIp, OptionReader } from '@postern/core';
import { askAboutAddress } from './address-questions.ts';
import { compileZones, isNonEmptyZoneList } from './compiled-zone.ts';
import type { AddressZone } from './dnsbl-zone.ts';
import { type ListingPolicyOptions, opinionOf, readListingPolicy } from './listing-policy.ts';

/** How {@link dnsbl} asks, and what it makes of the answers. */
export interface DnsblOptions extends ListingPolicyOptions {
  /** The lists: zone values, or plain names for lists that follow RFC 5782 without codes of their own. At least one. */
  readonly zones: readonly (string | AddressZone)[];
  /** Ask about private, loopback and documentation addresses too. Default `false`. */
  readonly askSpecial?: boolean;
}

/**
 * Refuses clients that DNS lists know (RFC 5782): the `Check` of {@link queryDnsbl}. It asks when a stranger connects;
 * clients that have logged in or stand in a trusted network are not judged.
 *
 * - a score of `rejectAtScore` or more: 550 5.7.1 with the list, its reason, the look-up link and the client's address
 * - a lower score: counts towards the gateway's thresholds, and from `deferAtScore` on the client is to come back
 * - an allow zone lists the client: a listing is reported and not held against it
 * - not known: nothing, or 451 4.3.0 with `onUnknown: 'defer'`
 *
 * The finding carries every zone's result, and no query key.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { dnsbl, spamcop, spamhausZen } from '@postern/dnsbl';
 *
 * // Spamhaus alone suffices; SpamCop needs company.
 * const check = dnsbl({ zones: [{ ...spamhausZen, weight: 2 }, spamcop], rejectAtScore: 2 });
 * ```
 */
export function dnsbl(options: DnsblOptions): Check {
  const read = new OptionReader('dnsbl', options);
  const zones = read.required('zones', isNonEmptyZoneList, 'a list of at least one zone or zone name');
  const policy = readListingPolicy(read, 'dnsbl');
  const askSpecial = read.boolean('askSpecial', false);
  read.done();
  const compiled = compileZones('dnsbl', zones, 'addresses');

  return {
    name: policy.name,
    cost: 'network',
    appliesTo: 'strangers',
    start({ client }, context) {
      const how = { ...policy.asking, resolver: policy.resolver ?? context.resolver, askSpecial };
      const address = client.ip === undefined ? client.address : formatIp(client.ip);
      const about = { prefix: 'dnsbl/', role: 'Client', subject: address, facts: { client: address } } as const;
      return {
        connect: async (signal) => opinionOf(about, await askAboutAddress(client.ip, compiled, how, signal), policy),
      };
    },
  };
}
