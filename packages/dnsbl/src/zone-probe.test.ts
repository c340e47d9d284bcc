import { describe, expect, it } from 'vitest';
import { compileZones } from './compiled-zone.ts';
import { compileProbes, type ProbeSubjects } from './zone-probe.ts';

const both: ProbeSubjects = { lists: 'addresses', ipv4: true, ipv6: true };
const ipv6Only: ProbeSubjects = { lists: 'addresses', ipv4: false, ipv6: true };
const domains: ProbeSubjects = { lists: 'domains' };

/** The 32 nibbles of `::ffff:7f00:0`, but for the first. */
const MAPPED = `0.0.0.0.0.f.7.f.f.f.f${'.0'.repeat(20)}`;

describe('compileProbes', () => {
  it('has the test points of RFC 5782 §5 for a list of IPv4 addresses', () => {
    expect(compileProbes('zone', undefined, { lists: 'addresses', ipv4: true, ipv6: false })).toEqual([
      { subject: '127.0.0.2', labels: '2.0.0.127', mustBe: 'listed' },
      { subject: '127.0.0.1', labels: '1.0.0.127', mustBe: 'not-listed' },
    ]);
  });

  it('has those of IPv6 for a list of IPv6 addresses', () => {
    expect(compileProbes('zone', undefined, ipv6Only)).toEqual([
      { subject: '::ffff:7f00:2', labels: `2.${MAPPED}`, mustBe: 'listed' },
      { subject: '::ffff:7f00:1', labels: `1.${MAPPED}`, mustBe: 'not-listed' },
    ]);
  });

  it('tries a list that knows both families with IPv4, and one that knows neither not at all', () => {
    expect(compileProbes('zone', undefined, both).map(({ subject }) => subject)).toEqual(['127.0.0.2', '127.0.0.1']);
    expect(compileProbes('zone', undefined, { lists: 'addresses', ipv4: false, ipv6: false })).toEqual([]);
  });

  it('has those of names for a list of domains', () => {
    expect(compileProbes('zone', undefined, domains)).toEqual([
      { subject: 'test', labels: 'test', mustBe: 'listed' },
      { subject: 'invalid', labels: 'invalid', mustBe: 'not-listed' },
    ]);
  });

  it('takes those of the operator in their place, each list of them for itself', () => {
    const testPoints = { mustList: ['DBLtest.com', 'bücher.example'], source: 'https://dbl.example/test' };
    expect(compileProbes('zone', testPoints, domains)).toEqual([
      { subject: 'DBLtest.com', labels: 'dbltest.com', mustBe: 'listed' },
      { subject: 'bücher.example', labels: 'xn--bcher-kva.example', mustBe: 'listed' },
      { subject: 'invalid', labels: 'invalid', mustBe: 'not-listed' },
    ]);
    expect(compileProbes('zone', { mustList: [], mustNotList: [] }, both)).toEqual([]);
    expect(compileProbes('zone', { mustList: ['::ffff:127.0.0.2'], mustNotList: [] }, both)).toEqual([
      { subject: '::ffff:127.0.0.2', labels: `2.${MAPPED}`, mustBe: 'listed' },
    ]);
  });

  it.each<[unknown, ProbeSubjects, ErrorConstructor, string]>([
    [7, both, TypeError, 'zone: options must be an object'],
    [{ mustlist: [] }, both, TypeError, 'unknown option "mustlist"'],
    [{ mustList: '127.0.0.2' }, both, TypeError, 'option "mustList" must be a list of at most 8 addresses'],
    [{ mustList: [2] }, both, TypeError, '"mustList"'],
    [{ mustList: Array.from({ length: 9 }, () => '127.0.0.2') }, both, TypeError, '"mustList"'],
    [{ mustList: ['example.com'] }, both, RangeError, '"mustList"'],
    [{ mustNotList: ['127.0.0.1'] }, ipv6Only, RangeError, '"mustNotList"'],
    [{ mustNotList: ['::1'] }, { lists: 'addresses', ipv4: true, ipv6: false }, RangeError, '"mustNotList"'],
    [{ mustList: ['no name'] }, domains, RangeError, 'option "mustList" must be a list of at most 8 domains'],
    [{ mustList: [`${'a'.repeat(60)}.example`] }, domains, RangeError, '"mustList"'],
    [{ source: 7 }, both, TypeError, '"source"'],
  ])('refuses %j for %j', (testPoints, about, error, message) => {
    const compile = (): unknown => compileProbes('zone', testPoints, about);
    expect(compile).toThrow(error);
    expect(compile).toThrow(message);
  });

  it('is told by compileZones what the zone knows, and whose zone it is', () => {
    const [zone] = compileZones('dnsbl', [{ name: 'bl.example', ipv6: false }]);
    expect(zone?.probes.map(({ subject }) => subject)).toEqual(['127.0.0.2', '127.0.0.1']);
    expect(() => compileZones('dnsbl', [{ name: 'bl.example', testPoints: { mustList: ['x'] } }])).toThrow(
      'dnsbl: zones[0].testPoints: option "mustList"',
    );
  });
});
