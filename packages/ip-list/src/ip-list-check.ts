import { type Check, type Finding, formatIp, type IpAddress, type Opinion, OptionReader } from '@postern/core';
import { readCheckName } from './check-name.ts';
import { decidingEntry, readLists } from './deciding-entry.ts';
import type { IpList } from './ip-list.ts';
import type { IpListEntry } from './ip-list-entry.ts';
import { type ListingOptions, ListingPolicy } from './listing-policy.ts';

/** What knows the entry of an address: an `IpList`, or of a journal its `list`. */
export type IpLookup = Pick<IpList, 'lookup'>;

/** What {@link ipList} makes of a listing. */
export interface IpListCheckOptions extends ListingOptions {
  /** The check's name in reports. Default `ip-list`. */
  readonly name?: string;
  /**
   * `strangers`: who logs in may send from a listed network too, a phone at a hotel for instance. `everyone`: nobody may.
   * What a client tries before RCPT, logins for one, only `onListed: 'disconnect'` prevents. Default `strangers`.
   */
  readonly appliesTo?: 'everyone' | 'strangers';
  /**
   * Whether the `allow` entries are trusted networks, whose clients are no strangers to any check. One that allows all
   * addresses of a family trusts nobody. Default `false`.
   */
  readonly trust?: boolean;
  /**
   * The text of the reply, cut at 440 characters. `{ip}` is the client's address, `{prefix}` what is listed, `{reason}` the
   * entry's reason, which may not be meant for strangers. Default `Your address {ip} is on the local block list of this
   * server. Its postmaster can tell you why, and take it off.`
   */
  readonly text?: string;
}

const TEXT =
  'Your address {ip} is on the local block list of this server. Its postmaster can tell you why, and take it off.';
const PLACES = ['ip', 'prefix', 'reason'] as const;

function prefixLength({ prefix }: IpListEntry): number {
  return Number(prefix.slice(prefix.lastIndexOf('/') + 1));
}

function findingOf(address: string, entry: IpListEntry): Finding {
  const { action, prefix, reason } = entry;
  const why = reason === '' ? '.' : `: ${reason}`;
  return action === 'allow'
    ? {
        kind: 'ip-list/allowed',
        summary: `A local list allows ${address}, by ${prefix}${why}`,
        client: address,
        ...entry,
      }
    : {
        kind: 'ip-list/blocked',
        summary: `A local list blocks ${address}, by ${prefix}${why}`,
        client: address,
        ...entry,
      };
}

/**
 * Refuses clients that a list of one's own blocks: the `Check` of {@link IpList}. It looks when a client connects, and at
 * each MAIL whether it was listed meanwhile, so that a ban ends what goes on already; with `onListed: 'disconnect'` also when
 * it is refused something, a login for instance.
 *
 * Several lists, a feed and a ban journal for instance, decide as if they were one: the most specific entry counts, and of
 * two that are equally specific the one that allows. An entry that allows is a finding and nothing more, unless `trust` says
 * so. A client without an IP address is on no list.
 *
 * @param lists - one list or several
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { IpList, ipList } from '@postern/ip-list';
 *
 * const feed = IpList.from(['192.0.2.0/24']);
 * const partners = IpList.from([['198.51.100.0/24', { action: 'allow' }]]);
 * const checks = [ipList(partners, { name: 'partners', trust: true }), ipList(feed)];
 * ```
 */
export function ipList(lists: IpLookup | readonly IpLookup[], options: IpListCheckOptions = {}): Check {
  const all = readLists('ipList', lists, 'an IpList');
  const read = new OptionReader('ipList', options);
  const name = readCheckName(read, 'ip-list');
  const appliesTo = read.oneOf('appliesTo', ['everyone', 'strangers'], 'strangers');
  const trust = read.boolean('trust', false);
  const policy = new ListingPolicy(read, TEXT, PLACES);
  read.done();

  const blocked = (address: string, entry: IpListEntry): Opinion =>
    policy.opinionOf(findingOf(address, entry), { ip: address, prefix: entry.prefix, reason: entry.reason });

  function atConnect(ip: IpAddress): Opinion | undefined {
    const entry = decidingEntry(all, ip, prefixLength);
    if (entry === undefined) return undefined;
    const address = formatIp(ip);
    if (entry.action === 'block') return blocked(address, entry);
    const finding = findingOf(address, entry);
    return trust && prefixLength(entry) > 0 ? { finding, trust } : { finding };
  }

  return {
    name,
    cost: 'local',
    appliesTo,
    start({ client: { ip } }) {
      if (ip === undefined) return undefined;
      // What was said at connect counts for every transaction.
      let said = false;
      const meanwhile = (): Opinion | undefined => {
        if (said) return undefined;
        const entry = decidingEntry(all, ip, prefixLength);
        return entry?.action === 'block' ? blocked(formatIp(ip), entry) : undefined;
      };
      return {
        connect() {
          const opinion = atConnect(ip);
          said = opinion?.finding.kind === 'ip-list/blocked';
          return opinion;
        },
        mail: meanwhile,
        // At AUTH a check is only asked who judges logins.
        ...(policy.disconnects && { refusal: meanwhile }),
      };
    },
  };
}
