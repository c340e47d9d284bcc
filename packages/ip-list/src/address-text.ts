import { parseCidr, parseIp } from '@postern/core';
import { rangeToCidrs } from './address-range.ts';
import type { AddressOutput } from './line-format.ts';

function addRange(
  text: string,
  hyphen: number,
  action: 'allow' | 'block',
  reason: string,
  output: AddressOutput,
): void {
  const first = parseIp(text.slice(0, hyphen).trim());
  const last = parseIp(text.slice(hyphen + 1).trim());
  if (first === undefined || last === undefined) output.problem('skipped', 'not-an-address', text);
  else if (text.includes('%')) output.problem('skipped', 'zone-id', text);
  else if (!rangeToCidrs(first, last, (cidr) => output.add(cidr, action, reason))) {
    output.problem('skipped', 'bad-range', text);
  }
}

/** Adds what an address, a prefix or a range `a-b` says, or its problem. Strict: `1.2.3` is no address. */
export function addAddressText(text: string, action: 'allow' | 'block', reason: string, output: AddressOutput): void {
  const hyphen = text.indexOf('-');
  if (hyphen >= 0) {
    addRange(text, hyphen, action, reason, output);
    return;
  }
  const result = parseCidr(text);
  if (!result.ok) {
    output.problem('skipped', result.reason, text);
    return;
  }
  if (result.hostBitsSet) output.problem('taken', 'host-bits', text);
  output.add(result.cidr, action, reason);
}
