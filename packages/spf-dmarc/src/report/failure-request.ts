import type { HeaderFields } from '@postern/core';
import type { DkimSignatureResult } from '../dkim/dkim-signature-result.ts';
import type { DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import type { AuthFailure } from './failure-report.ts';

/**
 * The failure reports that the owner of the author domain asks for with `fo` (RFC 9989 §4.7), each about one failure:
 *
 * - `0`: `dmarc` when no mechanism authenticated an aligned identifier.
 * - `1`: `dmarc` when one of them did not.
 * - `d`: `signature`, `bodyhash` or `revoked` when a signature failed, aligned or not.
 * - `s`: `spf` when SPF failed, aligned or not.
 *
 * Empty without `ruf`, without a result (`none`, `temperror`, `permerror` are no failures), and for the record of a public
 * suffix (RFC 9991 §2: it must not be told about single messages).
 *
 * @param dkim - the signatures that `dmarc` was given, to tell altered bodies and revoked keys apart
 */
export function requestedFailures(
  dmarc: DmarcEvaluation,
  dkim: readonly DkimSignatureResult[] = [],
): readonly AuthFailure[] {
  const { record, alignment, result } = dmarc;
  if (record === undefined || record.ruf.length === 0 || record.psd === 'y') return [];
  if (result !== 'pass' && result !== 'fail') return [];
  const failures = new Set<AuthFailure>();
  const { spfAligned, dkimAligned } = alignment;
  if (record.fo.includes('0') && !spfAligned && !dkimAligned) failures.add('dmarc');
  if (record.fo.includes('1') && !(spfAligned && dkimAligned)) failures.add('dmarc');
  if (record.fo.includes('d')) {
    for (const [index, identifier] of alignment.dkim.entries()) {
      if (isFailure(identifier.result)) failures.add(dkimFailure(dkim[index]));
    }
  }
  if (record.fo.includes('s') && alignment.spf !== undefined && isFailure(alignment.spf.result)) failures.add('spf');
  return [...failures];
}

/** `neutral`, `none` and temporary errors say nothing. */
function isFailure(result: string): boolean {
  return result === 'fail' || result === 'softfail' || result === 'policy' || result === 'permerror';
}

function dkimFailure(signature: DkimSignatureResult | undefined): AuthFailure {
  if (signature?.reason === 'key-revoked') return 'revoked';
  return signature?.reason === 'body-altered' || signature?.reason === 'body-truncated' ? 'bodyhash' : 'signature';
}

/**
 * Whether a message was written by a machine, so that a report on it could be answered by one more (RFC 3834
 * §2): a null reverse-path, `Auto-Submitted`, a report or a bounce.
 */
export function isAutomatic(mailFrom: string | undefined, header: HeaderFields): boolean {
  if (mailFrom === '') return true;
  // RFC 3834 §5: a keyword, which parameters or a comment may follow.
  const submitted = header.first('Auto-Submitted')?.value.trim().toLowerCase();
  if (submitted !== undefined && !/^no(?:$|[\s;(])/.test(submitted)) return true;
  const type = header.first('Content-Type')?.value.trimStart().toLowerCase() ?? '';
  return type.startsWith('multipart/report') || type.startsWith('message/feedback-report');
}
