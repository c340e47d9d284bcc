import type { HeaderFields, Transaction } from '@postern/core';
import type { DkimSignatureResult } from '../dkim/dkim-signature-result.ts';
import type { DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import type { ArcEvaluation } from '../message/arc-evaluation.ts';
import type { SpfCheck } from '../spf/spf-evaluation.ts';

/** All that is known of a message and its sender when a policy has to say what is done with it. */
export interface SenderFindings {
  readonly transaction: Transaction;
  /** As the client sent it. */
  readonly header: HeaderFields;
  readonly spf: SpfCheck;
  readonly dkim: readonly DkimSignatureResult[];
  readonly dmarc: DmarcEvaluation;
  /** With the option `arc` only. */
  readonly arc?: ArcEvaluation;
}
