import {
  classifyIp,
  DeadlineResolver,
  type DnsFailureReason,
  formatIp,
  type IpAddress,
  isSubdomainOf,
  OptionReader,
  parseIp,
  type Resolver,
  toAsciiDomain,
} from '@postern/core';
import { isSameIp } from './address-lookup.ts';
import { parseHelo } from './helo-argument.ts';
import { type LookupOptions, readLookupOptions } from './lookup-options.ts';
import { type OwnHost, type OwnHostOptions, readOwnHost } from './own-host.ts';

/** How to ask {@link verifyHelo}. */
export interface HeloLookupOptions extends LookupOptions, OwnHostOptions {
  /**
   * The client's reverse names in any case, `confirmed` of `verifyReverseDns`, for the fact `equalsReverseName`. Default
   * unknown.
   */
  readonly reverseNames?: readonly string[];
}

/**
 * What is wrong with a HELO argument.
 *
 * - `syntax`: neither a domain nor an address literal (RFC 5321 §4.1.1.1); a bare address without brackets, for one
 * - `literal-mismatch`: an address literal, and not the client's address
 * - `own-name`, `own-address`: the client says that it is this very server, and has none of its addresses
 * - `localhost`: `localhost` or a name below it, from a client that is not this machine
 * - `not-qualified`: a name of one label, which nobody else can look up (RFC 5321 §2.3.5)
 * - `unresolvable`: the name has neither A nor AAAA records (RFC 5321 §2.3.5)
 * - `forward-mismatch`: it has some, and none is the client's. RFC 5321 §4.1.4: no mail is to be refused for that
 */
export type HeloFault =
  | 'syntax'
  | 'literal-mismatch'
  | 'own-name'
  | 'own-address'
  | 'localhost'
  | 'not-qualified'
  | 'unresolvable'
  | 'forward-mismatch';

/** What is known of a HELO argument. Plain JSON. */
export interface HeloResult {
  /** `fail`: there are `faults`. `temperror`: there is none, and a lookup failed. */
  readonly status: 'pass' | 'fail' | 'temperror';
  /** Everything that is wrong, in the order of {@link HeloFault}. */
  readonly faults: readonly HeloFault[];
  readonly form: 'domain' | 'address-literal' | 'invalid';
  /** The name in lower case; `''` when it is none. */
  readonly domain: string;
  /** Where the name leads: at most 10 addresses. */
  readonly addresses: readonly string[];
  /** Whether the name or the literal leads to the client; `undefined`: not known. */
  readonly forwardMatch: boolean | undefined;
  /** Whether the name is one of `reverseNames`; `undefined` without those. A fact, and no fault (RFC 5321 §4.1.4). */
  readonly equalsReverseName: boolean | undefined;
  /** Why a lookup failed, when one did. */
  readonly failure: DnsFailureReason | undefined;
}

/** How many addresses of a name the result quotes. */
const MOST_QUOTED = 10;

function isLocalhost(domain: string): boolean {
  return domain === 'localhost' || domain === 'localhost.localdomain' || isSubdomainOf(domain, 'localhost');
}

/** Such a client is what it says when it says that it is this server. */
function isThisMachine(client: IpAddress, own: OwnHost): boolean {
  return classifyIp(client).class === 'loopback' || own.addresses.has(formatIp(client));
}

/** Where the name leads, and what of that is not known. */
async function addressesOf(
  domain: string,
  dns: Resolver,
): Promise<{ readonly addresses: readonly string[]; readonly failure: DnsFailureReason | undefined }> {
  const answers = await Promise.all([dns.resolve(domain, 'A'), dns.resolve(domain, 'AAAA')]);
  return {
    addresses: answers.flatMap((answer) => (answer.kind === 'records' ? answer.records : [])),
    failure: answers.find((answer) => answer.kind === 'failure')?.reason,
  };
}

/** {@link verifyHelo} for options that have been read. Never rejects. */
export async function lookUpHelo(
  helo: string,
  client: IpAddress | undefined,
  own: OwnHost,
  reverseNames: readonly string[] | undefined,
  dns: Resolver,
): Promise<HeloResult> {
  const argument = parseHelo(helo);
  const faults: HeloFault[] = [];
  const settle = (facts: Partial<HeloResult>): HeloResult => {
    const failure = facts.failure;
    return {
      status: faults.length > 0 ? 'fail' : failure === undefined ? 'pass' : 'temperror',
      faults,
      form: argument.form,
      domain: '',
      addresses: [],
      forwardMatch: undefined,
      equalsReverseName: undefined,
      failure,
      ...facts,
    };
  };

  switch (argument.form) {
    case 'invalid':
      faults.push('syntax');
      return settle({});
    case 'address-literal': {
      const forwardMatch = client === undefined ? undefined : isSameIp(argument.ip, client);
      if (forwardMatch === false) faults.push('literal-mismatch');
      const literal = formatIp(argument.ip);
      // A client on this machine may well have one of its addresses.
      if (forwardMatch === false && own.addresses.has(literal)) faults.push('own-address');
      return settle({ addresses: [literal], forwardMatch });
    }
    case 'domain': {
      const { domain } = argument;
      const equalsReverseName = reverseNames?.includes(domain);
      const local = client && isThisMachine(client, own);
      if (own.names.has(domain) && local === false) faults.push('own-name');
      if (isLocalhost(domain)) {
        // What it leads to is known without asking, and asking would tell others of it (RFC 6761 §6.3).
        if (local === false) faults.push('localhost');
        return settle({ domain, forwardMatch: local, equalsReverseName });
      }
      if (!domain.includes('.')) {
        faults.push('not-qualified');
        return settle({ domain, equalsReverseName });
      }
      const { addresses, failure } = await addressesOf(domain, dns);
      const matches =
        client !== undefined &&
        addresses.some((address) => {
          const ip = parseIp(address);
          return ip !== undefined && isSameIp(ip, client);
        });
      // The lookup that failed may be the one that would have matched.
      const known = matches || failure === undefined;
      if (known && addresses.length === 0) faults.push('unresolvable');
      else if (known && !matches && client !== undefined) faults.push('forward-mismatch');
      const facts = { domain, addresses: addresses.slice(0, MOST_QUOTED), equalsReverseName };
      return settle({
        ...facts,
        forwardMatch: known && client !== undefined ? matches : undefined,
        failure: matches ? undefined : failure,
      });
    }
  }
}

function isNameList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

/**
 * What a client's HELO or EHLO argument is worth: its syntax, whether it leads to the client, whether the client claims
 * to be this very server or `localhost`. Facts only: RFC 5321 §4.1.4 forbids refusing mail because the name does not lead
 * to the client, and a great many honest servers have such names.
 *
 * Bounds: two lookups, `timeoutMs` for both.
 *
 * @param helo - as the client sent it
 * @param ip - the client's address as text; when it is none, whatever compares with it is not known
 * @returns never rejects because of DNS
 * @throws TypeError or RangeError (as a rejection) that names the option
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { verifyHelo } from '@postern/rdns';
 *
 * const resolver = systemResolver();
 * const { faults } = await verifyHelo('localhost', '203.0.114.7', { resolver, ownNames: ['mx.example.com'] });
 * console.log(faults); // ['localhost']
 * ```
 */
export async function verifyHelo(helo: string, ip: string, options: HeloLookupOptions): Promise<HeloResult> {
  const read = new OptionReader('verifyHelo', options);
  const { resolver, signal, timeoutMs } = readLookupOptions(read);
  const own = readOwnHost(read);
  const reverseNames = read
    .value('reverseNames', isNameList, 'a list of host names')
    ?.map((name) => toAsciiDomain(name, { underscores: true }) ?? name);
  read.done();

  using dns = new DeadlineResolver(resolver, { timeoutMs, signal });
  return await lookUpHelo(helo, parseIp(ip), own, reverseNames, dns);
}
