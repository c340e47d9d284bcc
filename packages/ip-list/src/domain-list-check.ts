import {
  type Awaitable,
  type Check,
  checkFailed,
  type Finding,
  formatIp,
  type HeaderFields,
  type MessageSink,
  type Opinion,
  OptionReader,
  type Resolver,
} from '@postern/core';
import { readCheckName } from './check-name.ts';
import { decidingEntry, readLists } from './deciding-entry.ts';
import { canonicalName } from './domain-entry-pattern.ts';
import type { DomainList, DomainListEntry } from './domain-list.ts';
import { fromDomains } from './from-domains.ts';
import { type ListingOptions, ListingPolicy } from './listing-policy.ts';

/** What knows the entry of a name: a `DomainList`, or of a journal its `list`. */
export type DomainLookup = Pick<DomainList, 'lookup'>;

/** Where a client shows a domain: behind HELO or EHLO, in MAIL FROM, in the `From` fields of the message. */
export type DomainPlace = 'helo' | 'mail-from' | 'from';

/**
 * Finds the names of an address that lead back to it: `verifyReverseDns` of `@postern/rdns` is such a function. What is
 * `temperror`, or throws, is unknown.
 */
export type ReverseNames = (
  address: string,
  options: { readonly resolver: Resolver; readonly signal: AbortSignal },
) => Awaitable<{ readonly status: string; readonly confirmed: readonly string[] }>;

/** What {@link domainList} looks at, and what it makes of a listing. */
export interface DomainListCheckOptions extends ListingOptions {
  /** The check's name in reports. Default `domain-list`. */
  readonly name?: string;
  /** The domains that are looked up. Default `['helo', 'mail-from', 'from']`. */
  readonly places?: readonly DomainPlace[];
  /** Who finds the client's own names, to be looked up as well. Default: they are not looked at. */
  readonly reverseNames?: ReverseNames;
  /** What to do when the client's names cannot be found out. `defer`: 451 4.3.0. Default `ignore`. */
  readonly onUnknown?: 'ignore' | 'defer';
  /** `strangers`: neither authenticated nor in a trusted network. Default `strangers`. */
  readonly appliesTo?: 'everyone' | 'strangers';
  /**
   * The text of the reply, cut at 440 characters. `{domain}` is what was looked up, `{place}` where it stood, `{reason}` the
   * entry's reason, which may not be meant for strangers. Default `The domain {domain} ({place}) is on the local block list
   * of this server. Its postmaster can tell you why, and take it off.`
   */
  readonly text?: string;
}

/** Addresses of a `From` field that are looked up: more than any letter has, and few enough to cost next to nothing. */
const MOST_AUTHORS = 1_000;
/** `verifyReverseDns` asks at most about 100. */
const MOST_NAMES = 100;

const TEXT =
  'The domain {domain} ({place}) is on the local block list of this server. Its postmaster can tell you why, and take it off.';
const PLACES = ['domain', 'place', 'reason'] as const;

const placeWords = {
  helo: 'HELO',
  'reverse-name': 'reverse name',
  'mail-from': 'MAIL FROM',
  from: 'From field',
} as const;

type Place = keyof typeof placeWords;

/** Of two patterns that cover one name, the one with more of it, and of one domain the narrower form. */
function specificity({ pattern }: DomainListEntry): number {
  const colon = pattern.indexOf(':');
  if (colon >= 0) return 3 * (pattern.length - colon - 1);
  return pattern.startsWith('.') ? 3 * (pattern.length - 1) + 1 : 3 * pattern.length + 2;
}

/** Looks names up, and says what that means. */
class DomainJudge {
  readonly #lists: readonly DomainLookup[];
  readonly #policy: ListingPolicy;

  constructor(lists: readonly DomainLookup[], policy: ListingPolicy) {
    this.#lists = lists;
    this.#policy = policy;
  }

  /** The first name that is blocked, else the first that is allowed. */
  judge(place: Place, names: readonly string[]): Opinion | undefined {
    let allowed: Opinion | undefined;
    for (const name of names) {
      const domain = canonicalName(name);
      const entry = domain === undefined ? undefined : decidingEntry(this.#lists, domain, specificity);
      if (domain === undefined || entry === undefined) continue;
      const { action, pattern, reason } = entry;
      const why = reason === '' ? '.' : `: ${reason}`;
      const facts = { place, domain, ...entry };
      if (action === 'block') {
        const summary = `A local list blocks ${domain} (${placeWords[place]}), by ${pattern}${why}`;
        const finding: Finding = { kind: 'ip-list/domain-blocked', summary, ...facts };
        return this.#policy.opinionOf(finding, { domain, place: placeWords[place], reason });
      }
      const summary = `A local list allows ${domain} (${placeWords[place]}), by ${pattern}${why}`;
      allowed ??= { finding: { kind: 'ip-list/domain-allowed', summary, ...facts } };
    }
    return allowed;
  }
}

/** Looks at the authors of one message. */
class FromSink implements MessageSink {
  readonly #judge: DomainJudge;
  #opinion: Opinion | undefined;

  constructor(judge: DomainJudge) {
    this.#judge = judge;
  }

  header(fields: HeaderFields): void {
    // RFC 5322 §3.6 allows one field; readers show one of several, and which one nobody knows: none may use up the rest.
    const authors = fields.all('from');
    const most = Math.ceil(MOST_AUTHORS / authors.length);
    const names = authors.flatMap(({ value }) => fromDomains(value, most));
    this.#opinion = this.#judge.judge('from', names);
  }

  write(): void {}

  end(): Opinion | undefined {
    return this.#opinion;
  }

  abort(): void {}
}

/**
 * Refuses mail by the domains that a client shows: the `Check` of {@link DomainList}. It looks up the HELO name, the domain
 * of MAIL FROM, those of every address in the `From` fields, and with `reverseNames` the client's own names. The finding
 * says which of them was listed.
 *
 * Several lists decide as if they were one: the most specific entry counts, and of two that are equally specific the one
 * that allows. Of several names one that is blocked suffices: a second author that is allowed lifts nothing. Of a `From`
 * field the first 1,000 addresses are looked at, of several fields the first of each, as many of each.
 *
 * @param lists - one list or several
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { DomainList, domainList } from '@postern/ip-list';
 *
 * const names = DomainList.from(['registrable:spam.example']);
 * const check = domainList(names, { places: ['mail-from', 'from'] });
 * ```
 */
export function domainList(lists: DomainLookup | readonly DomainLookup[], options: DomainListCheckOptions = {}): Check {
  const all = readLists('domainList', lists, 'a DomainList');
  const read = new OptionReader('domainList', options);
  const name = readCheckName(read, 'domain-list');
  const places = read.value('places', isPlaces, 'a list of "helo", "mail-from", "from"') ?? [
    'helo',
    'mail-from',
    'from',
  ];
  const reverseNames = read.value('reverseNames', isReverseNames, 'a function such as verifyReverseDns');
  const deferUnknown = read.oneOf('onUnknown', ['ignore', 'defer'], 'ignore') === 'defer';
  const appliesTo = read.oneOf('appliesTo', ['everyone', 'strangers'], 'strangers');
  const judge = new DomainJudge(all, new ListingPolicy(read, TEXT, PLACES));
  if (places.length === 0 && reverseNames === undefined) {
    read.refuse('places', 'a list of at least one of "helo", "mail-from", "from", as there are no reverseNames');
  }
  read.done();

  async function ownNames(ask: ReverseNames, address: string, resolver: Resolver, signal: AbortSignal) {
    try {
      const { status, confirmed } = await ask(address, { resolver, signal });
      return status === 'temperror' ? undefined : confirmed.slice(0, MOST_NAMES);
    } catch {
      return undefined;
    }
  }

  return {
    name,
    cost: reverseNames === undefined ? 'local' : 'network',
    appliesTo,
    start({ client: { ip } }, { resolver }) {
      return {
        ...(reverseNames !== undefined &&
          ip !== undefined && {
            async connect(signal): Promise<Opinion | undefined> {
              const address = formatIp(ip);
              const names = await ownNames(reverseNames, address, resolver, signal);
              if (names !== undefined) return judge.judge('reverse-name', names);
              const summary = `The names of ${address} are not known.`;
              const finding: Finding = { kind: 'ip-list/reverse-names-unknown', summary, client: address };
              return deferUnknown ? { finding, verdict: 'defer', reply: checkFailed } : { finding };
            },
          }),
        ...(places.includes('helo') && { helo: (helo) => judge.judge('helo', [helo]) }),
        ...(places.includes('mail-from') && {
          mail: ({ reversePath }) => judge.judge('mail-from', [reversePath.domain]),
        }),
        ...(places.includes('from') && { message: () => new FromSink(judge) }),
      };
    },
  };
}

function isPlaces(value: unknown): value is readonly DomainPlace[] {
  return Array.isArray(value) && value.every((each) => each === 'helo' || each === 'mail-from' || each === 'from');
}

function isReverseNames(value: unknown): value is ReverseNames {
  return typeof value === 'function';
}
