/**
 * Honest doubles to test mail software with: a DNS zone as a resolver or as a real server with faults, a clock that a
 * test moves, an SMTP client and server that can misbehave, and the suites that every implementation of core's
 * interfaces runs.
 *
 * @module
 */
export { type Certificate, type CertificateOptions, createCertificate } from './certificate.ts';
export type { ContractCase } from './contract-case.ts';
export { contractZone } from './dns/contract-zone.ts';
export type { DnsFault, DnsFaultRule } from './dns/dns-fault.ts';
export type { DnsQuery, DnsTransport } from './dns/dns-query.ts';
export { DnsServer, type DnsServerOptions } from './dns/dns-server.ts';
export { type LoggedQuery, QueryLog } from './dns/query-log.ts';
export type { RecordSet, RecordSets } from './dns/record-set.ts';
export { type ContractResolver, type ResolverAbilities, resolverContract } from './dns/resolver-contract.ts';
export { type Alias, Zone, type ZoneAnswer, type ZoneOptions } from './dns/zone.ts';
export type { FailingType, NameData, OneOrMore, ZoneData, ZoneFailure } from './dns/zone-data.ts';
export { ZoneSyntaxError } from './dns/zone-lexer.ts';
export { type ResolverQuery, ZoneResolver } from './dns/zone-resolver.ts';
export type { ZoneTextOptions } from './dns/zone-text.ts';
export { FakeClock } from './fake-clock.ts';
export { sampleSession, sampleTransaction } from './smtp/sample-session.ts';
export type { SinkPath } from './smtp/sink-command.ts';
export type { SinkFault, SinkFaultRule, SinkStage } from './smtp/sink-fault.ts';
export type { SinkClient, SinkRecipient, SinkTransaction } from './smtp/sink-transaction.ts';
export {
  asMailData,
  type DriverReply,
  type Ending,
  SmtpDriver,
  SmtpDriverError,
  type SmtpDriverOptions,
} from './smtp/smtp-driver.ts';
export { SmtpSink, type SmtpSinkOptions } from './smtp/smtp-sink.ts';
export { type StoreContractOptions, storeContract } from './store/store-contract.ts';
export type { ContractStore } from './store/store-subject.ts';
