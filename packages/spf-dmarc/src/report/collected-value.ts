import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { DmarcReportUri } from '../dmarc/dmarc-record.ts';
import type { PublishedPolicy } from './aggregate-report.ts';
import { METHODS, MODES, POLICIES } from './report-words.ts';

/** What one collector has counted of one policy domain in one day, as it lies in the store. */
export interface CollectedDomain {
  readonly policy: PublishedPolicy;
  readonly rua: readonly DmarcReportUri[];
  readonly errors: readonly string[];
  /** When the policy was seen last, in milliseconds since the epoch: of several, the last one is reported. */
  readonly seenAt: number;
  /** Messages that found no room. */
  readonly dropped: number;
  /** Lines of messages, as `messageLine` makes them, and how many there were of each. */
  readonly rows: ReadonlyMap<string, number>;
}

/** What one collector has written of one day. */
export interface CollectedIndex {
  /** Messages of domains for which there was no room. */
  readonly dropped: number;
  /** How many messages of each domain were counted. */
  readonly domains: ReadonlyMap<string, number>;
}

/** What a value of the store may have at most, decompressed. More than a collector can write. */
const LARGEST_VALUE = 2 ** 28;

export function encodeDomain(domain: CollectedDomain): Uint8Array {
  const { policy, rua, errors, seenAt, dropped } = domain;
  const head = JSON.stringify({ policy, rua, errors, seenAt, dropped });
  // Rows are lines already: a megabyte of JSON need not be made of them once more.
  const rows = [...domain.rows].map(([line, count]) => `${count} ${line}`);
  return deflateRawSync([head, ...rows].join('\n'));
}

/** `undefined` for bytes that no collector has written. Never throws. */
export function decodeDomain(bytes: Uint8Array): CollectedDomain | undefined {
  const text = inflate(bytes);
  if (text === undefined) return undefined;
  const [first = '', ...lines] = text.split('\n');
  const head = parseJson(first);
  const policy = policyOf(property(head, 'policy'));
  const seenAt = property(head, 'seenAt');
  const dropped = property(head, 'dropped');
  if (policy === undefined || typeof seenAt !== 'number' || typeof dropped !== 'number') return undefined;
  const rows = new Map<string, number>();
  for (const each of lines) {
    const space = each.indexOf(' ');
    const count = Number(each.slice(0, space));
    if (space > 0 && Number.isSafeInteger(count)) rows.set(each.slice(space + 1), count);
  }
  const errors = listOf(property(head, 'errors')).filter((error) => typeof error === 'string');
  const rua = listOf(property(head, 'rua')).flatMap((uri) => uriOf(uri));
  return { policy, rua, errors, seenAt, dropped, rows };
}

export function encodeIndex({ dropped, domains }: CollectedIndex): Uint8Array {
  return deflateRawSync(JSON.stringify({ dropped, domains: [...domains] }));
}

/** `undefined` for bytes that no collector has written. Never throws. */
export function decodeIndex(bytes: Uint8Array): CollectedIndex | undefined {
  const text = inflate(bytes);
  const value = text === undefined ? undefined : parseJson(text);
  const dropped = property(value, 'dropped');
  if (typeof dropped !== 'number') return undefined;
  const domains = new Map<string, number>();
  for (const entry of listOf(property(value, 'domains'))) {
    const [domain, messages] = listOf(entry);
    if (typeof domain === 'string' && typeof messages === 'number') domains.set(domain, messages);
  }
  return { dropped, domains };
}

/** A list of names: collectors, or destinations that need no more attempts. */
export function encodeNames(names: readonly string[]): Uint8Array {
  return Buffer.from(JSON.stringify(names));
}

/** Empty for bytes that are no such list, and for none. Never throws. */
export function decodeNames(bytes: Uint8Array | undefined): readonly string[] {
  if (bytes === undefined) return [];
  return listOf(parseJson(Buffer.from(bytes).toString())).filter((name) => typeof name === 'string');
}

function policyOf(value: unknown): PublishedPolicy | undefined {
  const domain = property(value, 'domain');
  const p = wordOf(POLICIES, property(value, 'p'));
  if (typeof domain !== 'string' || p === undefined) return undefined;
  const sp = wordOf(POLICIES, property(value, 'sp'));
  const np = wordOf(POLICIES, property(value, 'np'));
  const adkim = wordOf(MODES, property(value, 'adkim'));
  const aspf = wordOf(MODES, property(value, 'aspf'));
  const fo = property(value, 'fo');
  const testing = property(value, 'testing');
  const discoveryMethod = wordOf(METHODS, property(value, 'discoveryMethod'));
  return {
    domain,
    p,
    ...(sp !== undefined && { sp }),
    ...(np !== undefined && { np }),
    ...(adkim !== undefined && { adkim }),
    ...(aspf !== undefined && { aspf }),
    ...(typeof fo === 'string' && { fo }),
    ...(typeof testing === 'boolean' && { testing }),
    ...(discoveryMethod !== undefined && { discoveryMethod }),
  };
}

function uriOf(value: unknown): readonly DmarcReportUri[] {
  const uri = property(value, 'uri');
  const address = property(value, 'address');
  const domain = property(value, 'domain');
  if (typeof uri !== 'string') return [];
  return [
    {
      uri,
      address: typeof address === 'string' ? address : undefined,
      domain: typeof domain === 'string' ? domain : undefined,
    },
  ];
}

function wordOf<T extends string>(words: readonly T[], value: unknown): T | undefined {
  return words.find((word) => word === value);
}

function property(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null && Object.hasOwn(value, name)
    ? Reflect.get(value, name)
    : undefined;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function inflate(bytes: Uint8Array): string | undefined {
  try {
    return inflateRawSync(bytes, { maxOutputLength: LARGEST_VALUE }).toString();
  } catch {
    return undefined;
  }
}
