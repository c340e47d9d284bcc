import { describe, expect, it } from 'vitest';
import { IpList } from './ip-list.ts';

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
    expect(list.lookup('nonsense')).toBeUndefined();
    expect(list.size).toBe(3);
  });
});
