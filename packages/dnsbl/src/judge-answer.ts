import { type DnsAnswer, formatIp, type IpAddress, parseIp } from '@postern/core';
import type { CompiledZone } from './compiled-zone.ts';
import { limitReason } from './limit-failure.ts';
import type { ZoneResult, ZoneSkippedReason, ZoneUnknownReason } from './zone-result.ts';

/** Answers that a result keeps. A list gives a handful; a hostile one could give thousands. */
const MAX_CODES = 16;

const LOOPBACK = 0x7f000001;
const ERRORS = 0x7fffff00;

/** The errors of 127.255.255.0/24 that Spamhaus documents, by their last octet. */
const errorReasons: ReadonlyMap<number, ZoneUnknownReason> = new Map([
  [252, 'zone-name'],
  [254, 'open-resolver'],
  [255, 'over-quota'],
]);

/** The zone's word is not known. */
export function unknownResult(
  zone: CompiledZone,
  reason: ZoneUnknownReason,
  codes: readonly string[] = zone.clean.codes,
): ZoneResult {
  const { name, kind } = zone;
  return { zone: name, kind, status: 'unknown', codes, reasons: [reason], score: 0, text: undefined, link: undefined };
}

/** The zone was not asked. */
export function skippedResult(zone: CompiledZone, reason: ZoneSkippedReason): ZoneResult {
  const { name, kind } = zone;
  const codes = zone.clean.codes;
  return { zone: name, kind, status: 'skipped', codes, reasons: [reason], score: 0, text: undefined, link: undefined };
}

/** Why an answer can never be a listing, whatever the zone documents. */
function reservedReason(zone: CompiledZone, quad: number): ZoneUnknownReason | undefined {
  // RFC 5782 §2.1 keeps lists inside 127.0.0.0/8; an answer outside was made up on the way (or the domain was sold).
  if (quad >>> 24 !== 127) return 'rewritten';
  const own = zone.errors?.get(quad);
  if (own !== undefined) return own;
  // RFC 5782 §5: 127.0.0.1 must not be listed; lists answer it to those whom they refuse.
  if (quad === LOOPBACK) return 'reserved-code';
  if ((quad & 0xffffff00) >>> 0 === ERRORS) return errorReasons.get(quad & 255) ?? 'error-code';
  return undefined;
}

function linkTo(lookup: string, subject: IpAddress | string): string {
  return typeof subject === 'string' ? lookup.replace('{domain}', subject) : lookup.replace('{ip}', formatIp(subject));
}

/**
 * What a zone's A records say. One reserved answer among them spoils all: whoever made it up may have made up the rest.
 * Else the documented ones list, and only if there is none the answer is unknown.
 */
function judgeRecords(zone: CompiledZone, records: readonly string[], subject: IpAddress | string): ZoneResult {
  const codes = Object.freeze(records.slice(0, MAX_CODES));
  const reasons: string[] = [];
  let score = 0;
  for (const code of codes) {
    const ip = parseIp(code);
    if (ip?.family !== 4) return unknownResult(zone, 'malformed', codes);
    const quad = ip.word3;
    const reserved = reservedReason(zone, quad);
    if (reserved !== undefined) return unknownResult(zone, reserved, codes);
    for (const { mask, low, high, reason, weight } of zone.answers) {
      const masked = (quad & mask) >>> 0;
      if (masked < low || masked > high) continue;
      if (!reasons.includes(reason)) reasons.push(reason);
      // A list that gives several reasons is still one list.
      if (weight > score) score = weight;
    }
  }
  if (reasons.length === 0) return unknownResult(zone, 'undocumented-code', codes);
  const link = zone.lookup === undefined ? undefined : linkTo(zone.lookup, subject);
  const { name, kind } = zone;
  return { zone: name, kind, status: 'listed', codes, reasons, score, text: undefined, link };
}

/**
 * Draws a zone's result from the answer to its A query. Only the first 16 records are read.
 *
 * @param subject - the address or the domain that was asked about, for the look-up link
 */
export function judgeAnswer(zone: CompiledZone, answer: DnsAnswer<'A'>, subject: IpAddress | string): ZoneResult {
  switch (answer.kind) {
    case 'nxdomain':
    // The name exists for some other record: no A record, no listing (RFC 5782 §2.1).
    case 'nodata':
      return zone.clean;
    case 'failure':
      // Only the word: the sentence may quote the name that was asked, and with it the query key.
      return unknownResult(zone, limitReason(answer) ?? answer.reason);
    case 'records':
      return judgeRecords(zone, answer.records, subject);
  }
}
