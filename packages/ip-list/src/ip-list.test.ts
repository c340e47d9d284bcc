import { type Cidr, formatCidr, formatIp, type IpAddress, networkOf, parseCidr, parseIp } from '@postern/core';
import { FakeClock } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { IpList } from './ip-list.ts';
import type { IpListInput } from './list-contents.ts';

function cidr(text: string): Cidr {
  const result = parseCidr(text);
  if (!result.ok) throw new Error(result.reason);
  return result.cidr;
}

function ipv4(word3: number): IpAddress {
  return { family: 4, word0: 0, word1: 0, word2: 0xffff, word3: word3 >>> 0 };
}

/** All prefixes around one address, from the widest on. */
function nested(text: string): Cidr[] {
  const ip = parseIp(text);
  if (ip === undefined) throw new Error(text);
  const most = ip.family === 4 ? 32 : 128;
  return Array.from({ length: most + 1 }, (_, prefixLength) => ({
    network: networkOf(ip, prefixLength),
    prefixLength,
  }));
}

const prefixes = (list: IpList): string[] => [...list].map(({ prefix }) => prefix);

describe('IpList', () => {
  it('answers with the entry of the longest prefix', () => {
    const list = IpList.from([['192.0.2.0/24', { reason: 'spam' }], '2001:db8::/32', ['0.0.0.0/0', { reason: 'all' }]]);
    expect(list.lookup('192.0.2.7')).toEqual({
      prefix: '192.0.2.0/24',
      action: 'block',
      reason: 'spam',
      source: '',
      expiresAt: undefined,
      evidence: undefined,
    });
    expect(list.lookup('198.51.100.1')?.prefix).toBe('0.0.0.0/0');
    expect(list.lookup('2001:db8::1')?.prefix).toBe('2001:db8::/32');
    expect(list.lookup('2001:db9::1')).toBeUndefined();
    expect(list.size).toBe(3);
  });

  it('lets a longer allow lift a wider block', () => {
    const list = IpList.from(['192.0.2.0/24', ['192.0.2.25', { action: 'allow', evidence: { by: 'hand' } }]]);
    expect(list.lookup('192.0.2.25')).toMatchObject({
      action: 'allow',
      prefix: '192.0.2.25/32',
      evidence: { by: 'hand' },
    });
    expect(list.actionOf('192.0.2.25')).toBe('allow');
    expect(list.actionOf('192.0.2.24')).toBe('block');
    expect(list.actionOf('192.0.3.1')).toBeUndefined();
  });

  it.each(['', 'nonsense', '192.0.2.1/32', '192.0.2.01', '[2001:db8::1]', '192.0.2.1\n', '1'.repeat(100_000)])(
    'knows nothing of what is no address: %.20s',
    (text) => {
      const list = IpList.from(['0.0.0.0/0', '::/0']);
      expect(list.lookup(text)).toBeUndefined();
      expect(list.actionOf(text)).toBeUndefined();
    },
  );

  it('keeps the families apart', () => {
    const list = IpList.from([['::/0', { reason: 'six' }]]);
    expect(list.lookup('192.0.2.1')).toBeUndefined();
    expect(list.lookup('::ffff:192.0.2.1')).toBeUndefined();
    expect(list.lookup('::1')?.reason).toBe('six');
    list.replace([['0.0.0.0/0', { reason: 'four' }]]);
    expect(list.lookup('::1')).toBeUndefined();
    expect(list.lookup('::ffff:192.0.2.1')?.reason).toBe('four');
    expect(list.lookup('255.255.255.255')?.reason).toBe('four');
  });

  it('takes IPv4-mapped prefixes as IPv4', () => {
    const list = IpList.from(['::ffff:192.0.2.0/120']);
    expect(list.lookup('192.0.2.200')?.prefix).toBe('192.0.2.0/24');
    expect(list.get('192.0.2.0/24')?.prefix).toBe('192.0.2.0/24');
  });

  it('finds the first and the last address', () => {
    const list = IpList.from([
      '0.0.0.0/32',
      '255.255.255.255',
      '::/128',
      'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff/128',
    ]);
    expect(list.lookup('0.0.0.0')?.prefix).toBe('0.0.0.0/32');
    expect(list.lookup('0.0.0.1')).toBeUndefined();
    expect(list.lookup('255.255.255.255')?.prefix).toBe('255.255.255.255/32');
    expect(list.lookup('::')?.prefix).toBe('::/128');
    expect(list.lookup('::1')).toBeUndefined();
    expect(list.lookup('ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff')?.prefix).toMatch(/\/128$/);
    expect(list.lookup('ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe')).toBeUndefined();
  });

  it('clears host bits, of a text and of an object', () => {
    const list = new IpList();
    list.add('192.0.2.7/24');
    list.add({ network: ipv4(0x0a010203), prefixLength: 8 });
    expect(prefixes(list)).toEqual(['10.0.0.0/8', '192.0.2.0/24']);
    expect(prefixes(IpList.from([[{ network: ipv4(0x0a010203), prefixLength: 8 }]]))).toEqual(['10.0.0.0/8']);
    expect(list.get('10.9.9.9/8')?.prefix).toBe('10.0.0.0/8');
    expect(list.delete('192.0.2.99/24')).toBe(true);
    expect(list.size).toBe(1);
  });

  it('replaces the entry of a prefix', () => {
    const list = IpList.from([
      ['192.0.2.0/24', { reason: 'first' }],
      ['192.0.2.0/24', { reason: 'second' }],
    ]);
    expect(list.size).toBe(1);
    expect(list.get('192.0.2.0/24')?.reason).toBe('second');
    list.add('192.0.2.0/24', { reason: 'third' });
    expect(list.size).toBe(1);
    expect(list.get('192.0.2.0/24')?.reason).toBe('third');
    expect(list.get('192.0.2.0/25')).toBeUndefined();
    expect(list.delete('192.0.2.0/25')).toBe(false);
    list.clear();
    expect(list.size).toBe(0);
    expect(list.lookup('192.0.2.1')).toBeUndefined();
  });

  it.each(['', '1.2.3', '10.0.0.1/33', '10.0.0.0/-1', '10.0.0.0/08', 'fe80::1%eth0', '2001:db8::/129', 'example.com'])(
    'refuses %j as a prefix',
    (text) => {
      const list = IpList.from(['192.0.2.1']);
      expect(() => list.add(text)).toThrow(RangeError);
      expect(() => list.delete(text)).toThrow(RangeError);
      expect(() => list.get(text)).toThrow(RangeError);
      expect(() => list.replace(['198.51.100.1', text])).toThrow(RangeError);
      expect(() => IpList.from([text])).toThrow(RangeError);
      expect(prefixes(list)).toEqual(['192.0.2.1/32']);
    },
  );

  it.each([-1, 33, 1.5, Number.NaN])('refuses a prefix length of %d', (prefixLength) => {
    expect(() => new IpList().add({ network: ipv4(1), prefixLength })).toThrow(RangeError);
    expect(() => IpList.from([[{ network: ipv4(1), prefixLength }]])).toThrow(RangeError);
  });

  it('refuses a bad entry and leaves the list as it was', () => {
    const list = IpList.from(['192.0.2.1']);
    const bad = JSON.parse('{ "action": "maybe" }');
    expect(() => list.add('192.0.2.1', bad)).toThrow(TypeError);
    expect(() => list.add('192.0.2.2', { expiresAt: Number.NaN })).toThrow(TypeError);
    expect(() => list.replace([['192.0.2.3', bad]])).toThrow(TypeError);
    expect(prefixes(list)).toEqual(['192.0.2.1/32']);
    expect(list.lookup('192.0.2.1')?.action).toBe('block');
  });

  it('refuses bad options by name', () => {
    expect(() => new IpList(JSON.parse('{ "clock": 1 }'))).toThrow(/"clock"/);
    expect(() => new IpList({ maxExpiringEntries: 0 })).toThrow(/"maxExpiringEntries"/);
    expect(() => new IpList(JSON.parse('{ "maxEntrys": 1 }'))).toThrow(/"maxEntrys"/);
  });
});

describe('IpList, entries that end', () => {
  it('uncovers the wider entry, and leaves size, get and iteration', () => {
    const clock = new FakeClock();
    const list = new IpList({ clock });
    list.add('10.0.0.0/8', { reason: 'wide' });
    list.add('10.1.0.0/16', { reason: 'short', expiresAt: clock.now() + 10 });
    list.add('10.1.1.0/24', { reason: 'shorter', expiresAt: clock.now() + 5 });
    expect(list.lookup('10.1.1.1')?.reason).toBe('shorter');
    clock.advance(4);
    expect(list.lookup('10.1.1.1')?.reason).toBe('shorter');
    clock.advance(1);
    expect(list.lookup('10.1.1.1')?.reason).toBe('short');
    expect(list.size).toBe(2);
    clock.advance(5);
    expect(list.lookup('10.1.1.1')?.reason).toBe('wide');
    expect(list.actionOf('10.1.1.1')).toBe('block');
    expect(list.get('10.1.0.0/16')).toBeUndefined();
    expect(list.delete('10.1.0.0/16')).toBe(false);
    expect(list.size).toBe(1);
    expect(prefixes(list)).toEqual(['10.0.0.0/8']);
  });

  it('keeps no more than the bound, and of the new one and 16 others the one that ends first goes', () => {
    const clock = new FakeClock();
    const list = new IpList({ clock, maxExpiringEntries: 3 });
    list.add('192.0.2.99', { reason: 'stays' });
    list.add('192.0.2.1', { expiresAt: clock.now() + 30 });
    list.add('192.0.2.2', { expiresAt: clock.now() + 10 });
    list.add('2001:db8::3', { expiresAt: clock.now() + 20 });
    list.add('192.0.2.4', { expiresAt: clock.now() + 1 });
    expect(prefixes(list)).toEqual(['192.0.2.1/32', '192.0.2.4/32', '192.0.2.99/32', '2001:db8::3/128']);
    list.add('192.0.2.5', { expiresAt: clock.now() + 40 });
    expect(prefixes(list)).toEqual(['192.0.2.1/32', '192.0.2.5/32', '192.0.2.99/32', '2001:db8::3/128']);
  });

  it('drops what has ended before what has not', () => {
    const clock = new FakeClock();
    const list = new IpList({ clock, maxExpiringEntries: 10 });
    for (let n = 0; n < 10; n++) list.add(ipv4Prefix(n), { expiresAt: clock.now() + (n === 7 ? 1 : 100) });
    clock.advance(1);
    list.add(ipv4Prefix(20), { expiresAt: clock.now() + 100 });
    expect(list.size).toBe(10);
    expect(list.get(ipv4Prefix(7))).toBeUndefined();
  });

  it('does not grow by bans that come and go', () => {
    const clock = new FakeClock();
    const bound = 500;
    const list = new IpList({ clock, maxExpiringEntries: bound });
    for (let n = 0; n < 3_000; n++) list.add(ipv4Prefix(n * 7), { reason: 'stays' });
    let largest = 0;
    let missed = 0;
    for (let n = 0; n < 20_000; n++) {
      list.add(ipv4Prefix(100_000 + n), { expiresAt: clock.now() + 200 + (n % 50) });
      clock.advance(1);
      largest = Math.max(largest, list.size);
      if (list.lookup(ipv4(100_000 + n)) === undefined) missed++;
    }
    // 3,000 entries without an end: the bound is exceeded by 3 at most.
    expect(largest).toBeLessThanOrEqual(3_000 + bound + 3);
    expect(missed).toBe(0);
    expect(list.get(ipv4Prefix(7))?.reason).toBe('stays');
    clock.advance(1_000);
    expect(list.size).toBe(3_000);
  });
});

function ipv4Prefix(word: number): Cidr {
  return { network: ipv4(word), prefixLength: 32 };
}

describe('IpList, made at once', () => {
  it('waits for entries that come in over time', async () => {
    async function* slow(): AsyncGenerator<IpListInput> {
      for (const text of ['192.0.2.1', '198.51.100.0/24']) {
        await Promise.resolve();
        yield text;
      }
    }
    expect(prefixes(await IpList.fromAsync(slow()))).toEqual(['192.0.2.1/32', '198.51.100.0/24']);
    expect(prefixes(await IpList.fromAsync(['192.0.2.1'], { signal: new AbortController().signal }))).toHaveLength(1);
    await expect(IpList.fromAsync(['nonsense'])).rejects.toThrow(RangeError);
  });

  it('stops waiting when the signal fires', async () => {
    async function* hanging(): AsyncGenerator<IpListInput> {
      yield '192.0.2.1';
      await new Promise(() => {});
    }
    const controller = new AbortController();
    const loading = IpList.fromAsync(hanging(), { signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(loading).rejects.toThrow('enough');
    await expect(IpList.fromAsync([], { signal: AbortSignal.abort(new Error('before')) })).rejects.toThrow('before');
  });

  it('refuses what is no signal', async () => {
    await expect(IpList.fromAsync([], JSON.parse('{ "signal": 7 }'))).rejects.toThrow('"signal"');
  });

  it('takes entries as another list gives them', () => {
    const entry = { action: 'allow', reason: 'ours', source: 'me', expiresAt: 9e15, evidence: { count: 1 } } as const;
    const other = IpList.from([['192.0.2.0/24', entry], '2001:db8::/32']);
    const added = new IpList();
    for (const each of other) added.add(each.prefix, each);
    for (const copy of [added, IpList.from(other), IpList.from([...other].toReversed())]) {
      expect([...copy]).toEqual([...other]);
    }
    const found = other.lookup('192.0.2.1');
    expect(found).toEqual({ prefix: '192.0.2.0/24', ...entry });
    expect(JSON.parse(JSON.stringify(found))).toEqual(found);
    expect({ ...found }).toEqual(found);
  });

  it('shows the old list until the new one is whole', () => {
    const list = IpList.from(['192.0.2.1']);
    function* entries(): Generator<IpListInput> {
      yield '198.51.100.1';
      expect(prefixes(list)).toEqual(['192.0.2.1/32']);
      yield '198.51.100.2';
    }
    list.replace(entries());
    expect(prefixes(list)).toEqual(['198.51.100.1/32', '198.51.100.2/32']);
  });

  it('takes a copy of another list', () => {
    const other = IpList.from([
      ['192.0.2.0/24', { reason: 'a' }],
      ['2001:db8::/32', { reason: 'b' }],
    ]);
    const list = new IpList();
    list.replace(other);
    other.delete('192.0.2.0/24');
    list.add('192.0.2.9', { reason: 'c' });
    expect(list.lookup('192.0.2.1')?.reason).toBe('a');
    expect(other.lookup('192.0.2.9')).toBeUndefined();
    list.replace(list);
    expect(prefixes(list)).toEqual(['192.0.2.0/24', '192.0.2.9/32', '2001:db8::/32']);
  });
});

describe('IpList, prefixes that an adversary chose', () => {
  it.each(['10.20.30.40', '2001:db8:1:2:3:4:5:6'])('finds the way out of all prefixes around %s', (text) => {
    const clock = new FakeClock();
    const all = nested(text);
    const entry = (n: number) => ({ reason: `${n}`, expiresAt: n % 2 === 1 ? clock.now() + 1 : undefined });
    const list = IpList.from(
      all.map((each, n): IpListInput => [each, entry(n)]),
      { clock },
    );
    const added = new IpList({ clock });
    for (const [n, each] of [...all.entries()].toReversed()) added.add(each, entry(n));
    for (const one of [list, added]) {
      expect(one.lookup(text)?.reason).toBe(`${all.length - 1}`);
      expect(prefixes(one)).toEqual(all.map(formatCidr));
    }
    clock.advance(1);
    for (const one of [list, added]) {
      expect(one.lookup(text)?.reason).toBe(`${all.length - 1}`);
      for (let n = all.length - 1; n > 0; n -= 2) expect(one.delete(all[n] ?? '')).toBe(true);
      expect(one.lookup(text)?.reason).toBe('0');
    }
  });

  it('holds many prefixes in one corner, added in order, in reverse and inside out, and takes them out again', () => {
    const corner = Array.from({ length: 5_000 }, (_, n) => n);
    for (const order of [
      corner,
      corner.toReversed(),
      corner.toSorted((one, other) => ((one * 7_919) % 5_003) - ((other * 7_919) % 5_003)),
    ]) {
      const list = new IpList();
      list.add('10.1.0.0/16', { reason: 'around' });
      for (const n of order) list.add(formatIp(ipv4(0x0a010000 + n * 2)));
      expect(list.size).toBe(5_001);
      expect(list.lookup('10.1.0.3')?.reason).toBe('around');
      expect(list.lookup('10.1.0.4')?.prefix).toBe('10.1.0.4/32');
      for (const n of order) expect(list.delete(formatIp(ipv4(0x0a010000 + n * 2)))).toBe(true);
      expect(prefixes(list)).toEqual(['10.1.0.0/16']);
      expect(list.lookup('10.1.0.4')?.reason).toBe('around');
    }
  });

  it('holds wide IPv6 prefixes, which meet every stretch of the filter', () => {
    const wide = Array.from({ length: 2_000 }, (_, n): Cidr => {
      const network: IpAddress = { family: 6, word0: (n << 20) >>> 0, word1: 0, word2: 0, word3: 0 };
      return { network, prefixLength: 12 };
    });
    const list = IpList.from(wide.map((each): IpListInput => [each]));
    expect(list.size).toBe(2_000);
    expect(list.lookup('7c0f:ffff::1')?.prefix).toBe('7c00::/12');
    expect(list.lookup('7ce0::')?.prefix).toBe('7ce0::/12');
    expect(list.lookup('ffff::')).toBeUndefined();
    expect(list.delete(cidr('7c00::/12'))).toBe(true);
    expect(list.lookup('7c0f:ffff::1')).toBeUndefined();
  });

  it('says the new thing after each change, also of an address that was just asked about', () => {
    const list = IpList.from([['192.0.2.0/24', { reason: 'network' }]]);
    const reason = (): string | undefined => {
      list.lookup('192.0.2.7');
      return list.lookup('192.0.2.7')?.reason;
    };
    expect(reason()).toBe('network');
    list.add('192.0.2.0/24', { reason: 'again' });
    expect(reason()).toBe('again');
    list.add('192.0.2.7', { reason: 'host' });
    expect(reason()).toBe('host');
    list.delete('192.0.2.7');
    expect(reason()).toBe('again');
    list.replace([['192.0.2.0/28', { reason: 'other' }]]);
    expect(reason()).toBe('other');
    list.clear();
    expect(reason()).toBeUndefined();
    list.add('192.0.0.0/16', { reason: 'wide' });
    expect(reason()).toBe('wide');
  });
});
