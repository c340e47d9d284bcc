import { randomUUID } from 'node:crypto';
import { formatCidr, OptionReader, parseCidr } from '@postern/core';
import type { BanList, ListEntry, ListEntryInput } from '@postern/ip-list';
import { banVersionSource, changeBanSource, readBansSource } from './ban-source.ts';
import { type BanChange, isBanKey, readChange, readEntry, writeEntry } from './ban-text.ts';
import { type RedisOptions, readConnectionOptions } from './connection-options.ts';
import { LuaScript } from './lua-script.ts';
import { reportInvalid } from './redis-channels.ts';
import { type RedisClient, redisCommands } from './redis-client.ts';
import { RedisLink } from './redis-link.ts';
import { Subscriptions } from './subscriptions.ts';

const owner = 'SharedBans';

/** At most so many changes wait for a Redis that is away, and so many messages for a snapshot. */
const mostWaiting = 10_000;

/** Of `SharedBans`. */
export interface SharedBansOptions extends RedisOptions {
  /** The list of this machine that follows the shared one: an `IpList`, a `DomainList`, a journal. It should hold nothing else. */
  readonly list: BanList;
  /** Tells several shared lists apart. 1 to 64 characters. Default `'bans'`. */
  readonly name?: string;
  /** At most so many entries are shared; then the one goes that would end first. 1 to 10,000,000. Default 100,000. */
  readonly maxEntries?: number;
  /** How often it is looked whether a change was missed, in milliseconds: 100 to 3,600,000. Default 10,000. */
  readonly syncMs?: number;
  /** How long Redis keeps the list when no machine looks after it, in milliseconds: 60,000 or more. Default 30 days. */
  readonly keepMs?: number;
}

interface Snapshot {
  readonly epoch: string;
  readonly version: number;
  readonly entries: ReadonlyMap<string, string>;
}

/**
 * A ban list that several machines share: what one adds or deletes, all have.
 *
 * A change is in force here at once, and elsewhere as soon as Redis has published it. Redis counts the changes, and every
 * machine makes them in that order, so that all end up with the same list; who missed one (a connection was lost) fetches
 * the whole list anew. While Redis is away, changes wait here, at most 10,000 of them, and are handed in when it is back. A
 * Redis that has lost its data gets it back from the machines.
 *
 * No call waits longer than `timeoutMs` or rejects because of Redis. What comes from Redis and is no entry is reported on the
 * diagnostics channel `postern.redis.invalid`, and left out.
 *
 * @example
 * ```ts
 * const list = IpList.from([]);
 * const bans = new SharedBans(new Redis('redis://127.0.0.1:6379'), { list });
 * await bans.sync();
 * await bans.add('203.0.113.9', { reason: 'sent to a spam trap', expiresAt: Date.now() + 86_400_000 });
 * ```
 */
export class SharedBans implements BanList {
  readonly #list: BanList;
  readonly #prefix: string;
  readonly #link: RedisLink;
  readonly #subscriptions: Subscriptions;
  readonly #keys: readonly string[];
  readonly #keepMs: string;
  readonly #maxEntries: string;
  readonly #change = new LuaScript(changeBanSource);
  readonly #read = new LuaScript(readBansSource);
  readonly #readVersion = new LuaScript(banVersionSource);
  readonly #timer: NodeJS.Timeout;
  /** What the shared list holds, as far as it is known here: its keys and entries. */
  readonly #known = new Map<string, string>();
  /** When those of them end that do. */
  readonly #ends = new Map<string, number>();
  /** What Redis has not got yet. */
  readonly #pending = new Map<string, string>();
  /** What came while a snapshot was fetched. */
  #early: BanChange[] = [];
  #epoch: string | undefined;
  /** `undefined`: not known to be complete. */
  #version: number | undefined;
  /** The version that Redis had when it was last looked. */
  #seen = 0;
  #syncing: Promise<boolean> | undefined;
  #missed = false;

  /** @param client - connected or connecting; it stays the application's, which closes it */
  constructor(client: RedisClient, options: SharedBansOptions) {
    const commands = redisCommands(owner, client);
    const read = new OptionReader(owner, options);
    const connection = readConnectionOptions(read);
    this.#list = read.required('list', isBanList, 'a list with add() and delete()');
    const name = read.text('name', 'bans');
    if (name.length < 1 || name.length > 64) read.refuse('name', '1 to 64 characters');
    this.#maxEntries = String(read.integer('maxEntries', 100_000, { min: 1, max: 10_000_000 }));
    const syncMs = read.integer('syncMs', 10_000, { min: 100, max: 3_600_000 });
    this.#keepMs = String(read.integer('keepMs', 2_592_000_000, { min: 60_000, max: 1e12 }));
    read.done();
    this.#prefix = connection.prefix;
    const key = `{${connection.prefix}}:b:${name}`;
    const channel = `${key}:changes`;
    this.#keys = [`${key}:entries`, `${key}:ends`, `${key}:meta`, channel];
    const resync = (): void => void this.sync();
    this.#link = new RedisLink(commands, { owner, ...connection }, resync);
    this.#subscriptions = new Subscriptions(commands, resync, () => {
      this.#version = undefined;
    });
    void this.#subscriptions.add(channel, (payload) => this.#hear(payload));
    this.#timer = setInterval(() => void this.#look(), syncMs).unref();
  }

  /**
   * Resolves when Redis has it, or has not said so in time; then it is handed in later.
   *
   * @throws what the list throws, and RangeError for an entry of more than 16,384 bytes of JSON: then nothing has changed
   */
  async add(key: string, entry: ListEntryInput = {}): Promise<void> {
    const name = canonical(key);
    const text = writeEntry(entry);
    await this.#list.add(name, entry);
    await this.#handIn(name, text);
  }

  /** Resolves to whether it was in the list, here or in Redis. Otherwise as `add`. */
  async delete(key: string): Promise<boolean> {
    const name = canonical(key);
    const existed = await this.#list.delete(name);
    return (await this.#handIn(name, '')) || existed;
  }

  /** The entry of exactly this prefix or pattern on this machine; `undefined` also where `list` cannot say. */
  async get(key: string): Promise<ListEntry | undefined> {
    return await this.#list.get?.(canonical(key));
  }

  /** Hands in what waits, and fetches the whole list. Resolves to whether Redis could be asked. It happens by itself whenever it is needed. */
  sync(): Promise<boolean> {
    if (this.#syncing !== undefined) {
      this.#missed = true;
      return this.#syncing;
    }
    this.#syncing = this.#sync().finally(() => {
      this.#syncing = undefined;
      this.#early = [];
      if (!this.#missed) return;
      this.#missed = false;
      setImmediate(() => void this.sync());
    });
    return this.#syncing;
  }

  /** Ends the connection for messages and the timers. The list stays as it is; the client stays open. */
  close(): void {
    clearInterval(this.#timer);
    this.#link.close();
    this.#subscriptions.close();
  }

  async #handIn(key: string, entry: string): Promise<boolean> {
    this.#pending.delete(key);
    this.#pending.set(key, entry);
    for (const oldest of this.#pending.keys()) {
      if (this.#pending.size <= mostWaiting) break;
      this.#pending.delete(oldest);
    }
    return (await this.#send(key, entry)) === 1;
  }

  /** `undefined` when Redis did not say that it has it. */
  async #send(key: string, entry: string): Promise<unknown> {
    const args = [this.#keepMs, randomUUID(), key, entry, endOf(entry), this.#maxEntries];
    const existed = await this.#link.ask(() => this.#change.run(this.#link.commands, this.#keys, args));
    if (existed !== undefined && this.#pending.get(key) === entry) {
      this.#pending.delete(key);
      this.#note(key, entry);
    }
    return existed;
  }

  async #sendPending(): Promise<boolean> {
    for (const [key, entry] of [...this.#pending]) {
      if (this.#pending.get(key) === entry && (await this.#send(key, entry)) === undefined) return false;
    }
    return true;
  }

  async #sync(): Promise<boolean> {
    this.#version = undefined;
    if (!(await this.#sendPending())) return false;
    const snapshot = await this.#fetch();
    if (snapshot === undefined) return false;
    const hasLost = this.#epoch !== undefined && this.#epoch !== snapshot.epoch;
    this.#epoch = snapshot.epoch;
    for (const [key, entry] of [...this.#known]) {
      if (snapshot.entries.has(key) || this.#pending.has(key)) continue;
      if (hasLost) this.#pending.set(key, entry);
      else await this.#make(key, '');
    }
    for (const [key, entry] of snapshot.entries) {
      if (this.#known.get(key) !== entry && !this.#pending.has(key)) await this.#make(key, entry);
    }
    this.#version = snapshot.version;
    const early = this.#early;
    this.#early = [];
    for (const change of early) this.#follow(change);
    return hasLost ? await this.#sendPending() : true;
  }

  async #fetch(): Promise<Snapshot | undefined> {
    const entries = new Map<string, string>();
    let first: { readonly epoch: string; readonly version: number } | undefined;
    let cursor = '0';
    do {
      const args = [this.#keepMs, randomUUID(), cursor];
      const page = await this.#link.ask(() => this.#read.run(this.#link.commands, this.#keys, args));
      if (!Array.isArray(page) || !Array.isArray(page[3])) return undefined;
      const found = { epoch: String(page[0]), version: Number(page[1]) };
      if (first !== undefined && first.epoch !== found.epoch) return undefined;
      first ??= found;
      for (let at = 0; at + 1 < page[3].length; at += 2) entries.set(String(page[3][at]), String(page[3][at + 1]));
      cursor = String(page[2]);
    } while (cursor !== '0');
    return { ...first, entries };
  }

  /** A missed message is noticed when Redis is ahead by what it had already been the last time. */
  async #look(): Promise<void> {
    this.#dropEnded();
    const args = [this.#keepMs, randomUUID()];
    const found = await this.#link.ask(() => this.#readVersion.run(this.#link.commands, this.#keys, args));
    if (!Array.isArray(found)) return;
    const isBehind = this.#version === undefined || this.#version < this.#seen || this.#epoch !== String(found[0]);
    this.#seen = Number(found[1]);
    if (isBehind || this.#pending.size > 0) await this.sync();
  }

  #dropEnded(): void {
    const now = Date.now();
    for (const [key, end] of this.#ends) if (end <= now) this.#note(key, '');
  }

  #hear(payload: Buffer): void {
    const change = readChange(payload);
    if (change === undefined) {
      this.#invalid('not a change of a list', payload.length);
    } else if (this.#syncing !== undefined) {
      if (this.#early.length < mostWaiting) this.#early.push(change);
      else this.#missed = true;
    } else {
      this.#follow(change);
    }
  }

  /** The changes are made in the order of their versions, without a gap. */
  #follow(change: BanChange): void {
    if (this.#version === undefined || change.epoch !== this.#epoch || change.version > this.#version + 1) {
      void this.sync();
      return;
    }
    if (change.version <= this.#version) return;
    this.#version = change.version;
    // What waits here will be later.
    if (!this.#pending.has(change.key)) void this.#make(change.key, change.entry);
  }

  /** Makes a change that is already made elsewhere. */
  async #make(key: string, entry: string): Promise<void> {
    const read = entry === '' ? undefined : readEntry(entry);
    if (entry !== '' && read === undefined) {
      this.#invalid('not an entry', entry.length);
      return;
    }
    this.#note(key, entry);
    try {
      if (read === undefined) await this.#list.delete(key);
      else await this.#list.add(key, read);
    } catch {
      this.#invalid('refused by the list', entry.length);
    }
  }

  #note(key: string, entry: string): void {
    const end = entry === '' ? undefined : readEntry(entry)?.expiresAt;
    if (end === undefined) this.#ends.delete(key);
    else this.#ends.set(key, end);
    if (entry === '') this.#known.delete(key);
    else this.#known.set(key, entry);
  }

  #invalid(reason: string, bytes: number): void {
    reportInvalid({ owner, prefix: this.#prefix, reason, bytes });
  }
}

function isBanList(value: unknown): value is BanList {
  if (typeof value !== 'object' || value === null) return false;
  return ['add', 'delete'].every((method) => typeof Reflect.get(value, method) === 'function');
}

/** One way to write a prefix, so that whoever deletes it finds it. */
function canonical(key: string): string {
  if (!isBanKey(key)) throw new RangeError('SharedBans: a key must be one line of 1 to 512 characters');
  const parsed = parseCidr(key);
  return parsed.ok ? formatCidr(parsed.cidr) : key.toLowerCase();
}

/** As a score of a sorted set. */
function endOf(entry: string): string {
  const end = readEntry(entry)?.expiresAt;
  return end === undefined ? '+inf' : String(end);
}
