import type { RecordData, RecordType } from '@postern/core';
import type { RecordSets, Zone } from '@postern/testing';

/** RFC 1035 §5.1: a quoted string, with `\DDD` for every octet that is not plain. */
function quoted(text: string): string {
  const plain = [...Buffer.from(text, 'latin1')].map((octet) =>
    octet >= 0x20 && octet < 0x7f && octet !== 0x22 && octet !== 0x5c
      ? String.fromCharCode(octet)
      : `\\${String(octet).padStart(3, '0')}`,
  );
  return `"${plain.join('')}"`;
}

/** A character-string has at most 255 octets (RFC 1035 §3.3). */
function characterStrings(text: string): string {
  const strings: string[] = [];
  for (let at = 0; at === 0 || at < text.length; at += 255) strings.push(quoted(text.slice(at, at + 255)));
  return strings.join(' ');
}

const writers: { readonly [T in RecordType]: (record: RecordData[T]) => string } = {
  A: (address) => address,
  AAAA: (address) => address,
  TXT: characterStrings,
  MX: ({ preference, exchange }) => `${preference} ${exchange}.`,
  PTR: (name) => `${name}.`,
  CNAME: (name) => `${name}.`,
  NS: (name) => `${name}.`,
  SOA: (soa) =>
    `${soa.primary}. ${soa.mailbox}. ${soa.serial} ${soa.refresh} ${soa.retry} ${soa.expire} ${soa.minimum}`,
  SRV: ({ priority, weight, port, target }) => `${priority} ${weight} ${port} ${target}.`,
  TLSA: ({ usage, selector, matchingType, data }) => `${usage} ${selector} ${matchingType} ${data}`,
  CAA: ({ critical, tag, value }) => `${critical ? 128 : 0} ${tag} ${quoted(value)}`,
};

function linesOf<T extends RecordType>(name: string, type: T, sets: RecordSets): readonly string[] {
  const set = sets[type];
  return set === undefined ? [] : set.records.map((record) => `${name}. ${set.ttl} ${type} ${writers[type](record)}`);
}

const types: readonly RecordType[] = ['SOA', 'NS', 'A', 'AAAA', 'TXT', 'MX', 'PTR', 'CNAME', 'SRV', 'TLSA', 'CAA'];

/** The zone in the text that BIND, NSD and unbound read (RFC 1035 §5), absolute names throughout, the SOA first. */
export function zoneFile(zone: Zone): string {
  const lines = [...zone].flatMap(([name, sets]) => types.flatMap((type) => linesOf(name, type, sets)));
  return `${lines.join('\n')}\n`;
}
