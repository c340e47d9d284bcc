import { ZoneResolver } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { formatSpfTree } from './format-spf-tree.ts';
import { lintSpf } from './lint-spf.ts';

type Zone = ConstructorParameters<typeof ZoneResolver>[0];

async function format(zone: Zone): Promise<string> {
  return formatSpfTree(await lintSpf('example.com', { resolver: new ZoneResolver(zone) }));
}

describe('formatSpfTree', () => {
  it('draws where the lookups go', async () => {
    const text = await format({
      'example.com': {
        TXT: 'v=spf1 mx a:old.example.com include:_spf.provider.example include:list.example ip4:203.0.114.1 exists:%{i}.example.com ~all ptr',
        MX: '10 mail.example.com',
      },
      'mail.example.com': { A: '203.0.114.2' },
      '_spf.provider.example': { TXT: 'v=spf1 include:net.provider.example a:out.provider.example -all' },
      'net.provider.example': {
        TXT: 'v=spf1 ip4:203.0.115.0/24 ip4:203.0.116.0/24 ip4:203.0.117.0/24 ip6:2a00::/32 ip6:2a01::/32 redirect=example.com',
      },
      'out.provider.example': {
        A: ['203.0.118.1', '203.0.118.2', '203.0.118.3', '203.0.118.4', '203.0.118.5'],
      },
      'list.example': 'timeout',
    });
    expect(text.split('\n')).toEqual([
      'example.com: 8 of 10 lookups; void lookups: 1 of 2 for IPv4, 2 of 2 for IPv6',
      '  1  ├─ mx  (203.0.114.2/32)',
      '  1  ├─ a:old.example.com  (void)',
      '  4  ├─ include:_spf.provider.example',
      '  2  │  ├─ include:net.provider.example',
      '     │  │  ├─ ip4:203.0.115.0/24 ip4:203.0.116.0/24 and 3 more',
      '  1  │  │  └─ redirect=example.com  (a loop)',
      '  1  │  ├─ a:out.provider.example  (203.0.118.1/32 and 4 more; void for IPv6)',
      '     │  └─ -all',
      '  1  ├─ include:list.example  (the lookup failed: timeout)',
      '     ├─ ip4:203.0.114.1',
      '  1  ├─ exists:%{i}.example.com  (depends on the message)',
      '     ├─ ~all',
      '     └─ ptr  (ignored)',
    ]);
  });

  it('names as much as 80 columns have room for, and never nothing', async () => {
    const record = (level: number): string =>
      `v=spf1 ip6:2a00:1450:4000::/36 ip6:2a00:1451:4000::/36 include:l${level}.example`;
    const levels = Array.from({ length: 12 }, (_, level) => [`l${level}.example`, { TXT: record(level + 1) }]);
    const lines = (
      await format({
        'example.com': { TXT: record(0) },
        'l12.example': { TXT: 'v=spf1' },
        ...Object.fromEntries(levels),
      })
    ).split('\n');
    expect(lines[1]).toBe('     ├─ ip6:2a00:1450:4000::/36 ip6:2a00:1451:4000::/36');
    expect(lines.filter((line) => line.includes('ip6:2a00:1450:4000::/36 and 1 more'))).toHaveLength(4);
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });

  it('says why there is nothing to draw', async () => {
    expect(await format({})).toContain('; no record');
    expect(await format({ 'example.com': { TXT: 'v=spf1 nonsense' } })).toContain('; syntax error');
  });

  it('ends after 500 lines', async () => {
    const lines = (await format({ 'example.com': { TXT: `v=spf1 ${'ptr '.repeat(2_000)}` } })).split('\n');
    expect(lines).toHaveLength(501);
    expect(lines.at(-1)).toBe('     and more');
  });
});
