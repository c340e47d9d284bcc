import {
  type Answer,
  type Awaitable,
  andThen,
  type Check,
  type CheckRun,
  checkFailed,
  type Finding,
  type Path,
  type PermanentReply,
  type RecipientAnswer,
  type RecipientOpinion,
  type Session,
  type Transaction,
  type TransientReply,
} from '@postern/core';
import { askLookup, type LookupFailure } from './ask-lookup.ts';
import { type CheckSettings, type RelayAclHooks, readCheckOptions } from './check-settings.ts';
import type { RelayAcl, RelayAclOptions } from './relay-acl.ts';
import type { RelayDecision } from './relay-decision.ts';
import { judgeReversePath, OriginatorSink } from './sender-control.ts';
import { UnknownRecipients } from './unknown-recipients.ts';

/** How much of an address a finding quotes: more than the longest legal mailbox has. */
const LONGEST_QUOTED = 320;

/** RFC 3463 §3.2: bad destination mailbox address. */
const noSuchMailbox: PermanentReply = {
  code: 550,
  enhanced: '5.1.1',
  text: 'There is no mailbox with that address here. Check the address.',
};
/** Ends the session (RFC 5321 §3.8). */
const tooManyUnknown: TransientReply = {
  code: 421,
  enhanced: '4.7.0',
  text: 'Too many unknown recipients in one session. Check your list of recipients.',
};
const localSender: PermanentReply = {
  code: 550,
  enhanced: '5.7.1',
  text: 'That sender address is one of this server. Log in to send with it.',
};

const kinds = { local: 'relay-acl/local', relay: 'relay-acl/relay', deny: 'relay-acl/denied' } as const;

function findingOf(address: string, { decision, reason, matched, summary }: RelayDecision): Finding {
  const kind = reason === 'lookup-failed' ? 'relay-acl/lookup-failed' : kinds[decision];
  return { kind, summary, recipient: address.slice(0, LONGEST_QUOTED), decision, reason, matched };
}

function opinionOf(address: string, decision: RelayDecision): RecipientOpinion {
  const finding = findingOf(address, decision);
  if (decision.decision !== 'deny') return { finding, permit: decision.decision };
  return decision.reason === 'lookup-failed'
    ? { finding, verdict: 'defer', reply: decision.reply }
    : { finding, verdict: 'reject', reply: decision.reply };
}

/** The check at work on one session. */
class RelaySession {
  readonly #acl: RelayAcl;
  readonly #settings: CheckSettings;
  readonly #session: Session;
  readonly unknown: UnknownRecipients;

  constructor(acl: RelayAcl, settings: CheckSettings, session: Session) {
    this.#acl = acl;
    this.#settings = settings;
    this.#session = session;
    this.unknown = new UnknownRecipients(settings.maxUnknownRecipients);
  }

  connect(): Answer {
    const { ip } = this.#session.client;
    const network = ip === undefined ? undefined : this.#acl.trustedNetwork(ip);
    if (network === undefined) return undefined;
    const summary = `The client stands in the trusted network ${network}.`;
    return { finding: { kind: 'relay-acl/trusted', summary, matched: network }, trust: true };
  }

  mail({ reversePath }: Transaction, signal: AbortSignal): Answer {
    const { senders, refuseLocalSenders, lookupTimeoutMs } = this.#settings;
    const user = this.#user;
    if (user !== undefined) {
      if (senders === undefined) return undefined;
      return judgeReversePath({ user, lookup: senders, timeoutMs: lookupTimeoutMs }, reversePath.address, signal);
    }
    if (!refuseLocalSenders || this.#session.trusted || reversePath.address === '') return undefined;
    return this.#judgeStranger(reversePath, signal);
  }

  recipient(transaction: Transaction, path: Path, signal: AbortSignal): RecipientAnswer {
    if (this.#isStranger && this.unknown.tooMany) return this.#tooManyUnknown(path);
    const decision = this.#decide(path.address, transaction.reversePath, signal);
    return andThen(decision, (decided) => this.#judgeRecipient(decided, transaction, path, signal));
  }

  message(): OriginatorSink | undefined {
    const { senders, lookupTimeoutMs } = this.#settings;
    const user = this.#user;
    if (user === undefined || senders === undefined) return undefined;
    return new OriginatorSink({ user, lookup: senders, timeoutMs: lookupTimeoutMs });
  }

  get #user(): string | undefined {
    return this.#session.user === '' ? undefined : this.#session.user;
  }

  get #isStranger(): boolean {
    return this.#user === undefined && !this.#session.trusted;
  }

  #decide(recipient: string, reversePath: Path, signal: AbortSignal): Awaitable<RelayDecision> {
    const { client, user } = this.#session;
    const { address: mailFrom, parameters } = reversePath;
    const smtpUtf8 = parameters['SMTPUTF8'] !== undefined;
    return this.#acl.decide({ ip: client.ip, user, mailFrom, recipient, smtpUtf8 }, { signal });
  }

  /** Whether the domain is ours, the ACL says of whatever mailbox of it. */
  #judgeStranger(reversePath: Path, signal: AbortSignal): Answer {
    const { address } = reversePath;
    // Of a path with an unclosed quote nobody knows the domain; the next server may take what stands behind its last `@`.
    const domain = reversePath.domain || address.slice(address.lastIndexOf('@') + 1);
    return andThen(this.#decide(`postmaster@${domain}`, reversePath, signal), ({ decision, reason, matched }) => {
      const facts = { sender: address.slice(0, LONGEST_QUOTED), matched };
      if (decision === 'local') {
        const summary = `A stranger uses an address of the local domain ${domain}.`;
        return {
          finding: { kind: 'relay-acl/local-sender', summary, ...facts },
          verdict: 'reject',
          reply: localSender,
        };
      }
      if (reason !== 'lookup-failed') return undefined;
      const summary = `Whether ${domain} is a local domain is not known.`;
      return { finding: { kind: 'relay-acl/lookup-failed', summary, ...facts }, verdict: 'defer', reply: checkFailed };
    });
  }

  #judgeRecipient(
    decision: RelayDecision,
    transaction: Transaction,
    path: Path,
    signal: AbortSignal,
  ): Awaitable<RecipientOpinion> {
    const { relayForTrusted, recipients: lookup, lookupTimeoutMs: timeoutMs } = this.#settings;
    // Nothing else spoke against the recipient than that nobody knows the client.
    if (relayForTrusted && this.#session.trusted && decision.reason === 'relay-denied') {
      const summary = 'Another check trusts the client, so that it may send to any domain.';
      const facts = { recipient: path.address, decision: 'relay', reason: 'trusted-client', matched: decision.matched };
      return { finding: { kind: 'relay-acl/relay', summary, ...facts }, permit: 'relay' };
    }
    if (lookup === undefined || !this.#isVerified(decision, path)) return opinionOf(path.address, decision);
    const known = askLookup((waiting) => lookup(path, { transaction, signal: waiting }), { timeoutMs, signal });
    return andThen(known, (answer) => this.#judgeKnown(answer, decision, path));
  }

  #isVerified({ decision, reason }: RelayDecision, { localPart }: Path): boolean {
    // RFC 5321 §4.5.1: whatever list of users there is, a postmaster is reached.
    if (localPart.toLowerCase() === 'postmaster') return false;
    return decision === 'local' || (reason === 'relay-domain' && this.#settings.verifyRelayDomains);
  }

  #judgeKnown(answer: boolean | LookupFailure, decision: RelayDecision, path: Path): RecipientOpinion {
    const opinion = opinionOf(path.address, decision);
    if (answer === true) return opinion;
    const { matched } = decision;
    const facts = { recipient: path.address, decision: decision.decision, matched };
    if (answer === false) {
      this.unknown.add();
      if (this.#isStranger && this.unknown.tooMany) return this.#tooManyUnknown(path);
      const summary = `There is no mailbox ${path.address}.`;
      return {
        finding: { kind: 'relay-acl/unknown-recipient', summary, ...facts },
        verdict: 'reject',
        reply: noSuchMailbox,
      };
    }
    const summary = `Whether there is a mailbox ${path.address} is not known: ${answer.failure}.`;
    const finding: Finding = { kind: 'relay-acl/lookup-failed', summary, ...facts };
    if (this.#settings.permitOnFailure && decision.decision !== 'deny') return { finding, permit: decision.decision };
    return { finding, verdict: 'defer', reply: checkFailed };
  }

  #tooManyUnknown(path: Path): RecipientOpinion {
    const { maxUnknownRecipients: most } = this.#settings;
    const summary = `The session asked for more than ${most} unknown recipients.`;
    const facts = { recipient: path.address.slice(0, LONGEST_QUOTED), most };
    return {
      finding: { kind: 'relay-acl/too-many-unknown', summary, ...facts },
      verdict: 'defer',
      reply: tooManyUnknown,
    };
  }
}

/**
 * Permits recipients, and refuses to relay: the `Check` of {@link RelayAcl}. A gateway takes no recipient that no check
 * permits, so that every gateway has one of these. It is a guard: it cannot be run dry.
 *
 * - connect: clients of `trustedNetworks` are marked as trusted
 * - MAIL: a user may use only addresses of `senders` (550 5.7.1); with `refuseLocalSenders` a stranger none of ours
 * - RCPT: `local` and `relay` recipients are permitted, every other one is refused with 550 5.7.1 and the reason; those
 *   that `recipients` does not know with 550 5.1.1, too many of them with 421 4.7.0
 * - message: every address of `From` and `Sender` must be one of the user's `senders` (550 5.7.1), and be readable beyond doubt (554 5.6.0)
 *
 * A lookup that throws, rejects, answers no boolean or is late is a 451 4.3.0, and never a yes.
 *
 * @param acl - an ACL, or all options in one object
 * @param hooks - beside an ACL, what else to do
 * @throws TypeError or RangeError that names the option
 *
 * @example
 * ```ts
 * import { relayAcl } from '@postern/relay-acl';
 *
 * const check = relayAcl({
 *   localDomains: ['example.com', '.example.com'],
 *   trustedNetworks: ['192.0.2.0/24'],
 *   senders: { ann: ['ann@example.com'] },
 * });
 * ```
 */
export function relayAcl(acl: RelayAcl, hooks?: RelayAclHooks): Check;
export function relayAcl(options: RelayAclOptions & RelayAclHooks): Check;
export function relayAcl(first: RelayAcl | (RelayAclOptions & RelayAclHooks), second?: RelayAclHooks): Check {
  const { acl, settings } = readCheckOptions(first, second);
  const { senders, refuseLocalSenders, judgeFrom, maxUnknownRecipients } = settings;
  return {
    name: 'relay-acl',
    cost: 'local',
    appliesTo: 'everyone',
    guards: true,
    start(session): CheckRun {
      const relay = new RelaySession(acl, settings, session);
      return {
        connect: () => relay.connect(),
        recipient: (transaction, path, signal) => relay.recipient(transaction, path, signal),
        // A gateway asks nobody at stages that he does not have.
        ...((senders !== undefined || refuseLocalSenders) && {
          mail: (transaction, signal) => relay.mail(transaction, signal),
        }),
        ...(senders !== undefined && judgeFrom && { message: () => relay.message() }),
        ...(Number.isFinite(maxUnknownRecipients) && { report: (report) => relay.unknown.settle(report) }),
      };
    },
  };
}
