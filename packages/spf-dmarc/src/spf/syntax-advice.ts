import { parseCidr } from '@postern/core';

/**
 * What to do about a term that cannot be read, if it is one of the mistakes that people make; else where to look it up.
 *
 * @param term - as it stands in the record
 */
export function syntaxAdvice(term: string): string {
  const [, name = '', separator = '', value = ''] = /^[+?~-]?([A-Za-z0-9]*)(:?)(.*)$/.exec(term) ?? [];
  const small = name.toLowerCase();
  const asAddress = parseCidr(value);
  if (asAddress.ok && small !== 'ip4' && small !== 'ip6') {
    return `To name an address, write "ip${asAddress.cidr.network.family}:${value}".`;
  }
  if (
    (small === 'ip4' || small === 'ip6') &&
    asAddress.ok &&
    asAddress.cidr.network.family !== Number(small.slice(2))
  ) {
    return `Write "ip${asAddress.cidr.network.family}:${value}".`;
  }
  if (small !== '' && separator === ':' && value === '') return 'Write no space behind the colon.';
  if (small === 'redirect' || small === 'exp') return `"${small}" is a modifier: write "${small}=…", with "=".`;
  if (parseCidr(term).ok) return 'Write "ip4:" or "ip6:" before an address.';
  if (/[,;]$/.test(term)) return 'Separate terms with spaces alone.';
  if (/["']/.test(term)) return 'Remove the quotation marks from the text of the record.';
  if (/^(\\x[0-9a-f]{2}|-)+all$/i.test(term)) return 'Write "-all", with a plain hyphen.';
  if (name !== '' && !/[:=/]/.test(term) && term.includes('.'))
    return `To name a host, write "a:${term}"; for another domain's record, "include:${term}".`;
  return 'See RFC 7208 §5 and §6 for how terms are written.';
}
