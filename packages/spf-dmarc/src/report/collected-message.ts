import type { PolicyOverride, ReportedDkim, ReportedMessage, ReportedSpf } from './aggregate-report.ts';
import { ALIGNED, DISPOSITIONS, DKIM_RESULTS, OVERRIDES, SPF_RESULTS } from './report-words.ts';

const LONGEST_DOMAIN = 255;
const LONGEST_TEXT = 200;
const MAX_REASONS = 5;
const MAX_SIGNATURES = 10;
const MAX_SPF = 1;

/**
 * A message as a line of text that is the same for all messages that a report counts together: JSON, its parts in one
 * order and of bounded length. Texts and lists are cut to what a report needs, so that a line has 8 KB at most.
 */
export function messageLine(message: ReportedMessage): string {
  return JSON.stringify([
    cut(message.sourceIp, LONGEST_DOMAIN),
    message.disposition,
    message.dkim,
    message.spf,
    cut(message.headerFrom, LONGEST_DOMAIN),
    message.envelopeFrom === undefined ? null : cut(message.envelopeFrom, LONGEST_DOMAIN),
    message.envelopeTo === undefined ? null : cut(message.envelopeTo, LONGEST_DOMAIN),
    message.reasons.slice(0, MAX_REASONS).map(({ type, comment }) => [type, optionalText(comment)]),
    message.dkimResults
      .slice(0, MAX_SIGNATURES)
      .map(({ domain, selector, result, humanResult }) => [
        cut(domain, LONGEST_DOMAIN),
        cut(selector, LONGEST_DOMAIN),
        result,
        optionalText(humanResult),
      ]),
    message.spfResults
      .slice(0, MAX_SPF)
      .map(({ domain, result, humanResult }) => [cut(domain, LONGEST_DOMAIN), result, optionalText(humanResult)]),
  ]);
}

/** The message of such a line; `undefined` for other text. Never throws. */
export function messageOf(line: string): ReportedMessage | undefined {
  const parts = parseLine(line);
  const [sourceIp, disposition, dkim, spf, headerFrom, envelopeFrom, envelopeTo, reasons, signatures, spfs] = parts;
  const found = {
    disposition: DISPOSITIONS.find((word) => word === disposition),
    dkim: ALIGNED.find((word) => word === dkim),
    spf: ALIGNED.find((word) => word === spf),
    reasons: eachOf(reasons, reasonOf),
    dkimResults: eachOf(signatures, dkimOf),
    spfResults: eachOf(spfs, spfOf),
  };
  if (typeof sourceIp !== 'string' || typeof headerFrom !== 'string') return undefined;
  if (found.disposition === undefined || found.dkim === undefined || found.spf === undefined) return undefined;
  if (found.reasons === undefined || found.dkimResults === undefined || found.spfResults === undefined)
    return undefined;
  return {
    sourceIp,
    disposition: found.disposition,
    dkim: found.dkim,
    spf: found.spf,
    reasons: found.reasons,
    headerFrom,
    ...(typeof envelopeFrom === 'string' && { envelopeFrom }),
    ...(typeof envelopeTo === 'string' && { envelopeTo }),
    dkimResults: found.dkimResults,
    spfResults: found.spfResults,
  };
}

function parseLine(line: string): readonly unknown[] {
  try {
    const parts: unknown = JSON.parse(line);
    return Array.isArray(parts) ? parts : [];
  } catch {
    return [];
  }
}

function reasonOf([word, comment]: readonly unknown[]): PolicyOverride | undefined {
  const type = OVERRIDES.find((each) => each === word);
  if (type === undefined) return undefined;
  return { type, ...(typeof comment === 'string' && { comment }) };
}

function dkimOf([domain, selector, word, humanResult]: readonly unknown[]): ReportedDkim | undefined {
  const result = DKIM_RESULTS.find((each) => each === word);
  if (typeof domain !== 'string' || typeof selector !== 'string' || result === undefined) return undefined;
  return { domain, selector, result, ...(typeof humanResult === 'string' && { humanResult }) };
}

function spfOf([domain, word, humanResult]: readonly unknown[]): ReportedSpf | undefined {
  const result = SPF_RESULTS.find((each) => each === word);
  if (typeof domain !== 'string' || result === undefined) return undefined;
  return { domain, scope: 'mfrom', result, ...(typeof humanResult === 'string' && { humanResult }) };
}

function eachOf<T>(list: unknown, read: (parts: readonly unknown[]) => T | undefined): readonly T[] | undefined {
  if (!Array.isArray(list)) return undefined;
  const all: T[] = [];
  for (const parts of list) {
    const one = Array.isArray(parts) ? read(parts) : undefined;
    if (one === undefined) return undefined;
    all.push(one);
  }
  return all;
}

function optionalText(text: string | undefined): string | null {
  return text === undefined ? null : cut(text, LONGEST_TEXT);
}

function cut(text: string, length: number): string {
  return text.length > length ? text.slice(0, length) : text;
}
