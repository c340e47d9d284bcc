import type { HeaderFields, MethodResult, Resolver } from '@postern/core';
import type { DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import type { BimiEvaluation, BimiResult } from './bimi-evaluation.ts';
import type { Mailauth } from './load-mailauth.ts';
import { MailauthResolver } from './mailauth-resolver.ts';

const SELECTOR = 'bimi-selector';
/** A selector field names a version and a selector; more is an attempt at something. */
const LONGEST_SELECTOR = 1_024;
/** The author domain, the organizational one, and the latter's DMARC record. */
const MAX_QUERIES = 10;
const LONGEST_QUOTED = 200;

const words: readonly BimiResult[] = ['pass', 'none', 'fail', 'declined', 'skipped', 'temperror'];

function nothing(result: BimiResult, detail?: string): BimiEvaluation {
  return { result, detail, domain: undefined, selector: undefined, location: undefined, authority: undefined };
}

/**
 * Looks the logo's record up through mailauth, for a message whose DMARC result is known. DNS alone is asked: nothing is
 * fetched from addresses that a sender chose.
 */
export async function evaluateBimi(
  header: HeaderFields,
  dmarc: DmarcEvaluation,
  { bimi }: Mailauth,
  resolver: Resolver,
): Promise<BimiEvaluation> {
  const { authorDomain, record, alignment } = dmarc;
  if (dmarc.result !== 'pass' || authorDomain === undefined || record === undefined) {
    return nothing('skipped', 'The message does not pass DMARC.');
  }
  const selectors = header.all(SELECTOR);
  if (selectors.some(({ raw }) => raw.length > LONGEST_SELECTOR)) return nothing('fail', 'The selector is too long.');
  const signed = alignment.dkim.find(({ result, alignment: how }) => result === 'pass' && how !== 'none');
  const dns = new MailauthResolver(resolver, MAX_QUERIES);
  const found = await bimi({
    headers: { parsed: selectors.map(({ value }) => ({ key: SELECTOR, line: Buffer.from(`${SELECTOR}:${value}`) })) },
    dmarc: {
      domain: dmarc.organizationalDomain ?? authorDomain,
      policy: dmarc.policy ?? 'none',
      policyDomain: dmarc.policyDomain ?? authorDomain,
      p: record.p ?? 'none',
      sp: record.sp ?? record.p ?? 'none',
      testMode: record.testing,
      rr: record.text,
      status: { result: 'pass', header: { from: authorDomain } },
      alignment: {
        spf: { strict: record.aspf === 's' },
        dkim: { strict: record.adkim === 's', ...(signed && { result: signed.domain }) },
      },
      info: '',
    },
    resolver: dns.resolve,
    strict: true,
  });
  if (found === false) return nothing('skipped', 'The message does not pass DMARC.');
  const { status, location, authority } = found;
  const selector: unknown = status.header?.['selector'];
  const domain: unknown = status.header?.['d'];
  return {
    result: dns.failure === undefined ? (words.find((word) => word === status.result) ?? 'fail') : 'temperror',
    detail: status.comment?.replace(/[^ -~]/g, '?').slice(0, LONGEST_QUOTED),
    domain: typeof domain === 'string' ? domain.slice(0, 253) : undefined,
    selector: typeof selector === 'string' ? selector.slice(0, 253) : undefined,
    location: location?.slice(0, 2_048),
    authority: authority?.slice(0, 2_048),
  };
}

/** As Authentication-Results has it (draft-brand-indicators-for-message-identification §7.7). */
export function bimiMethodResult({ result, detail, domain, selector, authority }: BimiEvaluation): MethodResult {
  const properties = [
    ...(domain === undefined ? [] : [{ ptype: 'header', property: 'd', value: domain }]),
    ...(selector === undefined ? [] : [{ ptype: 'header', property: 'selector', value: selector }]),
    // `none`: nobody has looked at the certificate.
    ...(authority === undefined
      ? []
      : [
          { ptype: 'policy', property: 'authority', value: 'none' },
          { ptype: 'policy', property: 'authority-uri', value: authority },
        ]),
  ];
  return { method: 'bimi', result, ...(detail !== undefined && { reason: detail }), properties };
}
