import type { DkimResult } from './dkim-result.ts';
import type { DkimReason, DkimSignatureResult } from './dkim-signature-result.ts';
import { noFacts, type SignatureFacts } from './signature-tags.ts';

/** The result word of each reason. */
const words: Readonly<Record<DkimReason, DkimResult>> = {
  verified: 'pass',
  'body-altered': 'fail',
  'body-truncated': 'fail',
  'signature-mismatch': 'fail',
  'unsigned-body': 'policy',
  'weak-key': 'policy',
  expired: 'policy',
  'not-yet-valid': 'policy',
  syntax: 'neutral',
  skipped: 'neutral',
  'missing-tag': 'permerror',
  version: 'permerror',
  algorithm: 'permerror',
  canonicalization: 'permerror',
  'query-method': 'permerror',
  identity: 'permerror',
  'from-unsigned': 'permerror',
  'no-key': 'permerror',
  'key-revoked': 'permerror',
  'key-syntax': 'permerror',
  'key-restricted': 'permerror',
  'key-type': 'permerror',
  'key-size': 'permerror',
  'key-unusable': 'permerror',
  header: 'permerror',
  dns: 'temperror',
  incomplete: 'temperror',
};

/** What was found out besides the signature's own words. */
export interface Findings {
  readonly oversignedFields?: readonly string[];
  readonly unsignedBytes?: number;
  readonly keyBits?: number | undefined;
  readonly testing?: boolean;
  readonly authentic?: boolean;
}

export function signatureResult(
  reason: DkimReason,
  detail: string,
  facts: SignatureFacts = noFacts,
  findings: Findings = {},
): DkimSignatureResult {
  const { oversignedFields = [], unsignedBytes = 0, keyBits, testing = false, authentic = false } = findings;
  const { domain, selector, identity, algorithm, canonicalization, signature, signedAt, expiresAt, signedFields } =
    facts;
  return {
    result: words[reason],
    reason,
    detail,
    domain,
    selector,
    identity,
    algorithm,
    canonicalization,
    signature,
    signedAt,
    expiresAt,
    signedFields,
    oversignedFields,
    unsignedBytes,
    keyBits,
    testing,
    authentic,
  };
}
