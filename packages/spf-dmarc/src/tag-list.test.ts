import { describe, expect, it } from 'vitest';
import { parseTagList } from './tag-list.ts';

describe('parseTagList', () => {
  it.each([
    ['', []],
    ['v=DKIM1', [['v', 'DKIM1']]],
    [
      'v=1; a=rsa-sha256;',
      [
        ['v', '1'],
        ['a', 'rsa-sha256'],
      ],
    ],
    [
      ' v = 1 ;\r\n\tb = ab\r\n\tcd ; ',
      [
        ['v', '1'],
        ['b', 'ab\r\n\tcd'],
      ],
    ],
    ['p=', [['p', '']]],
    ['n=a=b', [['n', 'a=b']]],
    [
      'P=1; p=2',
      [
        ['P', '1'],
        ['p', '2'],
      ],
    ],
  ])('reads %j', (text, tags) => {
    const list = parseTagList(text);
    expect(list.ok && [...list.tags]).toEqual(tags);
  });

  it.each([
    [';', 'empty-tag'],
    ['a=1;;b=2', 'empty-tag'],
    ['a=1; b', 'no-value'],
    ['1=2', 'bad-name'],
    ['=2', 'bad-name'],
    ['a b=2', 'bad-name'],
    ['a=1; b=2; a=3', 'duplicate'],
    [Array.from({ length: 65 }, (_, index) => `t${index}=`).join(';'), 'too-many'],
  ])('refuses %j', (text, fault) => {
    expect(parseTagList(text)).toMatchObject({ ok: false, fault });
  });
});
