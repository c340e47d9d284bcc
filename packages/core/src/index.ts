/**
 * The ground floor of Postern: DNS resolver and cache, addresses and names, SMTP replies and header fields, shared state,
 * and the `Check` contract that lets primitives and the gateway work together without knowing each other.
 *
 * @module
 */

export { abortable } from './abortable.ts';
export {
  type Cidr,
  type CidrFault,
  type CidrResult,
  cidrContains,
  formatCidr,
  networkOf,
  parseCidr,
} from './address/cidr.ts';
export { type ClientKeyOptions, clientKey, isTranslated } from './address/client-key.ts';
export { formatIp } from './address/format-ip.ts';
export type { IpAddress } from './address/ip-address.ts';
export { ipFromBytes } from './address/ip-bytes.ts';
export { parseIp } from './address/parse-ip.ts';
export { reverseLabels, reverseName } from './address/reverse-name.ts';
export { classifyIp, type IpClass, type IpClassification, isGlobal } from './address/special-purpose.ts';
export type { AuditFinding, AuditSeverity } from './audit-finding.ts';
export { type Awaitable, andThen, isPending } from './awaitable.ts';
export type { Backend, Delivery, DeliveryResult } from './check/backend.ts';
export type { Check, CheckRun, Context } from './check/check.ts';
export { type DryRunOptions, dryRun } from './check/dry-run.ts';
export type { Finding } from './check/finding.ts';
export { isLoginOpinion, isOpinion, isRecipientOpinion, type OpinionKind, opinionDefect } from './check/is-opinion.ts';
export type { LoginAttempt } from './check/login-attempt.ts';
export { isMessageSink, type MessageSink } from './check/message-sink.ts';
export type {
  Answer,
  LoginAnswer,
  LoginOpinion,
  Opinion,
  OpinionFacts,
  RecipientAnswer,
  RecipientOpinion,
  Verdict,
} from './check/opinion.ts';
export { type AnyOpinion, type OpinionReading, readOpinion } from './check/read-opinion.ts';
export type { RefusedCommand } from './check/refused-command.ts';
export type { Outcome, Report, ReportedOpinion, ReportedRecipient, Stage } from './check/report.ts';
export { type Clock, isClock, systemClock } from './clock.ts';
export {
  CachingResolver,
  type CachingResolverOptions,
  type CachingResolverStats,
} from './dns/caching-resolver.ts';
export type { DnsClientServer } from './dns/configured-server.ts';
export { type DeadlineOptions, DeadlineResolver } from './dns/deadline-resolver.ts';
export { DnsClient, type DnsClientOptions } from './dns/dns-client.ts';
export { toDnsName } from './dns/dns-name.ts';
export type { ResolveTrace } from './dns/dns-tracing.ts';
export { isResolver } from './dns/is-resolver.ts';
export { fromNodeDns, type NodeDnsOptions } from './dns/node-dns.ts';
export { checkQuestion, isRecordType } from './dns/question.ts';
export type {
  CaaRecord,
  DnsAbsence,
  DnsAnswer,
  DnsFailure,
  DnsFailureReason,
  DnsRecords,
  MxRecord,
  RecordData,
  RecordType,
  ResolveOptions,
  Resolver,
  SoaRecord,
  SrvRecord,
  TlsaRecord,
} from './dns/resolver.ts';
export { systemResolver } from './dns/system-resolver.ts';
export { type DomainOptions, isSubdomainOf, toAsciiDomain, toUnicodeDomain } from './domain-name.ts';
export { DomainSet } from './domain-pattern.ts';
export { errorText } from './error-text.ts';
export type { JsonObject, JsonValue } from './json.ts';
export type { MethodResult, ResultProperty } from './message/authentication-results.ts';
export {
  type AuthenticationResultsInput,
  formatAuthenticationResults,
} from './message/authentication-results-format.ts';
export {
  type ParsedAuthenticationResults,
  parseAuthenticationResults,
} from './message/authentication-results-parse.ts';
export { claimsAuthservId } from './message/claims-authserv-id.ts';
export type { HeaderEdit } from './message/header-edit.ts';
export { formatHeaderField } from './message/header-field-format.ts';
export type { HeaderField, HeaderFields } from './message/header-fields.ts';
export {
  HeaderBounds,
  type HeaderComplete,
  type HeaderIncomplete,
  HeaderParser,
  type HeaderParserOptions,
  type HeaderParserState,
  type HeaderRefused,
} from './message/header-parser.ts';
export { isMethodResult } from './message/is-method-result.ts';
export { NewlineGuard, type NewlineMode, type NewlineViolation } from './message/newline-guard.ts';
export {
  type Originator,
  type OriginatorFault,
  type OriginatorOptions,
  type OriginatorReading,
  readOriginators,
} from './message/originators.ts';
export { type NumberBounds, OptionReader } from './options.ts';
export { type AddressLiteral, parseAddressLiteral } from './smtp/address-literal.ts';
export { type Mailbox, readMailbox } from './smtp/mailbox.ts';
export { type MailboxFault, type MailboxRefusal, mailboxFaultTexts } from './smtp/mailbox-fault.ts';
export {
  controlCharacterAt,
  isLongLocalPart,
  nonAsciiAt,
  readMailboxDomain,
  scanLocalPart,
  utf8Length,
} from './smtp/mailbox-grammar.ts';
export { mailboxPath } from './smtp/mailbox-path.ts';
export type { Path } from './smtp/path.ts';
export {
  authenticationFailed,
  authenticationRequired,
  authenticationThrottled,
  checkFailed,
  multipleChecksFailed,
  rateExceeded,
  recipientNullMx,
  relayDenied,
  reverseDnsFailed,
  senderNullMx,
  spfFailed,
  spfPermanentError,
  spfTemporaryError,
  tooManyConnections,
  tooManyRecipients,
} from './smtp/replies.ts';
export { isPermanentReply, isTransientReply } from './smtp/reply-class.ts';
export { formatReply, formatReplyText, type ReplyFormat } from './smtp/reply-format.ts';
export { parseReply } from './smtp/reply-parse.ts';
export { ReplyReader } from './smtp/reply-reader.ts';
export type { Client, Service, Session, TlsFacts } from './smtp/session.ts';
export { isSmtpReply, type PermanentReply, replyOf, type SmtpReply, type TransientReply } from './smtp/smtp-reply.ts';
export type { Transaction } from './smtp/transaction.ts';
export type { Cache } from './store/cache.ts';
export { type Expiring, ExpiringMap, type ExpiringMapBounds } from './store/expiring-map.ts';
export { isStore } from './store/is-store.ts';
export { MemoryStore, type MemoryStoreOptions } from './store/memory-store.ts';
export type { Rate } from './store/rate-state.ts';
export { RateTable } from './store/rate-table.ts';
export type {
  AcquireResult,
  Charge,
  ChargeResult,
  ChargeState,
  RateCharge,
  Slot,
  SlotLease,
  Store,
  Unsubscribe,
  WindowCharge,
} from './store/store.ts';
export { storedKey } from './store/stored-key.ts';
