import { describe, expect, it } from 'vitest';
import { collectIp } from './collected-entries.ts';

describe('the format of the DROP lists', () => {
  it('reads the text', async () => {
    const text = '; a list\r\n; Expires: never\r\n192.0.2.0/24 ; SBL1\r\n198.51.100.0/22 ; SBL22\r\n';
    expect(await collectIp(text, { format: 'drop' })).toEqual({
      entries: ['192.0.2.0/24 block SBL1', '198.51.100.0/22 block SBL22'],
      problems: [],
    });
  });

  it('reads the JSON lines', async () => {
    const text = `{"cidr":"192.0.2.0/24","sblid":"SBL1","rir":"apnic"}
{"cidr":"2001:db8::/32","sblid":"SBL2","rir":"arin"}
{"type":"metadata","timestamp":1790000000,"size":100,"records":2,"copyright":"c","terms":"t"}
`;
    expect(await collectIp(text, { format: 'drop' })).toEqual({
      entries: ['192.0.2.0/24 block SBL1', '2001:db8::/32 block SBL2'],
      problems: [],
    });
  });

  it('reports a download that lost lines, and lines that are none', async () => {
    const text = `{"cidr":"192.0.2.0/24","sblid":7}
{"cidr":"192.0.2","sblid":"SBL1"}
{"asn":64496,"rir":"arin"}
{"cidr":"192.0.2.0/
{
{"type":"metadata","records":3}
`;
    expect(await collectIp(text, { format: 'drop' })).toEqual({
      entries: ['192.0.2.0/24 block'],
      problems: [
        '2 skipped not-an-address',
        '3 skipped malformed',
        '4 skipped malformed',
        '5 skipped malformed',
        '6 taken incomplete',
      ],
    });
  });

  it('is not impressed by deep nesting', async () => {
    const text = `{"a":${'['.repeat(16_000)}`;
    expect((await collectIp(text, { format: 'drop' })).problems).toEqual(['1 skipped malformed']);
  });
});
