import { judgeRecord } from './record-findings.ts';
import type { SpfFinding } from './spf-finding.ts';
import { SpfFindings } from './spf-findings.ts';
import { MOST_LOOKUPS, MOST_VOID_LOOKUPS } from './spf-flattening.ts';
import type { SpfNetworks } from './spf-networks.ts';
import type { SpfTreeRecord, SpfTreeTerm } from './spf-tree.ts';
import { syntaxAdvice } from './syntax-advice.ts';
import { judgeTerms } from './term-findings.ts';

/** From here on there is no room for another provider. */
const MANY_LOOKUPS = 9;

/** Everything that is to be said of a domain's record and what it leads to, the worst first. */
export function judgeTree(tree: SpfTreeRecord, networks: SpfNetworks): readonly SpfFinding[] {
  const findings = new SpfFindings();
  const places = new Map<string, SpfTreeTerm[]>();
  const visit = (record: SpfTreeRecord, chain: boolean, passes: boolean): void => {
    judgeStatus(record, findings);
    judgeRecord(record, { top: tree.domain, chain }, findings);
    judgeTerms(record, passes, findings);
    for (const term of record.terms) {
      if (term.record === undefined) continue;
      const others = places.get(term.record.domain);
      if (others === undefined) places.set(term.record.domain, [term]);
      else if (term.record.status !== 'loop') others.push(term);
      const isRedirect = term.name === 'redirect';
      visit(term.record, chain && isRedirect, passes && (isRedirect || term.qualifier === 'pass'));
    }
  };
  if (tree.status === 'none') {
    const { domain } = tree;
    const message = `${domain} has no SPF record.`;
    const advice = 'Publish one; a domain that sends no mail publishes "v=spf1 -all".';
    findings.add('no-record', 'critical', message, advice, { domain });
  }
  visit(tree, true, true);
  judgeRepeats(places, findings);
  if (tree.status === 'record') judgeLimits(tree, findings);
  judgePass(tree, networks, findings);
  return findings.sorted();
}

/** Why there is nothing to be read at a name. */
function judgeStatus(
  { domain, status, problem = '', wrongTerm = '', others }: SpfTreeRecord,
  findings: SpfFindings,
): void {
  switch (status) {
    case 'several': {
      const message = `${domain} has more than one SPF record, which is an error for every receiver.`;
      findings.add('several-records', 'critical', message, 'Make one of them (RFC 7208 §3.2).', {
        domain,
        records: others,
      });
      break;
    }
    case 'syntax-error': {
      const message = `The record of ${domain} cannot be read, which is an error for every receiver: ${problem}.`;
      findings.add('syntax-error', 'critical', message, syntaxAdvice(wrongTerm), { domain, term: wrongTerm, problem });
      break;
    }
    case 'loop': {
      const message = `The record of ${domain} leads back to itself, which is an error for every receiver that follows it.`;
      findings.add('include-loop', 'critical', message, 'Remove the "include" or "redirect" that closes the loop.', {
        domain,
      });
      break;
    }
    case 'failed': {
      const message = `The lookup of the record of ${domain} failed (${problem}).`;
      const advice = 'Look again; when it stays so, the name servers of that domain need care.';
      findings.add('lookup-failed', 'warning', message, advice, { domain, reason: problem });
      break;
    }
    case 'unasked': {
      const message = `The lint did not follow the record of ${domain}: there was too much to ask.`;
      findings.add('not-followed', 'info', message, '', { domain });
      break;
    }
    default:
  }
}

function judgeRepeats(places: ReadonlyMap<string, readonly SpfTreeTerm[]>, findings: SpfFindings): void {
  for (const [target, [first, ...again]] of places) {
    if (first === undefined || again.length === 0) continue;
    const lookupTerms = again.reduce((sum, term) => sum + term.lookupTerms, 0);
    const message = `The record of ${target} is included ${again.length + 1} times; all but the first cost ${lookupTerms} lookups for nothing.`;
    findings.add('repeated-include', 'warning', message, 'Include it once.', {
      domain: target,
      times: again.length + 1,
      lookupTerms,
    });
  }
}

/** The limits of RFC 7208 §4.6.4, for a client that no term matches before the end. */
function judgeLimits({ domain, lookupTerms, voidLookups }: SpfTreeRecord, findings: SpfFindings): void {
  const counted = `The record of ${domain} takes ${lookupTerms} of the ${MOST_LOOKUPS} lookups that receivers make.`;
  const evidence = { domain, lookupTerms, limit: MOST_LOOKUPS };
  if (lookupTerms > MOST_LOOKUPS) {
    const message = `${counted} Clients that match late or not at all get a permerror.`;
    const advice =
      'Remove what is no longer used; replace "a" and "mx" by "ip4" and "ip6"; let other mail come from a subdomain.';
    findings.add('too-many-lookups', 'critical', message, advice, evidence);
  } else if (lookupTerms >= MANY_LOOKUPS) {
    const advice =
      "Remove what is no longer used: one more provider, or one more include in a provider's record, is too much.";
    findings.add('many-lookups', 'warning', counted, advice, evidence);
  } else {
    findings.add('lookups', 'info', counted, '', evidence);
  }
  for (const [family, count] of Object.entries(voidLookups)) {
    if (count <= MOST_VOID_LOOKUPS) continue;
    const message = `For ${family === 'ip4' ? 'IPv4' : 'IPv6'} clients, ${count} lookups of the record of ${domain} come back empty; with more than ${MOST_VOID_LOOKUPS} they get a permerror.`;
    const advice = 'Remove the names that have no address of that family, or name the networks with "ip4" and "ip6".';
    findings.add('too-many-void-lookups', 'critical', message, advice, {
      domain,
      family,
      count,
      limit: MOST_VOID_LOOKUPS,
    });
  }
}

/** Which part of all addresses the networks are. */
function shareOf(networks: readonly string[]): number {
  return networks.reduce((share, text) => share + 2 ** -Number(text.slice(text.indexOf('/') + 1)), 0);
}

/** What comes out in the end. */
function judgePass({ domain, status, terms }: SpfTreeRecord, networks: SpfNetworks, findings: SpfFindings): void {
  const { pass, complete } = networks;
  // Half of IPv4; of IPv6 as much as IANA allocates from (2000::/3).
  if (!findings.has('passes-everybody') && (shareOf(pass.ip4) >= 1 / 2 || shareOf(pass.ip6) >= 1 / 8)) {
    const message = `The networks of the record of ${domain} together let nearly anybody pass.`;
    const advice = 'Name the hosts that send mail for you, and end with "-all" or "~all".';
    findings.add('passes-everybody', 'critical', message, advice, { domain });
  }
  if (status !== 'record' || !complete || pass.ip4.length > 0 || pass.ip6.length > 0) return;
  const meant = !terms.some(({ qualifier, name }) => qualifier === 'pass' || name === 'redirect');
  const advice = meant
    ? 'That is as it should be for a domain that sends no mail.'
    : 'None of its terms comes to an address.';
  findings.add('passes-nobody', meant ? 'info' : 'warning', `Nobody may send mail for ${domain}.`, advice, { domain });
}
