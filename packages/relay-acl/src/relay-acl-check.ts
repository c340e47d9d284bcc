import type { Check, Finding, RecipientOpinion } from '@postern/core';
import { RelayAcl, type RelayAclOptions } from './relay-acl.ts';
import type { RelayDecision } from './relay-decision.ts';

/** How much of a recipient a finding quotes: more than the longest legal mailbox has. */
const LONGEST_QUOTED = 320;

const kinds = { local: 'relay-acl/local', relay: 'relay-acl/relay', deny: 'relay-acl/denied' } as const;

function findingOf(recipient: string, { decision, reason, matched, summary }: RelayDecision): Finding {
  return { kind: kinds[decision], summary, recipient: recipient.slice(0, LONGEST_QUOTED), decision, reason, matched };
}

function opinionOf(recipient: string, decision: RelayDecision): RecipientOpinion {
  const finding = findingOf(recipient, decision);
  return decision.decision === 'deny'
    ? { finding, verdict: 'reject', reply: decision.reply }
    : { finding, permit: decision.decision };
}

/**
 * Permits recipients, and refuses to relay: the `Check` of {@link RelayAcl}. A gateway takes no recipient that no check
 * permits, so that every gateway has one of these. It is a guard: it cannot be run dry.
 *
 * At connect it marks clients of `trustedNetworks` as trusted. At RCPT it permits `local` and `relay` recipients, and
 * refuses every other one with 550 5.7.1 and the reason.
 *
 * @param options - an ACL, or what one is made of
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { relayAcl } from '@postern/relay-acl';
 *
 * const check = relayAcl({ localDomains: ['example.com', '.example.com'], trustedNetworks: ['192.0.2.0/24'] });
 * ```
 */
export function relayAcl(options: RelayAcl | RelayAclOptions): Check {
  const acl = options instanceof RelayAcl ? options : new RelayAcl(options);
  return {
    name: 'relay-acl',
    cost: 'local',
    appliesTo: 'everyone',
    guards: true,
    start: (session) => ({
      connect() {
        const { ip } = session.client;
        const network = ip === undefined ? undefined : acl.trustedNetwork(ip);
        if (network === undefined) return undefined;
        const summary = `The client stands in the trusted network ${network}.`;
        return { finding: { kind: 'relay-acl/trusted', summary, matched: network }, trust: true };
      },
      recipient(transaction, { address }) {
        const { client, user } = session;
        const mailFrom = transaction.reversePath.address;
        return opinionOf(address, acl.decide({ ip: client.ip, user, mailFrom, recipient: address }));
      },
    }),
  };
}
