import { describe, expect, it } from 'vitest';
import { collectIp } from './collected-entries.ts';

const format = 'postfix-cidr';

describe('Postfix cidr tables', () => {
  it('takes the actions for what they do', async () => {
    const text = `# Rule order matters.
192.0.2.1 OK
192.0.2.2 dunno
192.0.2.3	REJECT You are not welcome
192.0.2.4 DISCARD
192.0.2.5 554 5.7.1 Go away
192.0.2.6 450 4.7.1 Later
192.0.2.7 1234567
192.0.2.8 DEFER
192.0.2.9 WARN strange
192.0.2.10 my_class, permit
[2001:db8::1] permit
[2001:db8::]/32 reject
[2001:db9::/32] reject
`;
    expect(await collectIp(text, { format })).toEqual({
      entries: [
        '192.0.2.1/32 allow OK',
        '192.0.2.2/32 allow dunno',
        '192.0.2.3/32 block REJECT You are not welcome',
        '192.0.2.4/32 block DISCARD',
        '192.0.2.5/32 block 554 5.7.1 Go away',
        '192.0.2.6/32 block 450 4.7.1 Later',
        '192.0.2.7/32 allow 1234567',
        '192.0.2.8/32 block DEFER',
        '192.0.2.9/32 allow WARN strange',
        '192.0.2.10/32 allow my_class, permit',
        '2001:db8::1/128 allow permit',
        '2001:db8::/32 block reject',
        '2001:db9::/32 block reject',
      ],
      problems: ['10 taken unknown-action', '11 taken unknown-action'],
    });
  });

  it('lets the first rule decide, not the longest prefix', async () => {
    const text = '10.0.0.0/8 REJECT\n10.1.0.0/16 OK\n11.1.0.0/16 OK\n11.0.0.0/8 REJECT\n11.1.0.0/16 REJECT\n';
    expect((await collectIp(text, { format })).entries).toEqual([
      '10.0.0.0/8 block REJECT',
      '11.1.0.0/16 allow OK',
      '11.0.0.0/8 block REJECT',
    ]);
  });

  it('joins the lines of a rule, and tells its first line', async () => {
    const text = '  lost\n192.0.2.1\n# between\n\n   REJECT\n  twice\n192.0.2.300 OK\n\tcontinued\n192.0.2.2';
    expect(await collectIp(text, { format })).toEqual({
      entries: ['192.0.2.1/32 block REJECT  twice'],
      problems: ['1 skipped malformed', '7 skipped not-an-address', '9 skipped malformed'],
    });
  });

  it('writes negated patterns out', async () => {
    expect((await collectIp('!128.0.0.0/2 REJECT\n', { format })).entries).toEqual([
      '0.0.0.0/1 block REJECT',
      '192.0.0.0/2 block REJECT',
    ]);
    expect((await collectIp('! !10.0.0.0/8 REJECT\n!0.0.0.0/0 REJECT', { format })).entries).toEqual([
      '10.0.0.0/8 block REJECT',
    ]);
  });

  it('limits rules to the block that they stand in', async () => {
    const text = `if 10.0.0.0/8
10.1.0.0/16 OK
11.0.0.0/8 REJECT
if !10.2.0.0/15
0.0.0.0/0 REJECT
ENDIF
endif
10.2.0.1 REJECT
endif
`;
    const { entries, problems } = await collectIp(text, { format });
    expect(entries.slice(0, 1)).toEqual(['10.1.0.0/16 allow OK']);
    expect(entries).toContain('10.128.0.0/9 block REJECT');
    expect(entries).not.toContain('11.0.0.0/8 block REJECT');
    expect(entries.at(-1)).toBe('10.2.0.1/32 block REJECT');
    expect(problems).toEqual(['9 skipped malformed']);
  });

  it('does not apply what stands in a block that it did not understand', async () => {
    const text = 'if 10.0.0.0/33\n0.0.0.0/0 REJECT\nif 10.0.0.0/8\n10.0.0.1 REJECT\nendif\nendif\n10.0.0.2 REJECT\n';
    expect(await collectIp(text, { format })).toEqual({
      entries: ['10.0.0.2/32 block REJECT'],
      problems: [
        '1 skipped bad-prefix-length',
        '2 skipped unsupported',
        '3 skipped unsupported',
        '4 skipped unsupported',
      ],
    });
  });

  it('bounds what nested negations cost', async () => {
    const nested = Array.from({ length: 40 }, (_, at) => `if !2001:db8:${at.toString(16)}::1/128`);
    const text = [...nested, ...nested.map(() => '!2001:db8::/64 REJECT'), ...nested.map(() => 'endif')].join('\n');
    const { entries, problems } = await collectIp(text, { format });
    expect(entries).toEqual([]);
    expect(problems.every((each) => each.endsWith('skipped unsupported'))).toBe(true);
  });

  it('bounds what negations cost in a whole table', async () => {
    const text = '!2001:db8::1 DUNNO\n'.repeat(800);
    const { entries, problems } = await collectIp(text, { format });
    expect(entries).toHaveLength(128);
    // 100,000 / 128 lines are written out.
    expect(problems[0]).toBe('782 skipped unsupported');
  });

  it('takes no IPv4 that is written as IPv6, which Postfix would never match', async () => {
    expect(await collectIp('::ffff:0.0.0.0/96 REJECT\n', { format })).toEqual({
      entries: [],
      problems: ['1 skipped unsupported'],
    });
  });
});
