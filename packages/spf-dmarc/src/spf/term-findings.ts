import { classifyIp, parseCidr, toAsciiDomain } from '@postern/core';
import { overlapsOf } from './network-overlaps.ts';
import type { SpfFindings } from './spf-findings.ts';
import type { SpfTreeRecord, SpfTreeTerm } from './spf-tree.ts';

/** Wider than what anybody sends mail from; mostly a digit that is missing. */
const BROAD_IP4 = 8;
const BROAD_IP6 = 16;
/** How many of what a finding lists stand in its evidence. */
const MOST_LISTED = 20;

/**
 * What is to be said of the mechanisms of a record, and of what they lead to.
 *
 * @param passes - whether a pass here is one of the domain: not behind `-include`
 */
export function judgeTerms(record: SpfTreeRecord, passes: boolean, findings: SpfFindings): void {
  const live = record.terms.filter(({ status }) => status !== 'ignored');
  judgeDuplicates(record, live, findings);
  judgeOverlaps(record, live, findings);
  for (const term of live) {
    judgeLookup(record, term, findings);
    judgeName(record, term, findings);
    if (term.name === 'ip4' || term.name === 'ip6') judgeAddress(record, term, findings);
    if (passes && term.qualifier === 'pass') judgeNetworks(record, term, findings);
  }
}

/** What the term asks for, however it is written. */
function keyOf({ text, name, networks, target }: SpfTreeTerm): string {
  if (name === 'ip4' || name === 'ip6') return networks?.[0] ?? text;
  if (target !== undefined) return `${name}:${target}${/(?:\/\d+)*$/.exec(text)?.[0]}`;
  return text.replace(/^[+?~-]/, '').toLowerCase();
}

function judgeDuplicates({ domain }: SpfTreeRecord, terms: readonly SpfTreeTerm[], findings: SpfFindings): void {
  const seen = new Set<string>();
  for (const term of terms) {
    if (term.qualifier === undefined) continue;
    const key = keyOf(term);
    if (seen.has(key)) {
      const cost = term.lookupTerms > 0 ? `, and costs ${term.lookupTerms} more of the 10 lookups` : '';
      const severity = term.lookupTerms > 0 ? 'warning' : 'info';
      const message = `"${term.text}" stands in the record of ${domain} a second time${cost}.`;
      findings.add('duplicate-term', severity, message, 'Remove it: only the first one counts.', {
        domain,
        term: term.text,
      });
    }
    seen.add(key);
  }
}

function judgeOverlaps({ domain }: SpfTreeRecord, terms: readonly SpfTreeTerm[], findings: SpfFindings): void {
  const overlaps = overlapsOf(terms);
  if (overlaps.length === 0) return;
  const pairs = overlaps.slice(0, MOST_LISTED).map(({ inner, outer }) => ({ inner: inner.text, outer: outer.text }));
  const [first] = pairs;
  if (first === undefined) return;
  const more = overlaps.length > 1 ? `, and ${overlaps.length - 1} more like that` : '';
  const message = `In the record of ${domain}, "${first.inner}" changes nothing, since its addresses stand in "${first.outer}"${more}.`;
  findings.add('overlapping-networks', 'info', message, 'Remove the narrower terms.', {
    domain,
    pairs,
    count: overlaps.length,
  });
}

/** What the lookup of a term brought. */
function judgeLookup({ domain }: SpfTreeRecord, term: SpfTreeTerm, findings: SpfFindings): void {
  const { text, name, status, target = '', problem = '', record } = term;
  const evidence = { domain, term: text };
  const leads = name === 'include' || name === 'redirect';
  if (name === 'ptr') {
    const message = `"${text}" of ${domain} is slow and unreliable, and some receivers skip it.`;
    const advice = 'Name the hosts with "a", "mx", "ip4" or "ip6" (RFC 7208 §5.5).';
    findings.add('ptr-mechanism', 'warning', message, advice, evidence);
  } else if (status === 'depends') {
    const message = `What "${text}" of ${domain} matches depends on the message, so it is in no list of networks.`;
    findings.add('depends-on-message', 'info', message, '', evidence);
  }
  if (/%\{p/i.test(text)) {
    const message = `"${text}" of ${domain} uses the macro letter "p", which is slow and unreliable.`;
    findings.add('ptr-macro', 'warning', message, 'Do without it (RFC 7208 §7.3).', evidence);
  }
  if (status === 'unasked') {
    findings.add(
      'not-followed',
      'info',
      `The lint did not follow "${text}" of ${domain}: there was too much to ask.`,
      '',
      evidence,
    );
  }
  if (status === 'failed') {
    const reason = problem || (term.hosts ?? []).find(({ failure }) => failure !== undefined)?.failure || '';
    const message = `The lookup for "${text}" of ${domain} failed (${reason}).`;
    const advice = 'Look again; when it stays so, the name servers of that domain need care.';
    findings.add('lookup-failed', 'warning', message, advice, { ...evidence, reason });
  }
  if (name === 'mx' && status === 'permerror') {
    const message = `"${text}" of ${domain} leads to ${problem}, and more than 10 are an error for every receiver.`;
    findings.add('too-many-exchanges', 'critical', message, 'Name their networks with "ip4" and "ip6".', {
      ...evidence,
      problem,
    });
  }
  if (record?.status === 'none') {
    const message = `"${text}" of ${domain} leads to ${target}, which has no SPF record: an error for every receiver that comes to it.`;
    findings.add('include-without-record', 'critical', message, 'Remove the term or correct the name.', {
      ...evidence,
      target,
    });
  }
  const found = term.networks ?? term.hosts?.flatMap(({ networks }) => networks);
  if (status === 'known' && target !== '' && !leads && term.qualifier !== undefined && found?.length === 0) {
    const message = `"${text}" of ${domain} leads to nothing: ${target} has no such records.`;
    findings.add('void-lookup', 'warning', message, 'Remove the term or correct the name.', { ...evidence, target });
  }
}

/** The name that stands in it. */
function judgeName({ domain }: SpfTreeRecord, term: SpfTreeTerm, findings: SpfFindings): void {
  const { text, name, target, problem = '' } = term;
  const leads = name === 'include' || name === 'redirect';
  if (target === undefined && problem !== '' && name !== 'mx') {
    const message = `DNS cannot be asked for the name in "${text}" of ${domain}.`;
    findings.add('impossible-name', leads ? 'critical' : 'warning', message, 'Correct the name.', {
      domain,
      term: text,
    });
  } else if (target !== undefined && toAsciiDomain(target, { underscores: true }) === undefined) {
    const message = `"${text}" of ${domain} asks for ${target}, which is no host name.`;
    const advice = 'Perhaps two terms run together, without a space between two strings of the TXT record.';
    findings.add('odd-name', 'warning', message, advice, { domain, term: text, target });
  }
}

/** How an `ip4` or `ip6` is written. */
function judgeAddress({ domain }: SpfTreeRecord, term: SpfTreeTerm, findings: SpfFindings): void {
  const evidence = { domain, term: term.text };
  if (term.networks?.length === 0) {
    const message = `"${term.text}" of ${domain} matches nobody: who comes with such an address is an IPv4 client.`;
    findings.add('mapped-network', 'warning', message, 'Use "ip4" (RFC 7208 §5).', evidence);
    return;
  }
  const read = parseCidr(term.text.slice(term.text.indexOf(':') + 1));
  if (!read.ok || !read.hostBitsSet) return;
  const [network = ''] = term.networks ?? [];
  const message = `"${term.text}" of ${domain} names an address inside the network ${network}, and means all of it.`;
  findings.add('host-bits-set', 'info', message, 'Check that the whole network is meant.', { ...evidence, network });
}

/** How many addresses the term lets pass, and which. */
function judgeNetworks({ domain }: SpfTreeRecord, term: SpfTreeTerm, findings: SpfFindings): void {
  const networks = [...(term.networks ?? []), ...(term.hosts ?? []).flatMap((host) => host.networks)];
  for (const text of networks) {
    const read = parseCidr(text);
    if (!read.ok) continue;
    const { network, prefixLength } = read.cidr;
    const evidence = { domain, term: term.text, network: text };
    if (prefixLength === 0) {
      const message = `With "${term.text}" of ${domain}, anybody may send mail for the domain.`;
      const advice = 'Name the hosts that send mail for you, and end with "-all" or "~all".';
      // An "all" is of both families, and one finding.
      findings.add('passes-everybody', 'critical', message, advice, { domain, term: term.text });
      continue;
    }
    const special = classifyIp(network);
    const entry = parseCidr(special.prefix);
    if (!special.global && entry.ok && entry.cidr.prefixLength <= prefixLength) {
      const message = `"${term.text}" of ${domain} lets ${text} pass, which no client on the Internet has (${special.name}, ${special.reference}).`;
      findings.add('special-network', 'warning', message, 'Remove it, or name the public address.', {
        ...evidence,
        class: special.class,
      });
    } else if (prefixLength <= (network.family === 4 ? BROAD_IP4 : BROAD_IP6)) {
      const message = `"${term.text}" of ${domain} lets ${text} pass, which are more hosts than anybody has.`;
      findings.add('broad-network', 'warning', message, 'Name the networks that send mail for you.', evidence);
    }
  }
}
