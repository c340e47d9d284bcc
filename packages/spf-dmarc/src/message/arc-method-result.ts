import type { MethodResult } from '@postern/core';
import type { ArcEvaluation } from './arc-evaluation.ts';

/**
 * The chain as Authentication-Results has it (RFC 8617 §6): `arc=pass smtp.remote-ip=192.0.2.1`. `undefined` for
 * `temperror`, for which there is no word.
 *
 * @param ip - the client's address
 */
export function arcMethodResult({ result, summary }: ArcEvaluation, ip: string): MethodResult | undefined {
  if (result === 'temperror') return undefined;
  const properties = [{ ptype: 'smtp', property: 'remote-ip', value: ip }];
  return { method: 'arc', result, ...(result === 'fail' && { reason: summary }), properties };
}
