import type { Outcome } from '@postern/core';
import type { DkimSignatureResult } from '../dkim/dkim-signature-result.ts';
import type { DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import type { DmarcOverride } from '../dmarc/dmarc-override.ts';
import type { DmarcPolicy } from '../dmarc/dmarc-policy.ts';
import type { ArcEvaluation } from '../message/arc-evaluation.ts';
import type { BimiEvaluation } from '../message/bimi-evaluation.ts';
import type { SpfCheck } from '../spf/spf-evaluation.ts';

/**
 * What became of a message, and all that was found out about its sender: what reports to domain owners are made of.
 * `aggregateRecord` takes it as it is.
 */
export interface SenderResult {
  /** The transaction's. */
  readonly id: string;
  /** When it began, in milliseconds since the epoch. */
  readonly startedAt: number;
  /** The client's address. */
  readonly ip: string;
  readonly helo: string;
  /** `''` is the null reverse-path. */
  readonly mailFrom: string;
  /** The domains of the recipients, each once. */
  readonly recipientDomains: readonly string[];
  readonly spf: SpfCheck;
  readonly dkim: readonly DkimSignatureResult[];
  readonly dmarc: DmarcEvaluation;
  readonly arc?: ArcEvaluation;
  readonly bimi?: BimiEvaluation;
  /** What DMARC led to here. */
  readonly disposition: DmarcPolicy;
  /** Why that is not what the owner asks for, when it is not. */
  readonly overrides: readonly DmarcOverride[];
  /** What became of the message in the end, whoever decided it. `deferred` ones come again, and will then be counted. */
  readonly outcome: Outcome;
}
