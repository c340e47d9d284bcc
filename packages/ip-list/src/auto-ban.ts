import {
  type Check,
  type Context,
  type Expiring,
  ExpiringMap,
  type Finding,
  type IpAddress,
  type JsonObject,
  OptionReader,
  type RefusedCommand,
  type Report,
  type ReportedOpinion,
  type Session,
  type SmtpReply,
  type Store,
} from '@postern/core';
import { readCheckName } from './check-name.ts';
import { type ClientBanOptions, ClientBans, isStranger } from './client-bans.ts';
import { type Refusal, RefusalCount } from './refusal-count.ts';

/** Who is listed, by what, and for how long. */
export interface AutoBanOptions extends ClientBanOptions {
  /**
   * Whose refusals count: names of checks (`relay-acl`; `gateway` for the gateway's own refusals and those of its backend),
   * or kinds of findings (`relay-acl/denied`). There is no default: a server that forwards mail fails SPF and DMARC for
   * others, and one without a reverse name may be an honest one. May be empty only with `failedLogins`.
   */
  readonly on: readonly string[];
  /**
   * Whether each login that is refused with 5yz counts, at once, whichever check refused it, or none knew who it was; 534 and
   * 538 (RFC 4954 §6) say nothing of the password and do not count. One that succeeds later takes nothing back: else an account
   * of its own would cover a guesser. A mail program with an old password tries again and again, and a ban is one of everybody
   * behind its address. A check that may end the session with a 421 in the place of the refusal stands behind this one.
   * Default `false`.
   */
  readonly failedLogins?: boolean;
  /**
   * Whether transactions with the null reverse-path count. Honest servers bounce what a forger sends in the name of
   * addresses that are not there, and ask whether they are: a ban would be one of all that those servers send. Default `false`.
   */
  readonly nullSenders?: boolean;
  /** The check's name in reports, and the `source` of its entries. Default `auto-ban`. */
  readonly name?: string;
  /** So many refusals, 1 to 100, … Default 5. */
  readonly refusals?: number;
  /** … within so many milliseconds, 1,000 to 2,592,000,000, are a ban. Default 600,000: ten minutes. */
  readonly withinMs?: number;
  /** Milliseconds of the first ban, 1,000 to 31,536,000,000. Default 600,000: ten minutes. */
  readonly banMs?: number;
  /** By how much each further ban of a client is longer, 1 to 100. Default 2. */
  readonly growth?: number;
  /** Milliseconds of the longest ban, at least `banMs`, at most 31,536,000,000. Default 604,800,000, a week, or `banMs`. */
  readonly maxBanMs?: number;
  /**
   * Milliseconds for which a ban is remembered when it has ended, in the gateway's store; after that the next one is a first
   * one. 0 to 31,536,000,000. Default 2,592,000,000: 30 days.
   */
  readonly rememberMs?: number;
  /** The most clients whose refusals are counted, 1 to 1,000,000; of more the one goes that was quiet longest. Default 10,000. */
  readonly maxClients?: number;
}

const YEAR_MS = 31_536_000_000;
const MONTH_MS = 2_592_000_000;
const WEEK_MS = 604_800_000;

/** The finding of `ipList`: who is on a list already need not be put on one, and a ban must not make itself last for ever. */
const LISTED = 'ip-list/blocked';

/** What evidence names at most: the rest of it is in the reports. */
const MOST_NAMED = 10;
const LONGEST_KIND = 100;

/** The check at work: what all sessions of the gateway share. */
class Banning {
  readonly #name: string;
  readonly #bans: ClientBans;
  readonly #refusals: number;
  readonly #banMs: number;
  readonly #growth: number;
  readonly #maxBanMs: number;
  readonly #rememberMs: number;
  readonly #maxClients: number;
  readonly #count: RefusalCount;
  /** Until when clients are banned: what is refused them meanwhile counts for nothing, in how many sessions it may be. */
  readonly #banned: ExpiringMap<Expiring>;
  /** Bans on their way. */
  readonly #pending = new Set<string>();

  constructor(name: string, bans: ClientBans, read: OptionReader) {
    this.#name = name;
    this.#bans = bans;
    this.#refusals = read.integer('refusals', 5, { min: 1, max: 100 });
    const withinMs = read.integer('withinMs', 600_000, { min: 1_000, max: MONTH_MS });
    this.#banMs = read.integer('banMs', 600_000, { min: 1_000, max: YEAR_MS });
    this.#growth = read.number('growth', 2, { min: 1, max: 100 });
    this.#maxBanMs = read.integer('maxBanMs', Math.max(WEEK_MS, this.#banMs), { min: this.#banMs, max: YEAR_MS });
    this.#rememberMs = read.integer('rememberMs', MONTH_MS, { min: 0, max: YEAR_MS });
    this.#maxClients = read.integer('maxClients', 10_000, { min: 1, max: 1_000_000 });
    this.#count = new RefusalCount(this.#maxClients, this.#refusals, withinMs);
    this.#banned = new ExpiringMap({ maxKeys: this.#maxClients });
  }

  /** Counts what the client was refused. */
  refused(ip: IpAddress, refusal: Refusal, context: Context): void {
    const prefix = this.#bans.prefixOf(ip);
    if (this.#pending.has(prefix) || this.#banned.get(prefix, refusal.at) !== undefined) return;
    const recent = this.#count.add(prefix, refusal);
    if (recent.length < this.#refusals || this.#pending.size === this.#maxClients) return;
    this.#pending.add(prefix);
    void this.#ban(ip, prefix, recent, context).finally(() => this.#pending.delete(prefix));
  }

  async #ban(ip: IpAddress, prefix: string, recent: readonly Refusal[], { store, clock }: Context): Promise<void> {
    const key = `ip-list:${this.#name}:${prefix}`;
    const last = await lastBan(store, key);
    const now = clock.now();
    // Another process has banned the client for what it saw of the same, or this one has forgotten: that is no further ban.
    const goesOn = last.expiresAt > now;
    const ban = goesOn ? last.ban : last.ban + 1;
    const growing = Math.min(this.#maxBanMs, Math.round(this.#banMs * this.#growth ** (ban - 1)));
    const durationMs = goesOn ? Math.min(this.#maxBanMs, last.expiresAt - now) : growing;
    const expiresAt = now + durationMs;
    const reason = `Refused ${recent.length} times within ${Math.ceil(spanOf(recent) / 1_000)} s: ${kindsOf(recent).join(', ')}`;
    const outcome = await this.#bans.add({
      check: this.#name,
      ip,
      reason,
      evidence: evidenceOf(recent, ban),
      expiresAt,
    });
    // Else the next refusal tries again.
    if (outcome === 'failed') return;
    this.#count.forget(prefix);
    this.#banned.set(prefix, { expiresAt }, clock.now());
    if (outcome === 'listed' && !goesOn)
      await rememberBan(store, key, { ban, expiresAt }, durationMs + this.#rememberMs);
  }
}

/** The last ban of a client, as the store knows it. */
interface LastBan {
  /** The how many-th it was; 0: there was none. */
  readonly ban: number;
  /** Milliseconds since the epoch. */
  readonly expiresAt: number;
}

const NO_BAN: LastBan = { ban: 0, expiresAt: 0 };

/** What the store cannot say counts as no ban, which bans for less. */
async function lastBan(store: Store, key: string): Promise<LastBan> {
  try {
    const [value] = await store.recall([key]);
    if (value === undefined) return NO_BAN;
    const [ban = 0, expiresAt = 0] = Buffer.from(value).toString('latin1').split(' ').map(Number);
    return Number.isSafeInteger(ban) && ban > 0 && Number.isFinite(expiresAt) ? { ban, expiresAt } : NO_BAN;
  } catch {
    return NO_BAN;
  }
}

async function rememberBan(store: Store, key: string, { ban, expiresAt }: LastBan, ttlMs: number): Promise<void> {
  try {
    await store.remember(key, Buffer.from(`${ban} ${expiresAt}`), ttlMs);
  } catch {
    // The next ban is a first one then. A store tells of its failures itself.
  }
}

function spanOf(recent: readonly Refusal[]): number {
  const times = recent.map(({ at }) => at);
  return Math.max(...times) - Math.min(...times);
}

function kindsOf(recent: readonly Refusal[]): readonly string[] {
  return [...new Set(recent.map(({ kind }) => kind))].slice(0, MOST_NAMED);
}

function evidenceOf(recent: readonly Refusal[], ban: number): JsonObject {
  const count = (kind: string): number => recent.filter((each) => each.kind === kind).length;
  return {
    refusals: recent.length,
    spanMs: spanOf(recent),
    kinds: Object.fromEntries(kindsOf(recent).map((kind) => [kind, count(kind)])),
    reports: [...new Set(recent.map(({ report }) => report))].slice(-MOST_NAMED),
    ban,
  };
}

/**
 * Lists clients that are refused again and again, for longer each time, as fail2ban does: a `Check` that says nothing and
 * reads everyone's reports. Beside it an `ipList` of the same list turns them away.
 *
 * A transaction, or a session without one, counts as one refusal when nothing of it was accepted and a check of `on` had
 * something of it rejected (5yz): neither bounces (see `nullSenders`), nor what was deferred, nor what could not be checked,
 * nor what was only looked at in a dry run. A client that is on a list already is not listed for that. Clients of trusted
 * networks, those that are logged in, and those of `ignore` are never listed. While a ban of this check goes on, nothing
 * counts: several sessions at once make one, and so do several processes that share the gateway's store.
 *
 * An entry says why (`reason`), and in `evidence` what for: kinds of findings, the ids of the reports, and the how many-th
 * ban it is. An entry that people made for the very prefix is left as it is. What came of a ban is told to `onBan` and on the
 * channel `postern.ip-list.ban`; a list that fails never disturbs the mail.
 *
 * Each process counts by itself, in bounded memory: `maxClients` with `refusals` each.
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { autoBan, IpList, ipList, openBanJournal } from '@postern/ip-list';
 *
 * const bans = await openBanJournal({ file: '/var/lib/postern/bans.jsonl', list: new IpList() });
 * const checks = [ipList(bans.list), autoBan({ list: bans, on: ['relay-acl'] })];
 * ```
 */
export function autoBan(options: AutoBanOptions): Check {
  const read = new OptionReader('autoBan', options);
  const name = readCheckName(read, 'auto-ban');
  const bans = new ClientBans(read);
  const on = new Set(read.required('on', isNames, 'a list of names of checks or kinds of findings'));
  const failedLogins = read.boolean('failedLogins', false);
  const nullSenders = read.boolean('nullSenders', false);
  const banning = new Banning(name, bans, read);
  if (on.has(LISTED))
    read.refuse('on', `a list without ${JSON.stringify(LISTED)}: a ban would make itself last for ever`);
  if (on.size === 0 && !failedLogins) read.refuse('on', 'a list that is not empty, unless failedLogins is true');
  read.done();

  const counts = (opinion: ReportedOpinion): boolean =>
    isRefusal(opinion) &&
    opinion.stage !== 'authenticate' &&
    opinion.finding.kind !== LISTED &&
    (on.has(opinion.check) || on.has(opinion.finding.kind));

  return {
    name,
    cost: 'local',
    start(session: Session, context) {
      const ip = bans.addressOf(session);
      if (ip === undefined) return undefined;
      const refused = ({ kind }: Finding, report: string): void => {
        banning.refused(ip, { kind: kind.slice(0, LONGEST_KIND), report, at: context.clock.now() }, context);
      };
      return {
        ...(failedLogins && {
          // A login that fails behind the last transaction stands in no report.
          refusal(each: RefusedCommand): undefined {
            if (each.kind === 'login' && isForGood(each.reply) && isStranger(session))
              refused(each.finding, session.id);
          },
        }),
        report(report) {
          if (!isUnaccepted(report) || !isStranger(session, report)) return;
          if (report.reversePath === '' && !nullSenders) return;
          const rejected = report.opinions.find(counts);
          if (rejected !== undefined) refused(rejected.finding, report.id);
        },
      };
    },
  };
}

/** Neither a failure of our own nor a throttle; nor one that says nothing of the password (RFC 4954 §6: 534, 538). */
function isForGood({ code }: SmtpReply): boolean {
  return code >= 500 && code !== 534 && code !== 538;
}

/** A check that fails defers; one that is run dry has no verdict. */
function isRefusal({ verdict, enforced }: ReportedOpinion): boolean {
  return verdict === 'reject' && enforced;
}

/** What went wrong with mail that was taken, or may have been, does not count: one of many recipients was unknown. */
function isUnaccepted({ outcome }: Report): boolean {
  return outcome !== 'accepted' && outcome !== 'quarantined' && outcome !== 'unknown';
}

function isNames(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string' && each !== '');
}
