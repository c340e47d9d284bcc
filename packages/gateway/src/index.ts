/**
 * The roof of Postern: checks, composed into a mail gateway that accepts, defers or rejects, and says why.
 *
 * @module
 */
export { type DeliverFunction, toBackend } from './deliver-function.ts';
export { createGateway, type Gateway } from './gateway.ts';
export type { GatewayOptions, Thresholds } from './gateway-options.ts';
export type { DataAnswer, GatewaySession, MessageReceiver } from './gateway-session.ts';
export type { TlsMode } from './open-dialogue.ts';
export { quarantineField } from './outgoing-message.ts';
export { REPORT_CHANNEL } from './report-desk.ts';
export type { ConnectionFacts } from './session-facts.ts';
export {
  type BackendConnectFailure,
  type SmtpBackend,
  type SmtpBackendLogin,
  type SmtpBackendOptions,
  smtpBackend,
} from './smtp-backend.ts';
export type { GatewayOwnOption, ServerOptions } from './smtp-server-adapter.ts';
