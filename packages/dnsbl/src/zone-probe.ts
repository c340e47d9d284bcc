import { type IpAddress, OptionReader, parseIp, reverseLabels, toAsciiDomain } from '@postern/core';

/**
 * What tells a list that works from one that does not. Without `mustList` and `mustNotList` those of RFC 5782 §5 stand:
 *
 * - lists of IPv4 addresses: 127.0.0.2 is listed, 127.0.0.1 is not
 * - lists of IPv6 addresses alone: `::ffff:7f00:2` is listed, `::ffff:7f00:1` is not; one that knows IPv4 too is tried with
 *   that, since many a list that may be asked about both families has only the older entry
 * - lists of domains: `test` is listed, `invalid` is not
 */
export interface ZoneTestPoints {
  /**
   * Addresses, or domains of at most 63 characters for a list of domains, that the operator keeps on the list for tests;
   * at most 8. An answer that the zone's `answers` do not explain will do. Empty for a list without any.
   */
  readonly mustList?: readonly string[];
  /** Addresses or domains that are never listed, unless the list lists everything; at most 8. */
  readonly mustNotList?: readonly string[];
  /** Where the operator documents them. For people; not used. */
  readonly source?: string;
}

/** One question of a probe. */
export interface ZoneProbe {
  /** The address or the domain, as the zone has it. */
  readonly subject: string;
  /** What stands before the zone's suffix. */
  readonly labels: string;
  readonly mustBe: 'listed' | 'not-listed';
}

/** What a zone's test points are about. */
export type ProbeSubjects =
  | { readonly lists: 'addresses'; readonly ipv4: boolean; readonly ipv6: boolean }
  | { readonly lists: 'domains' };

const MAX_PROBES = 8;

/** 32 nibbles with their dots: for so much there is room before every zone's name. */
const MAX_LABELS_LENGTH = 64;

function isSubjectList(value: unknown): value is readonly string[] {
  return (
    Array.isArray(value) &&
    value.length <= MAX_PROBES &&
    value.every((each: unknown): boolean => typeof each === 'string')
  );
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

/** An IPv4-mapped address is an IPv4 address everywhere else; a list of IPv6 addresses has it under its 32 nibbles. */
function parseProbeIp(text: string): IpAddress | undefined {
  const ip = parseIp(text);
  return ip !== undefined && text.includes(':') ? { ...ip, family: 6 } : ip;
}

function labelsOf(subject: string, about: ProbeSubjects): string | undefined {
  if (about.lists === 'domains') {
    const domain = toAsciiDomain(subject);
    return domain !== undefined && domain.length < MAX_LABELS_LENGTH ? domain : undefined;
  }
  const ip = parseProbeIp(subject);
  if (ip === undefined || !(ip.family === 4 ? about.ipv4 : about.ipv6)) return undefined;
  return reverseLabels(ip);
}

/** RFC 5782 §5. */
function defaultSubjects(about: ProbeSubjects): { readonly mustList: string[]; readonly mustNotList: string[] } {
  if (about.lists === 'domains') return { mustList: ['test'], mustNotList: ['invalid'] };
  if (about.ipv4) return { mustList: ['127.0.0.2'], mustNotList: ['127.0.0.1'] };
  if (about.ipv6) return { mustList: ['::ffff:7f00:2'], mustNotList: ['::ffff:7f00:1'] };
  return { mustList: [], mustNotList: [] };
}

/**
 * Checks and prepares a zone's test points.
 *
 * @param owner - whose they are, for errors
 * @param testPoints - the option `testPoints` of the zone
 * @throws TypeError or RangeError that names the option
 */
export function compileProbes(owner: string, testPoints: unknown, about: ProbeSubjects): readonly ZoneProbe[] {
  const read: OptionReader = new OptionReader(owner, testPoints);
  const defaults = defaultSubjects(about);
  const takes = `a list of at most ${MAX_PROBES} ${about.lists} of the families that the zone knows`;
  const probes = (['mustList', 'mustNotList'] as const).flatMap((name) =>
    (read.value(name, isSubjectList, takes) ?? defaults[name]).map((subject): ZoneProbe => {
      const labels = labelsOf(subject, about);
      if (labels === undefined) read.refuse(name, takes);
      return { subject, labels, mustBe: name === 'mustList' ? 'listed' : 'not-listed' };
    }),
  );
  read.value('source', isText, 'a string');
  read.done();
  return probes;
}
