import { type DnsAnswer, type IpAddress, isSubdomainOf, reverseName, toDnsName } from '@postern/core';
import { liesIn } from './lies-in.ts';
import type { SpfLookups } from './spf-lookups.ts';

/** The client's names in DNS, and whether they are its own: what `ptr` and `%{p}` ask for (RFC 7208 §5.5, §7.3). */
export class ClientNames {
  readonly #ip: IpAddress;
  readonly #lookups: SpfLookups;
  readonly #maxNames: number;
  readonly #confirmed = new Map<string, Promise<boolean>>();

  /** @param maxNames - how many names count; RFC 7208 §4.6.4: those behind them are ignored */
  constructor(ip: IpAddress, lookups: SpfLookups, maxNames: number) {
    this.#ip = ip;
    this.#lookups = lookups;
    this.#maxNames = maxNames;
  }

  /** Asks for the names that the address has, whether they are its own or not. */
  ask(purpose: 'mechanism' | 'ptr', cost: 0 | 1): Promise<DnsAnswer<'PTR'>> {
    return this.#lookups.ask(reverseName(this.#ip), 'PTR', purpose, cost);
  }

  /** The names that count. None when DNS cannot say (RFC 7208 §5.5). */
  in(answer: DnsAnswer<'PTR'>): readonly string[] {
    if (answer.kind !== 'records') return [];
    return answer.records.slice(0, this.#maxNames).flatMap((name) => toDnsName(name) || []);
  }

  /** Those of the names that lead back to the client, in the same order. */
  async confirm(names: readonly string[]): Promise<readonly string[]> {
    const confirmed = await Promise.all(names.map((name) => this.#confirm(name)));
    return names.filter((_, index) => confirmed[index]);
  }

  /**
   * RFC 7208 §7.3, the macro `p`: a name that leads back to the client, preferably the domain itself or one below it;
   * `unknown` when there is none. No more names are confirmed than must be.
   */
  async choose(names: readonly string[], domain: string): Promise<string> {
    const below = names.filter((name) => isSubdomainOf(name, domain));
    const others = names.filter((name) => name !== domain && !below.includes(name));
    for (const group of [names.filter((name) => name === domain), below, others]) {
      const [first] = await this.confirm(group);
      if (first !== undefined) return first;
    }
    return 'unknown';
  }

  #confirm(name: string): Promise<boolean> {
    const known = this.#confirmed.get(name);
    if (known !== undefined) return known;
    const asked = this.#leadsBack(name);
    this.#confirmed.set(name, asked);
    return asked;
  }

  async #leadsBack(name: string): Promise<boolean> {
    const [type, prefixLength] = this.#ip.family === 4 ? (['A', 32] as const) : (['AAAA', 128] as const);
    const answer = await this.#lookups.ask(name, type, 'ptr-address', 0);
    // RFC 7208 §5.5: "If a DNS error occurs while doing an A RR lookup, then that domain name is skipped".
    return answer.kind === 'records' && liesIn(answer.records, { network: this.#ip, prefixLength });
  }
}
