import {
  type Check,
  DeadlineResolver,
  formatIp,
  isResolver,
  type MethodResult,
  type Opinion,
  OptionReader,
  type Path,
  parseIp,
  type Resolver,
} from '@postern/core';
import { judgeRules } from './judge-rules.ts';
import { readTimeoutMs } from './lookup-options.ts';
import { type OwnHost, type OwnHostOptions, readOwnHost } from './own-host.ts';
import { type ReverseDnsRule, type RulePolicies, readRules } from './reverse-dns-rule.ts';
import { type HeloFault, type HeloResult, lookUpHelo } from './verify-helo.ts';
import { lookUpReverseDns, type ReverseDnsResult, readMaxNames } from './verify-reverse-dns.ts';
import {
  lookUpSenderDomain,
  readTargets,
  type SenderDomainResult,
  type SenderDomainStatus,
} from './verify-sender-domain.ts';

/** How {@link reverseDns} asks, and what it makes of the answers. */
export interface ReverseDnsOptions extends OwnHostOptions {
  /** The check's name in reports. Default `reverse-dns`. */
  readonly name?: string;
  /** What each rule does; see `ReverseDnsRule` for the rules and the README for their defaults. */
  readonly rules?: RulePolicies;
  /** Who asks DNS. Default: the gateway's resolver. */
  readonly resolver?: Resolver;
  /** Milliseconds for the lookups of one stage together. Default 5,000; from 1 to 600,000. */
  readonly timeoutMs?: number;
  /** How many PTR names are looked up. Default 10; from 1 to 100. */
  readonly maxNames?: number;
  /** How many mail exchangers of a sender's domain are looked up. Default 10; from 1 to 100. */
  readonly maxExchanges?: number;
  /** Take private and loopback addresses of mail exchangers for usable. Default `false`. */
  readonly allowPrivateTargets?: boolean;
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

const ofFault: Readonly<Record<HeloFault, ReverseDnsRule>> = {
  syntax: 'heloSyntax',
  'literal-mismatch': 'heloLiteral',
  'own-name': 'heloOwnName',
  'own-address': 'heloOwnName',
  localhost: 'heloLocalhost',
  'not-qualified': 'heloNotQualified',
  unresolvable: 'heloUnresolvable',
  'forward-mismatch': 'heloMismatch',
};

const ofSender: Readonly<Record<SenderDomainStatus, ReverseDnsRule | undefined>> = {
  deliverable: undefined,
  'null-mx': 'senderNullMx',
  nonexistent: 'senderNonexistent',
  'no-mail-host': 'senderNoMailHost',
  'own-address': 'senderOwnAddress',
  unusable: 'senderUnusable',
  malformed: 'senderMalformed',
  unknown: 'senderUnknown',
};

function brokenByReverseDns({ reason, generic }: ReverseDnsResult): readonly ReverseDnsRule[] {
  const named: readonly ReverseDnsRule[] = generic?.generic === true ? ['genericName'] : [];
  switch (reason) {
    case 'confirmed':
      return named;
    case 'not-confirmed':
      return ['notConfirmed', ...named];
    case 'no-ptr':
    case 'no-host-name':
      return ['noReverseName'];
    case 'not-an-address':
    case 'dns':
      return ['reverseUnknown'];
  }
}

function brokenByHelo({ faults, failure, equalsReverseName }: HeloResult): readonly ReverseDnsRule[] {
  const broken = faults.map((fault) => ofFault[fault]);
  if (failure !== undefined) broken.push('heloUnknown');
  if (equalsReverseName === false) broken.push('heloNotReverseName');
  return broken;
}

const reverseSummaries = {
  confirmed: 'has a name that leads back to it',
  'not-confirmed': 'has no name that leads back to it',
  'no-ptr': 'has no reverse name',
  'no-host-name': 'has no host name for a reverse name',
  'not-an-address': 'is no IP address',
  dns: 'could not be looked up',
} as const;

/** RFC 8601 §2.7.3: the property is the address that was looked up. */
function iprev(status: ReverseDnsResult['status'], address: string): MethodResult {
  return { method: 'iprev', result: status, properties: [{ ptype: 'policy', property: 'iprev', value: address }] };
}

const senderSummaries: Readonly<Record<SenderDomainStatus, string>> = {
  deliverable: 'can receive mail',
  'null-mx': 'takes no mail (null MX)',
  nonexistent: 'does not exist',
  'no-mail-host': 'has neither MX nor address records',
  'own-address': 'has its mail come to this server',
  unusable: 'has no mail server that can be reached',
  malformed: 'is malformed',
  unknown: 'could not be looked up',
};

/** As `formatIp` writes it: the socket of a server for both families says `::ffff:192.0.2.1`. */
function asWritten(address: string): string {
  const ip = parseIp(address);
  return ip === undefined ? address : formatIp(ip);
}

/** How much of what a client sent is quoted: more than the longest legal domain has. */
const LONGEST_QUOTED = 260;

/**
 * Judges strangers by what DNS says of their address, of their HELO name and of the sender's domain: the `Check` of
 * `verifyReverseDns`, `verifyHelo` and `verifySenderDomain`. Each rule has its own verdict and score and can be run dry;
 * `ReverseDnsRule` lists them. Clients that have logged in or stand in a trusted network are not judged.
 *
 * By default it refuses clients without a reverse name (550 5.7.25); HELO arguments that are malformed, somebody else's
 * address, this server's own name, or `localhost`; and senders whose domain cannot receive mail. It only scores names
 * that lead elsewhere or look generic, and, as RFC 5321 §4.1.4 wants it, refuses nobody because the HELO name does not
 * lead to the client. What could not be looked up is held against nobody.
 *
 * It adds an `iprev` result to `Authentication-Results` (RFC 8601 §2.7.3).
 *
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { reverseDns } from '@postern/rdns';
 *
 * const check = reverseDns({
 *   ownNames: ['mx.example.com'],
 *   rules: { genericName: { verdict: 'reject', dryRun: true }, senderUnknown: 'defer' },
 * });
 * ```
 */
export function reverseDns(options: ReverseDnsOptions = {}): Check {
  const read = new OptionReader('reverseDns', options);
  const name = read.value('name', isName, 'a name') ?? 'reverse-dns';
  const rules = readRules(read);
  const ownResolver = read.value('resolver', isResolver, 'a Resolver');
  const timeoutMs = readTimeoutMs(read);
  const maxNames = readMaxNames(read);
  const own = readOwnHost(read);
  const { targets, maxExchanges } = readTargets(read, own);
  read.done();

  return {
    name,
    cost: 'network',
    appliesTo: 'strangers',
    start({ client, local }, context) {
      const resolver = ownResolver ?? context.resolver;
      const address = client.ip === undefined ? client.address : formatIp(client.ip);
      // Where the client connected to is an address of this server, whether or not the option names it.
      const here: OwnHost = { names: own.names, addresses: new Set([...own.addresses, asWritten(local.address)]) };
      let confirmed: readonly string[] | undefined;

      async function within<T>(signal: AbortSignal, ask: (dns: Resolver) => Promise<T>): Promise<T> {
        using dns = new DeadlineResolver(resolver, { timeoutMs, signal });
        return await ask(dns);
      }

      async function sender({ address: mailbox, domain }: Path, signal: AbortSignal): Promise<Opinion | undefined> {
        // The null reverse-path has no domain (RFC 5321 §4.5.5); any other needs one (§4.1.2).
        if (mailbox === '') return undefined;
        const result: SenderDomainResult = await within(signal, (dns) =>
          lookUpSenderDomain(domain, { ...targets, own: here }, maxExchanges, dns),
        );
        const rule = ofSender[result.status];
        const quoted = result.domain === '' ? 'of the sender' : result.domain;
        return judgeRules(
          {
            kind: `rdns/sender-${result.status}`,
            summary: `The domain ${quoted} ${senderSummaries[result.status]}.`,
            facts: { ...result },
            broken: rule === undefined ? [] : [rule],
          },
          rules,
        );
      }

      return {
        async connect(signal) {
          const { ip } = client;
          if (ip === undefined) return undefined;
          const result = await within(signal, (dns) => lookUpReverseDns(ip, maxNames, dns));
          if (result.reason !== 'dns') confirmed = result.confirmed;
          return judgeRules(
            {
              kind: `rdns/iprev-${result.status}`,
              summary: `${address} ${reverseSummaries[result.reason]}.`,
              facts: { client: address, ...result },
              broken: brokenByReverseDns(result),
              authResults: [iprev(result.status, address)],
            },
            rules,
          );
        },

        async helo(helo, signal) {
          const result = await within(signal, (dns) => lookUpHelo(helo, client.ip, here, confirmed, dns));
          const faults = result.faults.join(', ');
          return judgeRules(
            {
              kind: `rdns/helo-${result.status}`,
              summary: faults === '' ? `HELO was looked up: ${result.status}.` : `HELO has faults: ${faults}.`,
              facts: { helo: helo.slice(0, LONGEST_QUOTED), ...result },
              broken: brokenByHelo(result),
            },
            rules,
          );
        },

        mail: ({ reversePath }, signal) => sender(reversePath, signal),
      };
    },
  };
}
