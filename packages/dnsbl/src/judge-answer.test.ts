import { type DnsAnswer, type DnsFailureReason, parseIp } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compileZones } from './compiled-zone.ts';
import type { DnsblZone } from './dnsbl-zone.ts';
import { judgeAnswer } from './judge-answer.ts';
import type { ZoneResult } from './zone-result.ts';

const generic = 'bl.example';
const bits: DnsblZone = {
  name: 'bits.example',
  answers: [
    { code: '127.0.0.2', mask: '255.255.255.2', reason: 'two' },
    { code: '127.0.0.4', mask: '255.255.255.4', reason: 'four', weight: 3 },
  ],
};
const ranges: DnsblZone = {
  name: 'ranges.example',
  weight: 0.5,
  lookup: 'https://ranges.example/{ip}/why',
  answers: [
    { from: '127.0.0.4', to: '127.0.0.7', reason: 'some' },
    { code: '127.0.1.2', reason: 'other' },
  ],
};

function judge(zone: string | DnsblZone, answer: DnsAnswer<'A'>): ZoneResult {
  const [compiled] = compileZones('test', [zone]);
  const client = parseIp('198.51.100.7');
  if (compiled === undefined || client === undefined) throw new TypeError('no zone or no address');
  return judgeAnswer(compiled, answer, client);
}

function records(...addresses: readonly string[]): DnsAnswer<'A'> {
  return { kind: 'records', records: addresses, ttl: 60, authentic: false };
}

describe('judgeAnswer', () => {
  it.each<[string | DnsblZone, string[], string[], number]>([
    [generic, ['127.0.0.2'], ['listed'], 1],
    [generic, ['127.0.0.254'], ['listed'], 1],
    [generic, ['127.0.0.2', '127.0.0.3'], ['listed'], 1],
    [bits, ['127.0.0.2'], ['two'], 1],
    [bits, ['127.0.0.6'], ['two', 'four'], 3],
    [bits, ['127.0.0.15'], ['two', 'four'], 3],
    [ranges, ['127.0.0.4'], ['some'], 0.5],
    [ranges, ['127.0.0.7', '127.0.1.2'], ['some', 'other'], 0.5],
    // An undocumented code beside a documented one changes nothing.
    [ranges, ['127.0.0.99', '127.0.1.2'], ['other'], 0.5],
  ])('%j answering %j is listed for %j', (zone, addresses, reasons, score) => {
    expect(judge(zone, records(...addresses))).toMatchObject({ status: 'listed', codes: addresses, reasons, score });
  });

  it.each<[string | DnsblZone, string[], string]>([
    [generic, ['127.0.0.1'], 'reserved-code'],
    [generic, ['127.0.0.0'], 'undocumented-code'],
    [generic, ['127.0.0.255'], 'undocumented-code'],
    [generic, ['127.0.1.2'], 'undocumented-code'],
    [generic, ['127.255.255.252'], 'zone-name'],
    [generic, ['127.255.255.254'], 'open-resolver'],
    [generic, ['127.255.255.255'], 'over-quota'],
    [generic, ['127.255.255.0'], 'error-code'],
    [generic, ['192.0.2.1'], 'rewritten'],
    [generic, ['0.0.0.0'], 'rewritten'],
    [generic, ['nonsense'], 'malformed'],
    [generic, ['::1'], 'malformed'],
    [generic, [], 'undocumented-code'],
    [bits, ['127.0.0.8'], 'undocumented-code'],
    [bits, ['127.0.1.2'], 'undocumented-code'],
    [bits, ['127.255.255.254'], 'open-resolver'],
    [ranges, ['127.0.0.3'], 'undocumented-code'],
    [ranges, ['127.0.0.8'], 'undocumented-code'],
    // One made-up answer spoils the documented one beside it.
    [generic, ['127.0.0.2', '198.51.100.1'], 'rewritten'],
    [generic, ['127.0.0.2', '127.255.255.254'], 'open-resolver'],
  ])('%j answering %j is unknown: %s', (zone, addresses, reason) => {
    expect(judge(zone, records(...addresses))).toMatchObject({
      status: 'unknown',
      codes: addresses,
      reasons: [reason],
      score: 0,
      link: undefined,
    });
  });

  it('a zone that documents a reserved code is not believed', () => {
    const zone: DnsblZone = {
      name: 'odd.example',
      answers: [{ from: '127.0.0.0', to: '127.255.255.255', reason: 'x' }],
    };
    expect(judge(zone, records('127.0.0.1')).status).toBe('unknown');
    expect(judge(zone, records('127.255.255.1')).status).toBe('unknown');
    expect(judge(zone, records('127.3.2.1')).status).toBe('listed');
  });

  it.each(['nxdomain', 'nodata'] as const)('%s is clean', (kind) => {
    expect(judge(generic, { kind, ttl: 60, authentic: false })).toEqual({
      zone: 'bl.example',
      kind: 'block',
      status: 'clean',
      codes: [],
      reasons: [],
      score: 0,
      text: undefined,
      link: undefined,
    });
  });

  it.each<DnsFailureReason>(['timeout', 'servfail', 'refused', 'network', 'malformed', 'aborted'])(
    'the failure %s is unknown, without the sentence that may quote the key',
    (reason) => {
      const result = judge({ name: 'bl.example', key: 'secret' }, { kind: 'failure', reason, detail: 'secret leaked' });
      expect(result).toMatchObject({ status: 'unknown', codes: [], reasons: [reason] });
      expect(JSON.stringify(result)).not.toContain('secret');
    },
  );

  it('puts the address into the link', () => {
    expect(judge(ranges, records('127.0.0.4')).link).toBe('https://ranges.example/198.51.100.7/why');
  });

  it('keeps 16 answers of a list that gives thousands', () => {
    const result = judge(generic, records(...Array.from({ length: 4_000 }, () => '127.0.0.2')));
    expect(result.status).toBe('listed');
    expect(result.codes).toHaveLength(16);
  });

  it('lists for no answers but the documented ones', () => {
    const octet = fc.oneof(fc.nat(255), fc.constantFrom(0, 1, 2, 127, 254, 255));
    fc.assert(
      fc.property(fc.constantFrom(127, 127, 10), octet, octet, octet, (...octets) => {
        const [first, second, third, last] = octets;
        const documented = first === 127 && second === 0 && third === 0 && last >= 2 && last <= 254;
        expect(judge(generic, records(octets.join('.'))).status).toBe(documented ? 'listed' : 'unknown');
      }),
    );
  });
});
