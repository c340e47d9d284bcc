import type { OptionReader } from '@postern/core';
import { addAddressText } from './address-text.ts';
import { type CsvColumns, csvFormat } from './csv-format.ts';
import { addPatternText } from './domain-text.ts';
import { domainsFormat } from './domains-format.ts';
import { dropFormat } from './drop-format.ts';
import { hostsDenyFormat } from './hosts-deny-format.ts';
import { hostsFormat } from './hosts-format.ts';
import type { AddressFormat, DomainFormat, DomainOutput } from './line-format.ts';
import { plainFormat } from './plain-format.ts';
import { postfixAccessFormat } from './postfix-access-format.ts';
import { postfixCidrFormat } from './postfix-cidr-format.ts';
import { rbldnsdDnsetFormat } from './rbldnsd-dnset-format.ts';
import { rbldnsdIp4Format } from './rbldnsd-ip4-format.ts';

/**
 * Formats of lists of addresses:
 *
 * - `plain`: an address, a prefix or a range `a-b` a line, with `#` and `;` comments;
 * - `drop`: the DROP lists of Spamhaus, as text and as JSON lines;
 * - `ip4set`, `ip4trie`: zone files of rbldnsd(8), combined ones too;
 * - `postfix-cidr`: Postfix cidr_table(5);
 * - `hosts-deny`: hosts_access(5);
 * - `csv`: the column of a CSV file that the option `column` names.
 */
export type IpListFormat = 'plain' | 'drop' | 'ip4set' | 'ip4trie' | 'postfix-cidr' | 'hosts-deny' | 'csv';

/**
 * Formats of lists of names:
 *
 * - `domains`: a pattern of a `DomainList` a line, with `#` and `;` comments;
 * - `hosts`: hosts(5) that send names nowhere, `0.0.0.0 bad.example`;
 * - `dnset`: zone files of rbldnsd(8);
 * - `postfix-access`: the text of a Postfix access(5) table;
 * - `domain-csv`: the column of a CSV file that the option `column` names.
 */
export type DomainListFormat = 'domains' | 'hosts' | 'dnset' | 'postfix-access' | 'domain-csv';

const ADDRESS_FORMATS: readonly IpListFormat[] = [
  'plain',
  'drop',
  'ip4set',
  'ip4trie',
  'postfix-cidr',
  'hosts-deny',
  'csv',
];
const DOMAIN_FORMATS: readonly DomainListFormat[] = ['domains', 'hosts', 'dnset', 'postfix-access', 'domain-csv'];

/** Whether the option `format` says that names are listed. */
export function isDomainListFormat(format: unknown): format is DomainListFormat {
  return DOMAIN_FORMATS.some((each) => each === format);
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

function isDelimiter(value: unknown): value is string {
  return typeof value === 'string' && value.length === 1 && !'"\r\n\0'.includes(value);
}

function readColumns(read: OptionReader): CsvColumns {
  const column = read.required('column', isText, 'the name of a column, since the format is CSV');
  const reasonColumn = read.value('reasonColumn', isText, 'the name of a column');
  const delimiter = read.value('delimiter', isDelimiter, 'one character, and no quote');
  return {
    column,
    ...(reasonColumn === undefined ? {} : { reasonColumn }),
    ...(delimiter === undefined ? {} : { delimiter }),
  };
}

/** Reads the options `format` and, for CSV, `column`, `reasonColumn` and `delimiter`: how to begin a reading. */
export function readIpListFormat(read: OptionReader): () => AddressFormat {
  const format = read.oneOf('format', ADDRESS_FORMATS, 'plain');
  switch (format) {
    case 'plain':
      return plainFormat;
    case 'drop':
      return dropFormat;
    case 'ip4set':
    case 'ip4trie':
      return () => rbldnsdIp4Format(format);
    case 'postfix-cidr':
      return postfixCidrFormat;
    case 'hosts-deny':
      return hostsDenyFormat;
    case 'csv': {
      const columns = readColumns(read);
      return () => csvFormat(columns, addAddressText);
    }
  }
}

/** Like `readIpListFormat`, with the option `subdomains`. */
export function readDomainListFormat(read: OptionReader): () => DomainFormat {
  const format = read.oneOf('format', DOMAIN_FORMATS, 'domains');
  const begin = domainFormat(format, read);
  return read.boolean('subdomains', false) ? () => withSubdomains(begin()) : begin;
}

function domainFormat(format: DomainListFormat, read: OptionReader): () => DomainFormat {
  switch (format) {
    case 'domains':
      return domainsFormat;
    case 'hosts':
      return hostsFormat;
    case 'dnset':
      return rbldnsdDnsetFormat;
    case 'postfix-access':
      return postfixAccessFormat;
    case 'domain-csv': {
      const columns = readColumns(read);
      return () => csvFormat(columns, addPatternText);
    }
  }
}

/** Each name stands for the names below it as well. */
function withSubdomains(format: DomainFormat): DomainFormat {
  const widened = new WeakMap<DomainOutput, DomainOutput>();
  function widen(output: DomainOutput): DomainOutput {
    const known = widened.get(output);
    if (known !== undefined) return known;
    const wide: DomainOutput = {
      action: output.action,
      get number() {
        return output.number;
      },
      add(pattern, action, reason) {
        output.add(pattern, action, reason);
        if (!pattern.startsWith('.') && !pattern.includes(':')) output.add(`.${pattern}`, action, reason);
      },
      problem: (kind, reason, about, number) => output.problem(kind, reason, about, number),
    };
    widened.set(output, wide);
    return wide;
  }
  return {
    line: (text, output) => format.line(text, widen(output)),
    end: (output) => format.end?.(widen(output)),
  };
}
