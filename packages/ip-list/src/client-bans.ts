import {
  clientKey,
  formatIp,
  type IpAddress,
  type JsonObject,
  type OptionReader,
  parseCidr,
  type Report,
  type Session,
} from '@postern/core';
import { announceBan, type BanEvent, warnOfFailedBan } from './ban-event.ts';
import { IgnoredNetworks, type Networks } from './ignored-networks.ts';
import type { BanList, ListEntry, ListEntryInput } from './list-entry.ts';

/** Where bans go and who is spared: what `autoBan` and `spamTraps` have in common. */
export interface ClientBanOptions {
  /** Where bans go: an `IpList`, a ban journal, or a list that several machines share. */
  readonly list: BanList;
  /**
   * Networks of which nobody is ever listed, besides trusted ones: texts, or an `IpList` of which the `allow` entries count.
   * A ban that would cover one of them covers the client's address alone (of an `IpList` only the client's own address is
   * looked up). Default `['127.0.0.0/8', '::1/128']`, which a value of one's own replaces.
   */
  readonly ignore?: Networks;
  /** How much of an IPv4 address is listed, 16 to 32; also of one in `64:ff9b::/96` (RFC 6052). Default 32: the address. */
  readonly ipv4PrefixLength?: number;
  /** How much of an IPv6 address is listed, 32 to 128. Default 64: a host moves freely within its /64 (RFC 4291 §2.5.1). */
  readonly ipv6PrefixLength?: number;
  /** Called with what came of each ban, the failed ones included. */
  readonly onBan?: (event: BanEvent) => unknown;
}

/** A ban to be made. */
export interface Ban {
  /** The name of the check that makes it. */
  readonly check: string;
  readonly ip: IpAddress;
  readonly reason: string;
  readonly evidence: JsonObject;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

/** So many bans may wait for a list that does not answer. */
const MOST_WAITING = 10_000;

/** Puts clients on a list. */
export class ClientBans {
  readonly #list: BanList;
  readonly #ignored: IgnoredNetworks;
  readonly #lengths: { readonly ipv4PrefixLength: number; readonly ipv6PrefixLength: number };
  readonly #onBan: ((event: BanEvent) => unknown) | undefined;
  #waiting = 0;
  /** The last ban failed, and that was said. */
  #warned = false;

  constructor(read: OptionReader) {
    this.#list = read.required('list', isBanList, 'a list with add() and delete()');
    this.#ignored = new IgnoredNetworks(read);
    this.#lengths = {
      ipv4PrefixLength: read.integer('ipv4PrefixLength', 32, { min: 16, max: 32 }),
      ipv6PrefixLength: read.integer('ipv6PrefixLength', 64, { min: 32, max: 128 }),
    };
    this.#onBan = read.value('onBan', isListener, 'a function');
  }

  /** The address by which the session's client may be listed; `undefined`: it has none, or is to be ignored. */
  addressOf({ client: { ip } }: Session): IpAddress | undefined {
    return ip === undefined || this.#ignored.has(ip) ? undefined : ip;
  }

  /** What is listed for the address. */
  prefixOf(ip: IpAddress): string {
    const prefix = clientKey(ip, this.#lengths);
    const result = parseCidr(prefix);
    return result.ok && this.#ignored.someWithin(result.cidr) ? formatIp(ip) : prefix;
  }

  /** Resolves to what came of it. Never rejects. */
  async add({ check, ip, reason, evidence, expiresAt }: Ban): Promise<BanEvent['outcome']> {
    const prefix = this.prefixOf(ip);
    const entry: ListEntryInput = { action: 'block', reason, source: check, expiresAt, evidence };
    this.#waiting += 1;
    try {
      if (this.#waiting > MOST_WAITING) throw new Error(`${MOST_WAITING} bans wait for the list already`);
      const present = await this.#list.get?.(prefix);
      const kept = present !== undefined && standsAgainst(present, expiresAt);
      if (!kept) await this.#list.add(prefix, entry);
      this.#warned = false;
      const outcome = kept ? 'kept' : 'listed';
      announceBan({ outcome, check, prefix, entry }, this.#onBan);
      return outcome;
    } catch (error) {
      const event: BanEvent = { outcome: 'failed', check, prefix, entry, error };
      if (!this.#warned) warnOfFailedBan(event, error, this.#onBan);
      this.#warned = true;
      announceBan(event, this.#onBan);
      return 'failed';
    } finally {
      this.#waiting -= 1;
    }
  }
}

/** Neither a trusted network nor an authenticated user is ever listed: not if it is one now, nor if it was in the report. */
export function isStranger(session: Session, report?: Report): boolean {
  return [session, report?.session].every((each) => each?.trusted !== true && each?.user === undefined);
}

/** Whether the entry that is there says more than a ban until then would. */
function standsAgainst({ action, expiresAt }: ListEntry, until: number): boolean {
  return action === 'allow' || expiresAt === undefined || expiresAt >= until;
}

function isBanList(value: unknown): value is BanList {
  return (
    typeof value === 'object' &&
    value !== null &&
    typeof Reflect.get(value, 'add') === 'function' &&
    typeof Reflect.get(value, 'delete') === 'function'
  );
}

function isListener(value: unknown): value is (event: BanEvent) => unknown {
  return typeof value === 'function';
}
