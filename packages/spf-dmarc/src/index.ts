/**
 * SPF, DKIM and DMARC: may this host send for that domain, was the message altered, what does the domain owner ask for?
 *
 * @module
 */

export type { FinalAction, SenderAction, TransientAction } from './check/sender-action.ts';
export { type SenderAuthenticationOptions, senderAuthentication } from './check/sender-authentication.ts';
export type { SenderFindings } from './check/sender-findings.ts';
export type { SenderDecision, SenderPolicyOptions, SenderScores } from './check/sender-policy.ts';
export type { SenderResult } from './check/sender-result.ts';
export type { DkimCanonicalization } from './dkim/dkim-canonicalization.ts';
export { DkimKeyCache, type DkimKeyCacheOptions } from './dkim/dkim-key-cache.ts';
export {
  type DkimKeyRecord,
  type DkimKeyRecordFault,
  type DkimKeyType,
  type ParsedDkimKeyRecord,
  parseDkimKeyRecord,
} from './dkim/dkim-key-record.ts';
export { dkimMethodResults } from './dkim/dkim-method-results.ts';
export type { DkimResult } from './dkim/dkim-result.ts';
export type { DkimReason, DkimSignatureResult } from './dkim/dkim-signature-result.ts';
export { type DkimCanonicalizations, type DkimSignatureOptions, DkimSignatures } from './dkim/dkim-signatures.ts';
export { DkimSigner, type DkimSignerOptions, DkimSigningError } from './dkim/dkim-signer.ts';
export { type DkimSigningCheckOptions, dkimSigning } from './dkim/dkim-signing-check.ts';
export { DkimVerifier } from './dkim/dkim-verifier.ts';
export { type DkimKeyOptions, type GeneratedDkimKey, generateDkimKey } from './dkim/generate-dkim-key.ts';
export {
  type DkimKeyAudit,
  type DkimKeyFinding,
  type DkimKeyFindingCode,
  type DkimKeyLintOptions,
  lintDkimKey,
} from './dkim/lint-dkim-key.ts';
export type { DkimMessage } from './dkim/message-chunks.ts';
export type { DkimSignature, DkimSigning, DkimSigningFault } from './dkim/message-signing.ts';
export { signDkim } from './dkim/sign-dkim.ts';
export type { DkimAlgorithm, DkimPrivateKey } from './dkim/signing-key.ts';
export type { DkimSigningOptions } from './dkim/signing-settings.ts';
export type { DkimVerifierOptions } from './dkim/verifier-settings.ts';
export { type DkimVerificationOptions, verifyDkim } from './dkim/verify-dkim.ts';
export type {
  Alignment,
  DmarcAlignment,
  DmarcEvaluation,
  DmarcIdentifier,
  DmarcReason,
  Rfc7489Comparison,
} from './dmarc/dmarc-evaluation.ts';
export { DmarcLocalPolicy, type DmarcOverrideRule, type DmarcRuling } from './dmarc/dmarc-local-policy.ts';
export { dmarcMethodResult } from './dmarc/dmarc-method-result.ts';
export type { DmarcOverride, DmarcOverrideType } from './dmarc/dmarc-override.ts';
export type { DmarcPolicy } from './dmarc/dmarc-policy.ts';
export type {
  DmarcFailureOption,
  DmarcRecord,
  DmarcRecordNote,
  DmarcRecordNoteCode,
  DmarcReportUri,
} from './dmarc/dmarc-record.ts';
export type { DmarcResult } from './dmarc/dmarc-result.ts';
export type { DmarcOptions, OnReject } from './dmarc/dmarc-settings.ts';
export type { DmarcTrace } from './dmarc/dmarc-tracing.ts';
export { type DmarcInput, evaluateDmarc } from './dmarc/evaluate-dmarc.ts';
export type { DkimIdentifier, SpfIdentifier } from './dmarc/identifier-alignment.ts';
export { parseDmarcRecord } from './dmarc/parse-dmarc-record.ts';
export type { ArcEvaluation, ArcResult, ArcSet } from './message/arc-evaluation.ts';
export {
  type AuthenticationFields,
  type AuthenticationOptions,
  type AuthenticationProblem,
  authenticateMessage,
  type MessageAuthentication,
} from './message/authenticate-message.ts';
export type { BimiEvaluation, BimiResult } from './message/bimi-evaluation.ts';
export type { ArcOptions, ContentOptions } from './message/content-settings.ts';
export { editMessage } from './message/edit-message.ts';
export { readTrustedResults, type TrustedResultsOptions } from './message/trusted-results.ts';
export { checkSpf, checkSpfHelo, checkSpfMailFrom, type SpfInput } from './spf/check-spf.ts';
export { formatSpfTree } from './spf/format-spf-tree.ts';
export { lintSpf, type SpfLint, type SpfLintOptions } from './spf/lint-spf.ts';
export { formatReceivedSpf, type ReceivedSpfOptions } from './spf/received-spf.ts';
export type {
  SpfCheck,
  SpfEvaluation,
  SpfIdentity,
  SpfLookup,
  SpfLookupPurpose,
  SpfMatch,
  SpfTermPlace,
} from './spf/spf-evaluation.ts';
export type { SpfFinding, SpfFindingCode } from './spf/spf-finding.ts';
export { spfMethodResults } from './spf/spf-method-results.ts';
export type { SpfGap, SpfNetworkResult, SpfNetworkSet, SpfNetworks } from './spf/spf-networks.ts';
export type { SpfQualifier } from './spf/spf-record.ts';
export type { SpfResult } from './spf/spf-result.ts';
export type { SpfOptions } from './spf/spf-settings.ts';
export type { SpfTrace } from './spf/spf-tracing.ts';
export type {
  SpfRecordStatus,
  SpfTermStatus,
  SpfTreeHost,
  SpfTreeRecord,
  SpfTreeTerm,
  SpfVoidLookups,
} from './spf/spf-tree.ts';
