import { type DnsFailure, type Resolver, toDnsName } from '@postern/core';

/** The largest key, of 8,192 bits, has 1,400 characters; what is longer is none of the records that are asked for. */
const LONGEST_RECORD = 4_096;

/** The codes of `node:dns` that mailauth knows. */
function dnsError(code: 'ENOTFOUND' | 'ENODATA' | 'ESERVFAIL' | 'ETIMEOUT', detail: string): Error {
  return Object.assign(new Error(detail), { code });
}

/**
 * A resolver as mailauth asks one, over ours: a function of name and type that throws what `node:dns` would. It asks TXT
 * records, nothing else, and no more questions than it was given.
 */
export class MailauthResolver {
  readonly #resolver: Resolver;
  #left: number;
  #failure: DnsFailure | undefined;

  /** @param maxQueries - what is asked beyond that is answered as if it did not exist */
  constructor(resolver: Resolver, maxQueries: number) {
    this.#resolver = resolver;
    this.#left = maxQueries;
  }

  /**
   * The first question that DNS failed to answer. mailauth takes a key that could not be looked up for one that does not
   * exist: whoever reads its result looks here before he believes a failure.
   */
  get failure(): DnsFailure | undefined {
    return this.#failure;
  }

  /** What mailauth takes as `resolver`. */
  readonly resolve = async (name: string, type: string): Promise<string[][]> => {
    // A message may bring any name, and one that cannot be asked does not exist.
    if (type !== 'TXT' || toDnsName(name) === undefined) throw dnsError('ENOTFOUND', 'No such name.');
    if (this.#left === 0) throw dnsError('ENOTFOUND', 'Too many questions.');
    this.#left--;
    // Keys and policies count as they are now (RFC 8767 §5 leaves it to the one who asks).
    const answer = await this.#resolver.resolve(name, 'TXT', { staleMs: 0 });
    switch (answer.kind) {
      case 'records':
        // Runs of white space, which mean nothing in tag lists, would cost mailauth time by their square.
        return answer.records
          .filter((record) => record.length <= LONGEST_RECORD)
          .map((record) => [record.replace(/[ \t\r\n]+/g, ' ')]);
      case 'nxdomain':
        throw dnsError('ENOTFOUND', 'No such name.');
      case 'nodata':
        throw dnsError('ENODATA', 'No TXT record.');
      case 'failure':
        this.#failure ??= answer;
        throw dnsError(answer.reason === 'timeout' ? 'ETIMEOUT' : 'ESERVFAIL', answer.detail);
    }
  };
}
