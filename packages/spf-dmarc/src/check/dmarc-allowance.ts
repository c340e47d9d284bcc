import { type Cidr, cidrContains, DomainSet, type OptionReader, parseCidr } from '@postern/core';
import type { DmarcOverride } from '../dmarc/dmarc-override.ts';
import type { ArcSet } from '../message/arc-evaluation.ts';
import type { SenderFindings } from './sender-findings.ts';

/** For whose sake mail is taken though it fails DMARC. */
export interface AllowanceOptions {
  /**
   * Networks and addresses of hosts that forward others' mail here: a university, an old provider. What comes from them is
   * not held against anybody (`trusted_forwarder`). Default none.
   */
  readonly trustedForwarders?: readonly string[];
  /**
   * Domains of mailing lists: `lists.example.org` itself, `.example.org` for all below it. A message with a `List-Id` or
   * `List-Post` field is theirs when one of them has signed it (DKIM), or sent it (SPF); it then is not held against the
   * author (`mailing_list`). Default none.
   */
  readonly mailingLists?: readonly string[];
  /**
   * Domains whose ARC seals are believed: when the chain passes, and one of them says that the message passed DMARC when it
   * came there (RFC 8617 §7.2.1), it is not held against the author (`local_policy`). Needs `arc`. Default none.
   */
  readonly trustedSealers?: readonly string[];
}

/** Whose mail is taken though it fails; finds out why. */
export interface Allowances {
  readonly needsArc: boolean;
  /** Whether the client forwards others' mail. */
  forwards(transaction: SenderFindings['transaction']): boolean;
  /** Why the message is not held against its author; `undefined`: for no reason. */
  find(findings: SenderFindings): DmarcOverride | undefined;
}

const LONGEST_COMMENT = 400;

function isTextList(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((each) => typeof each === 'string');
}

function readDomains(read: OptionReader, name: string): DomainSet {
  const takes = 'a list of domains';
  const listed = read.value(name, isTextList, takes) ?? [];
  try {
    return new DomainSet(listed);
  } catch {
    return read.refuse(name, takes);
  }
}

function readNetworks(read: OptionReader, name: string): readonly Cidr[] {
  const takes = 'a list of addresses and networks';
  return (read.value(name, isTextList, takes) ?? []).map((text) => {
    const parsed = parseCidr(text);
    return parsed.ok ? parsed.cidr : read.refuse(name, takes);
  });
}

/** Reads {@link AllowanceOptions}. */
export function readAllowances(read: OptionReader): Allowances {
  const forwarders = readNetworks(read, 'trustedForwarders');
  const lists = readDomains(read, 'mailingLists');
  const sealers = readDomains(read, 'trustedSealers');

  const forwards: Allowances['forwards'] = ({ session }) => {
    const { ip } = session.client;
    return ip !== undefined && forwarders.some((network) => cidrContains(network, ip));
  };

  const listOf = ({ header, spf, dkim }: SenderFindings): string | undefined => {
    if (header.first('list-id') === undefined && header.first('list-post') === undefined) return undefined;
    const signer = dkim.find(({ result, domain }) => result === 'pass' && lists.has(domain));
    if (signer !== undefined) return `signed by ${signer.domain}`;
    return spf.result === 'pass' && lists.has(spf.domain) ? `sent by ${spf.domain}` : undefined;
  };

  /** The sets that trusted hosts sealed, without one of others above them: who sealed later could have written anything. */
  const believed = ({ arc }: SenderFindings): readonly ArcSet[] => {
    if (arc?.result !== 'pass') return [];
    const doubted = arc.sets.findLastIndex(({ sealer }) => !sealers.has(sealer));
    return arc.sets.slice(doubted + 1);
  };

  return {
    needsArc: sealers.size > 0,
    forwards,
    find(findings) {
      if (forwards(findings.transaction)) return { type: 'trusted_forwarder', comment: undefined };
      const list = listOf(findings);
      if (list !== undefined) return { type: 'mailing_list', comment: list };
      const author = findings.dmarc.authorDomain;
      const sets = believed(findings);
      const witness = author === undefined ? undefined : sets.find((set) => sawPass(set, author));
      // RFC 8617 §7.2.2: the comment names the sealers.
      return witness && { type: 'local_policy', comment: arcComment(findings.arc?.sets ?? []) };
    },
  };
}

/** Whether the host said that the message passed DMARC for this very author. */
function sawPass({ results }: ArcSet, author: string): boolean {
  return results.some(
    ({ method, result, properties = [] }) =>
      method === 'dmarc' &&
      result === 'pass' &&
      properties.some(
        ({ ptype, property, value }) =>
          ptype === 'header' && property === 'from' && value.slice(value.lastIndexOf('@') + 1).toLowerCase() === author,
      ),
  );
}

function arcComment(sets: readonly ArcSet[]): string {
  const seals = sets.toReversed().map(({ instance, sealer, selector }) => {
    return `as[${instance}].d=${sealer} as[${instance}].s=${selector}`;
  });
  return `arc=pass ${seals.join(' ')}`.slice(0, LONGEST_COMMENT);
}
