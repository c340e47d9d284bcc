import { readFileSync } from 'node:fs';
import { type IpAddress, parseIp } from '@postern/core';
import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeName } from './generic-name.ts';

function ip(text: string): IpAddress {
  const parsed = parseIp(text);
  if (parsed === undefined) throw new RangeError(`${text} is no address`);
  return parsed;
}

interface LabelledName {
  readonly label: string;
  readonly set: string;
  readonly address: string;
  readonly name: string;
}

const labelled: readonly LabelledName[] = readFileSync(new URL('labelled-names.txt', import.meta.url), 'utf8')
  .split('\n')
  .filter((line) => line !== '' && !line.startsWith('#'))
  .map((line) => {
    const [label = '', set = '', address = '', name = ''] = line.split(' ');
    return { label, set, address, name };
  });

describe('the labelled names', () => {
  it('are at least 300, of both kinds, nearly a third of them held out', () => {
    expect(labelled.length).toBeGreaterThanOrEqual(300);
    expect(new Set(labelled.map(({ name, address }) => `${name} ${address}`)).size).toBe(labelled.length);
    for (const kind of ['generic', 'named']) {
      const all = labelled.filter(({ label }) => label === kind);
      const heldOut = all.filter(({ set }) => set === 'held-out').length / all.length;
      expect(all.length).toBeGreaterThan(130);
      expect(heldOut).toBeGreaterThan(0.25);
      expect(heldOut).toBeLessThan(0.35);
    }
  });

  // What README.md states. Better is welcome; worse is a finding.
  it.each([
    ['tuning', 1, 0.96],
    ['held-out', 1, 0.97],
  ])('of the set %s are told apart', (set, leastPrecision, leastRecall) => {
    const judged = labelled
      .filter((each) => each.set === set)
      .map(({ label, address, name }) => ({ label, name, generic: judgeName(name, ip(address)).generic }));
    const truly = judged.filter(({ label, generic }) => generic && label === 'generic').length;
    const falsely = judged.filter(({ label, generic }) => generic && label !== 'generic').map(({ name }) => name);
    const missed = judged.filter(({ label, generic }) => !generic && label === 'generic').map(({ name }) => name);
    expect(truly / (truly + falsely.length), falsely.join(' ')).toBeGreaterThanOrEqual(leastPrecision);
    expect(truly / (truly + missed.length), missed.join(' ')).toBeGreaterThanOrEqual(leastRecall);
  });
});

describe('judgeName', () => {
  it.each([
    ['host-198-51-100-7.isp.example', 'decimal', 4],
    ['7.100.51.198.rev.isp.example', 'decimal', 4],
    ['h198051100007.isp.example', 'decimal', 4],
    ['7.red-198-51-100.isp.example', 'decimal', 4],
    ['c6336407.isp.example', 'hexadecimal', 4],
    ['076433c6.isp.example', 'hexadecimal', 4],
    ['xx336407.isp.example', 'hexadecimal', 3],
    ['d336407.isp.example', 'hexadecimal', 3],
    ['3325256711.isp.example', 'number', 4],
    ['modem007.51-100.isp.example', 'decimal', 3],
    ['a100-7.isp.example', 'decimal', 2],
  ])('finds 198.51.100.7 in %s', (name, form, octets) => {
    const { evidence } = judgeName(name, ip('198.51.100.7'));
    expect(evidence).toContainEqual(expect.objectContaining({ kind: 'address', found: `${octets} octets, ${form}` }));
  });

  it.each([
    ['host-2001-db8-1-2-3-4-5-6.isp.example', 16],
    ['20010db8000100020003000400050006.isp.example', 16],
    ['6.0.0.0.5.0.0.0.4.0.0.0.3.0.0.0.2.0.0.0.1.0.0.0.8.b.d.0.1.0.0.2.isp.example', 16],
    ['0003-0004-0005-0006.isp.example', 8],
    ['p3-4-5.isp.example', 6],
  ])('finds 2001:db8:1:2:3:4:5:6 in %s', (name, octets) => {
    const { evidence } = judgeName(name, ip('2001:db8:1:2:3:4:5:6'));
    const found = `${octets} octets, hexadecimal`;
    expect(evidence.filter(({ kind }) => kind === 'address')).toEqual([{ kind: 'address', found, points: 3 }]);
  });

  it('does not take a host number for an address', () => {
    expect(judgeName('mail-2-1.example.com', ip('2001:db8::1')).evidence).not.toContainEqual(
      expect.objectContaining({ kind: 'address' }),
    );
    expect(judgeName('mail7.example.com', ip('198.51.100.7')).evidence).toEqual([
      { kind: 'word', found: 'mail', points: -2 },
    ]);
  });

  it.each(['node-0-0-1.example.com', 'v0-0-1.release.example.com', 'host-0-db8-0.example.com'])(
    'does not take the numbers of %s for those of 2001:db8::1',
    (name) => {
      expect(judgeName(name, ip('2001:db8::1')).generic).toBe(false);
    },
  );

  it('does not judge by what the provider is called', () => {
    const address = ip('198.51.100.7');
    for (const name of ['mx.dsl.example', 'a.cable.co.uk', 'dsl.example', 'example', 'pool.dynamic-dhcp.net']) {
      expect(
        judgeName(name, address).evidence.filter(({ points }) => points > 0),
        name,
      ).toHaveLength(name === 'pool.dynamic-dhcp.net' ? 1 : 0);
    }
  });

  it('takes “static” for the opposite', () => {
    const address = ip('198.51.100.7');
    expect(judgeName('dyn-198-51-100-7.isp.example', address)).toMatchObject({ generic: true, score: 5 });
    expect(judgeName('static-198-51-100-7.isp.example', address)).toMatchObject({ generic: false, score: 0 });
  });

  it('adds the evidence up within its bounds, for any name and any address', () => {
    const words = fc.constantFrom('dyn', 'pool', 'dsl', 'static', 'mail', 'mx', 'b2b', 'x', '7', '100', 'c6336407');
    const name = fc.array(fc.oneof(words, fc.stringMatching(/^[a-z0-9_-]{1,20}$/)), { minLength: 1, maxLength: 12 });
    const address = fc.oneof(fc.constant('198.51.100.7'), fc.ipV4(), fc.ipV6());
    fc.assert(
      fc.property(name, address, (labels, text) => {
        const judged = judgeName(labels.join('.'), ip(text));
        expect(judged.score).toBeGreaterThanOrEqual(-4);
        expect(judged.score).toBeLessThanOrEqual(7);
        expect(judged.generic).toBe(judged.score >= 3);
        const sum = judged.evidence.reduce((total, { points }) => total + points, 0);
        if (Math.abs(sum) <= 4 && judged.evidence.every(({ kind }) => kind === 'word')) expect(judged.score).toBe(sum);
      }),
    );
  });
});
