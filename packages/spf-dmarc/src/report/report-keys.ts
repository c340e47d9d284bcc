import type { ReportDay } from './report-day.ts';

/**
 * The names under which a day lies in the store. Each collector writes values of its own, under its id, and nobody else
 * writes them: so machines need not agree on anything but the list of their ids, and to write a value once more is to write
 * the same.
 */
export class ReportKeys {
  readonly #prefix: string;

  constructor(prefix: string, day: ReportDay) {
    this.#prefix = `${prefix}/${day}`;
  }

  /** The ids of the collectors that have something of the day; also the slot that its writer holds. */
  get collectors(): string {
    return `${this.#prefix}/collectors`;
  }

  /** The slot that the sender of the day's reports holds. */
  get sending(): string {
    return `${this.#prefix}/sending`;
  }

  index(collector: string): string {
    return `${this.#prefix}/index/${collector}`;
  }

  domain(collector: string, domain: string): string {
    return `${this.#prefix}/domain/${collector}/${domain}`;
  }

  /** The destinations that need no more attempts. */
  sent(domain: string): string {
    return `${this.#prefix}/sent/${domain}`;
  }
}
