import { type Check, OptionReader } from '@postern/core';
import { askAboutAddress } from './address-questions.ts';
import { compileZones, isNonEmptyZoneList } from './compiled-zone.ts';
import type { AddressZone } from './dnsbl-zone.ts';
import { externalHop, isTrusted, readNetworks } from './first-external-hop.ts';
import { type ListingPolicyOptions, opinionOf, readListingPolicy } from './listing-policy.ts';

/** How {@link receivedDnsbl} asks, and what it makes of the answers. */
export interface ReceivedDnsblOptions extends ListingPolicyOptions {
  /**
   * The lists; at least one. Lists of addresses that should not send mail themselves (the PBL within Spamhaus ZEN, the
   * policy part of Abusix) are meant for the host that handed the message to your relay, which is the one asked about here.
   */
  readonly zones: readonly (string | AddressZone)[];
  /** Your own relays, addresses and networks: only their messages are judged, and they are passed over. At least one. */
  readonly trusted: readonly string[];
}

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.length > 0 && value.every((each) => typeof each === 'string');
}

/**
 * Judges mail that comes through a relay of one's own by the host that gave it to that relay: `dnsbl` for what stands
 * behind a second MX or a forwarder. It reads the `Received` fields with {@link firstExternalHop} and answers at the end of
 * the message; messages from clients outside of `trusted` are `dnsbl`'s matter, and those of users who have logged in
 * nobody's.
 *
 * A refusal makes the relay send a bounce. `rejectAtScore: Infinity` only counts the score, towards a quarantine for
 * instance.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { receivedDnsbl, spamhausZen } from '@postern/dnsbl';
 *
 * const check = receivedDnsbl({
 *   zones: [spamhausZen],
 *   trusted: ['198.51.100.25'],
 *   rejectAtScore: Infinity,
 * });
 * ```
 */
export function receivedDnsbl(options: ReceivedDnsblOptions): Check {
  const read = new OptionReader('receivedDnsbl', options);
  const zones = read.required('zones', isNonEmptyZoneList, 'a list of at least one zone or zone name');
  const relays = read.required('trusted', isTextList, 'a list of at least one network');
  const policy = readListingPolicy(read, 'received-dnsbl');
  read.done();
  const compiled = compileZones('receivedDnsbl', zones, 'addresses');
  const trusted = readNetworks('receivedDnsbl', relays);

  return {
    name: policy.name,
    cost: 'network',
    start(session, context) {
      const { ip } = session.client;
      if (ip === undefined || !isTrusted(ip, trusted)) return undefined;
      const how = { ...policy.asking, resolver: policy.resolver ?? context.resolver, askSpecial: false };
      return {
        message() {
          if (session.user !== undefined) return undefined;
          const gone = new AbortController();
          let hop: ReturnType<typeof externalHop> | undefined;
          return {
            header(fields) {
              hop = externalHop(fields, trusted);
            },
            write() {},
            async end() {
              if (hop?.found !== true) {
                return {
                  finding: {
                    kind: 'dnsbl/hop-unknown',
                    summary: 'The message does not tell which host outside gave it to the relay.',
                    reason: hop?.reason ?? 'no-received',
                  },
                };
              }
              const { address, position } = hop;
              const about = { prefix: 'dnsbl/hop-', role: 'Host', subject: address, facts: { hop: address } } as const;
              const result = await askAboutAddress(hop.ip, compiled, how, gone.signal);
              const opinion = opinionOf(about, result, policy);
              return { ...opinion, finding: { ...opinion.finding, position } };
            },
            abort() {
              gone.abort();
            },
          };
        },
      };
    },
  };
}
