import { type Cidr, OptionReader } from '@postern/core';
import type { CsvColumns } from './csv-format.ts';
import type { LineFormat } from './line-format.ts';
import type { ListEntryInput } from './list-entry.ts';
import { type DomainListFormat, type IpListFormat, readDomainListFormat, readIpListFormat } from './list-format.ts';
import { type ListProblem, ProblemLog } from './list-problem.ts';
import { ListReading, type ReadingOptions } from './list-reading.ts';
import { isTextSource, type TextSource, textPieces } from './text-pieces.ts';

/** A key with its entry, as `IpList` and `DomainList` take them. */
export type KeyedEntry<Key> = readonly [key: Key, entry: ListEntryInput];

/** How a list is read from text, whatever it lists. */
export interface TextListOptions extends Partial<CsvColumns> {
  /** What the entries name as their `source`, and the problems too. Default: the file's path, or `''`. */
  readonly source?: string;
  /**
   * What a listing is. Default `block`. Formats with actions of their own (`postfix-cidr`, `postfix-access`) do not ask.
   * With `allow`, the exclusions of zone files cannot be said and are reported.
   */
  readonly action?: 'allow' | 'block';
  /** The longest line that is read, in UTF-16 units. Default 16,384. */
  readonly maxLineLength?: number;
  /** Ends the reading within milliseconds. */
  readonly signal?: AbortSignal;
}

/** How a list of addresses is read. */
export interface IpTextOptions extends TextListOptions {
  /** Default `plain`. */
  readonly format?: IpListFormat;
}

/** How a list of names is read. */
export interface DomainTextOptions extends TextListOptions {
  /** Default `domains`. */
  readonly format?: DomainListFormat;
  /** Each name stands for the names below it as well: `example.com` for `.example.com` too. Default `false`. */
  readonly subdomains?: boolean;
}

/** What hears of the first 1,000 problems as they are met. */
export interface ProblemListener {
  readonly onProblem?: (problem: ListProblem) => unknown;
}

function isListener(value: unknown): value is (problem: ListProblem) => unknown {
  return typeof value === 'function';
}

/** Reads the options `source`, `action` and `maxLineLength`. */
export function readReadingOptions(read: OptionReader, source: string): ReadingOptions {
  return {
    source: read.text('source', source),
    action: read.oneOf('action', ['allow', 'block'], 'block'),
    maxLineLength: read.integer('maxLineLength', 16_384, { min: 64, max: 1_048_576 }),
  };
}

async function* readEntries<Key>(
  source: TextSource,
  format: LineFormat<Key>,
  options: ReadingOptions,
  problems: ProblemLog,
  signal: AbortSignal | undefined,
): AsyncGenerator<KeyedEntry<Key>, void, undefined> {
  let entries: KeyedEntry<Key>[] = [];
  const reading = new ListReading(format, options, problems, (key, entry) => {
    entries.push([key, entry]);
  });
  for await (const piece of textPieces(source, signal)) {
    reading.push(piece);
    yield* entries;
    entries = [];
  }
  reading.end();
  yield* entries;
}

function begin<Key>(
  owner: string,
  source: TextSource,
  options: object | undefined,
  readFormat: (read: OptionReader) => () => LineFormat<Key>,
): AsyncGenerator<KeyedEntry<Key>, void, undefined> {
  if (!isTextSource(source)) {
    throw new TypeError(`${owner}: source must be a string, bytes, or a stream or iterable of them`);
  }
  const read = new OptionReader(owner, options);
  const beginFormat = readFormat(read);
  const reading = readReadingOptions(read, '');
  const problems = new ProblemLog(reading.source, read.value('onProblem', isListener, 'a function'));
  const signal = read.signal('signal');
  read.done();
  return readEntries(source, beginFormat(), reading, problems, signal);
}

/**
 * The entries of a list of addresses in text, one after the other, for `IpList.fromAsync`. A line that is not as it should
 * be is told to `onProblem` and never ends the reading; nothing is ever wider than what the text says. Of the same prefix
 * the last entry counts.
 *
 * In memory there is one piece of the source at a time, and for `ip4set`, `ip4trie`, `postfix-cidr` and `hosts-deny`, where
 * one line may cancel another, 27 to 80 bytes a prefix.
 *
 * @param source - text or UTF-8 bytes, whole or in pieces: a string, a `Buffer`, a stream, the body of a response. What a
 *   stream throws is thrown here; when `signal` fires, its reason
 * @throws TypeError and RangeError at once for options that are none
 *
 * @example
 * ```ts
 * import { IpList, readIpEntries } from '@postern/ip-list';
 *
 * const text = '192.0.2.0/24 # sends spam\n198.51.100.7-198.51.100.9\n1.2.3\n';
 * const onProblem = (problem) => console.log(problem.line, problem.text);
 * const list = await IpList.fromAsync(readIpEntries(text, { onProblem })); // 3 "1.2.3" is neither an address nor a prefix.
 * console.log(list.lookup('192.0.2.1')?.reason); // sends spam
 * ```
 */
export function readIpEntries(
  source: TextSource,
  options?: IpTextOptions & ProblemListener,
): AsyncGenerator<KeyedEntry<Cidr>, void, undefined> {
  return begin('readIpEntries', source, options, readIpListFormat);
}

/** Like {@link readIpEntries}, for lists of names and `DomainList.fromAsync`. */
export function readDomainEntries(
  source: TextSource,
  options?: DomainTextOptions & ProblemListener,
): AsyncGenerator<KeyedEntry<string>, void, undefined> {
  return begin('readDomainEntries', source, options, readDomainListFormat);
}
