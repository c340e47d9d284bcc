import { OptionReader } from '@postern/core';
import { compileRecipients, isRecipientEntries, type RecipientEntries, type RecipientLookup } from './recipient-set.ts';
import { RelayAcl, type RelayAclOptions } from './relay-acl.ts';
import { compileSenders, isSenderEntries, type SenderEntries, type SenderLookup } from './sender-map.ts';

/** What {@link relayAcl} does besides deciding who may relay. Without any of it, it asks nobody and keeps nothing. */
export interface RelayAclHooks {
  /**
   * Which recipients of `localDomains` exist: addresses (see `recipientSet`), or a function that asks a database or the
   * server behind this one (see `askBackend`, `rememberRecipients`). Others get 550 5.1.1 at RCPT, so that nobody has to
   * send a bounce to a forged sender later. `postmaster` is never asked about (RFC 5321 §4.5.1). Default: not asked.
   */
  readonly recipients?: RecipientEntries | RecipientLookup;
  /** Ask `recipients` about `relayDomains` as well. Default `false`. */
  readonly verifyRelayDomains?: boolean;
  /**
   * What to do when `recipients` cannot say. `defer`: 451 4.3.0. `permit`: take the recipient; safe where the server behind
   * this one is asked too, as a Postern gateway does. Default `defer`.
   */
  readonly onRecipientFailure?: 'defer' | 'permit';
  /**
   * The most unknown recipients of a stranger's session; one more, and every recipient after it, ends the session with 421
   * 4.7.0: whoever tries out addresses has to connect again and again. Those count that `recipients` does not know, and, at
   * the end of each transaction, those that the gateway's backend refused with 5.1.1 or 5.1.10; within one, the gateway's
   * `maxRefusedRecipients` bounds these. Default 20; `Infinity` for no such bound.
   */
  readonly maxUnknownRecipients?: number;
  /**
   * Which sender addresses a user may use: for each user a list (see `senderMap`), or a function. Judged are `MAIL FROM`,
   * and, see `judgeFrom`, the message. Only those who have logged in are asked about. Default: any address.
   */
  readonly senders?: SenderEntries | SenderLookup;
  /** Whether `senders` also counts for the `From` and `Sender` fields of the message. Default `true`. */
  readonly judgeFrom?: boolean;
  /**
   * Refuse strangers who use one of `localDomains` in `MAIL FROM`. It stops the simplest forgeries, and with them mail of our
   * own users that some other server forwards back to us; SPF and DMARC tell these apart. Default `false`.
   */
  readonly refuseLocalSenders?: boolean;
  /**
   * Whether clients that another check has marked as trusted (`session.trusted`) may send to anyone as well. By default an
   * allow list that spares a client from being looked at does not make this server its open relay. Default `false`.
   */
  readonly relayForTrusted?: boolean;
  /** Milliseconds that each question to a function may take. Default 10,000; from 1 to 600,000. */
  readonly lookupTimeoutMs?: number;
}

/** The hooks with every default filled in. */
export interface CheckSettings {
  readonly recipients: RecipientLookup | undefined;
  readonly verifyRelayDomains: boolean;
  readonly permitOnFailure: boolean;
  readonly maxUnknownRecipients: number;
  readonly senders: SenderLookup | undefined;
  readonly judgeFrom: boolean;
  readonly refuseLocalSenders: boolean;
  readonly relayForTrusted: boolean;
  readonly lookupTimeoutMs: number;
}

/** A record, so that the compiler finds an option that is missing here. */
const aclOptions: Readonly<Record<keyof RelayAclOptions, true>> = {
  localDomains: true,
  relayDomains: true,
  trustedNetworks: true,
  allowRoutingCharacters: true,
  lookupTimeoutMs: true,
};

function isRecipients(value: unknown): value is NonNullable<RelayAclHooks['recipients']> {
  return typeof value === 'function' || isRecipientEntries(value);
}

function isSenders(value: unknown): value is NonNullable<RelayAclHooks['senders']> {
  return typeof value === 'function' || isSenderEntries(value);
}

function isCap(value: unknown): value is number {
  return value === Number.POSITIVE_INFINITY || (typeof value === 'number' && Number.isSafeInteger(value) && value >= 0);
}

function readHooks(read: OptionReader): CheckSettings {
  const recipients = read.value('recipients', isRecipients, 'a list of addresses, or a function');
  const senders = read.value('senders', isSenders, 'a map from users to lists of addresses, or a function');
  const exact = { ignoreCase: false, subaddressSeparator: undefined };
  const anyCase = { ignoreCase: true, subaddressSeparator: undefined };
  const settings: CheckSettings = {
    recipients:
      recipients === undefined || typeof recipients === 'function'
        ? recipients
        : compileRecipients('relayAcl: option "recipients"', recipients, anyCase),
    verifyRelayDomains: read.boolean('verifyRelayDomains', false),
    permitOnFailure: read.oneOf('onRecipientFailure', ['defer', 'permit'], 'defer') === 'permit',
    maxUnknownRecipients: read.value('maxUnknownRecipients', isCap, 'a whole number ≥ 0, or Infinity') ?? 20,
    senders:
      senders === undefined || typeof senders === 'function'
        ? senders
        : compileSenders('relayAcl: option "senders"', senders, exact),
    judgeFrom: read.boolean('judgeFrom', true),
    refuseLocalSenders: read.boolean('refuseLocalSenders', false),
    relayForTrusted: read.boolean('relayForTrusted', false),
    lookupTimeoutMs: read.integer('lookupTimeoutMs', 10_000, { min: 1, max: 600_000 }),
  };
  read.done();
  return settings;
}

/**
 * The ACL and the settings of a check.
 *
 * @throws TypeError or RangeError that names the option
 */
export function readCheckOptions(
  first: RelayAcl | (RelayAclOptions & RelayAclHooks),
  second: RelayAclHooks | undefined,
): { readonly acl: RelayAcl; readonly settings: CheckSettings } {
  if (first instanceof RelayAcl) {
    return { acl: first, settings: readHooks(new OptionReader('relayAcl', second)) };
  }
  if (second !== undefined) {
    throw new TypeError('relayAcl: all options go into one object, unless the first argument is a RelayAcl');
  }
  const read = new OptionReader('relayAcl', first);
  // The ACL looks at them itself; here they only become known.
  for (const name of Object.keys(aclOptions)) read.value(name, isAnything, '');
  const settings = readHooks(read);
  return { acl: new RelayAcl(withoutHooks(first)), settings };
}

function withoutHooks(options: RelayAclOptions & RelayAclHooks): RelayAclOptions {
  const {
    recipients: _recipients,
    verifyRelayDomains: _verifyRelayDomains,
    onRecipientFailure: _onRecipientFailure,
    maxUnknownRecipients: _maxUnknownRecipients,
    senders: _senders,
    judgeFrom: _judgeFrom,
    refuseLocalSenders: _refuseLocalSenders,
    relayForTrusted: _relayForTrusted,
    ...acl
  } = { ...options };
  return acl;
}

function isAnything(value: unknown): value is unknown {
  return value !== undefined;
}
