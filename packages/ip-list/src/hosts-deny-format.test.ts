import { describe, expect, it } from 'vitest';
import { collectIp } from './collected-entries.ts';

const format = 'hosts-deny';

describe('lines of hosts.deny', () => {
  it('reads the forms that clients have', async () => {
    const text = `# comment
ALL: 192.0.2.1
sshd: 10.0.
sshd, smtpd : 198.51.100.0/255.255.255.0, 203.0.113.0/28 \\
  203.0.113.64/255.255.255.192
ALL: [2001:db8::]/32 [2001:db9::/48] [2001:db7::1] : spawn (echo a\\:b) : deny
ALL: 192.0.2.9 : ALLOW
`;
    expect(await collectIp(text, { format })).toEqual({
      entries: [
        '192.0.2.1/32 block ALL',
        '10.0.0.0/16 block sshd',
        '198.51.100.0/24 block sshd, smtpd',
        '203.0.113.0/28 block sshd, smtpd',
        '203.0.113.64/26 block sshd, smtpd',
        '2001:db8::/32 block ALL',
        '2001:db9::/48 block ALL',
        '2001:db7::1/128 block ALL',
        '192.0.2.9/32 allow ALL',
      ],
      problems: [],
    });
  });

  it('reports what a list of addresses cannot say', async () => {
    const text = `ALL: ALL
ALL: .example.com, @group LOCAL
ALL: 10.0.0.0/8 EXCEPT 10.0.0.1
ALL EXCEPT sshd: 10.0.0.1
sshd@192.0.2.1: 10.0.0.1
ALL: 10.0.0.1/255.0.255.0 10.0.0 1.2.3.4. 1..2. 10.0.0.256
ALL: 192.0.2.1/255.255.255.0
nothing
: 10.0.0.1
ALL:
ALL: 192.0.2.? 192.0.2.*
`;
    expect(await collectIp(text, { format })).toEqual({
      entries: ['192.0.2.0/24 block ALL'],
      problems: [
        '1 skipped unsupported',
        '2 skipped unsupported',
        '2 skipped unsupported',
        '2 skipped unsupported',
        '3 skipped unsupported',
        '4 skipped unsupported',
        '5 skipped unsupported',
        '6 skipped bad-prefix-length',
        '6 skipped not-an-address',
        '6 skipped not-an-address',
        '6 skipped not-an-address',
        '6 skipped not-an-address',
        '7 taken host-bits',
        '8 skipped malformed',
        '9 skipped malformed',
        '10 skipped malformed',
        '11 skipped not-an-address',
        '11 skipped not-an-address',
      ],
    });
  });

  it('lets a line go on in the next one, and in no other', async () => {
    // Two backslashes: the second one is no end of the line once it was taken away.
    const text = 'ALL: 192.0.2.1 \\\\\n\nALL: 192.0.2.2\nALL: \\\n\\\n192.0.2.3\nALL: 192.0.2.4 \\\n';
    expect(await collectIp(text, { format })).toEqual({
      entries: ['192.0.2.1/32 block ALL', '192.0.2.2/32 block ALL', '192.0.2.3/32 block ALL'],
      problems: ['2 skipped unsupported', '7 skipped malformed'],
    });
  });

  it('lets the first line decide', async () => {
    const text = 'ALL: 10.\nALL: 10.0.0.1: ALLOW\nALL: 11.0.0.1: ALLOW\nALL: 11.\n';
    expect((await collectIp(text, { format })).entries).toEqual([
      '10.0.0.0/8 block ALL',
      '11.0.0.1/32 allow ALL',
      '11.0.0.0/8 block ALL',
    ]);
  });
});
