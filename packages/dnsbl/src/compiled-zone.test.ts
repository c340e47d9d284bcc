import { describe, expect, it } from 'vitest';
import { compileZones } from './compiled-zone.ts';

/** As a program without types, or a configuration file, would pass it. */
function compile(zone: object): () => unknown {
  const zones: readonly never[] = JSON.parse(JSON.stringify([zone]));
  return () => compileZones('dnsbl', zones);
}

describe('compileZones', () => {
  it('takes a name for a zone of RFC 5782', () => {
    expect(compileZones('dnsbl', ['BL.Example.'])).toMatchObject([
      {
        name: 'bl.example',
        kind: 'block',
        suffix: '.bl.example',
        ipv4: true,
        ipv6: true,
        txt: 'listed',
        answers: [{ low: 0x7f000002, high: 0x7f0000fe, reason: 'listed', weight: 1 }],
      },
    ]);
  });

  it('puts the key between address and name', () => {
    expect(compileZones('dnsbl', [{ name: 'dq.example', key: 'SECRET' }])).toMatchObject([
      { name: 'dq.example', suffix: '.secret.dq.example' },
    ]);
  });

  it.each<[object, ErrorConstructor, string]>([
    [{}, TypeError, 'dnsbl: zones[0]: option "name" must be a domain name'],
    [{ name: 'no name' }, RangeError, 'dnsbl: zones[0]: option "name"'],
    [{ name: 'bl.example', kind: 'grey' }, TypeError, '"kind" must be one of "block", "allow"'],
    [{ name: 'bl.example', weight: -1 }, RangeError, '"weight"'],
    [{ name: 'bl.example', wieght: 1 }, TypeError, 'unknown option "wieght"'],
    [{ name: 'bl.example', ipv6: 'yes' }, TypeError, '"ipv6"'],
    [{ name: 'bl.example', lookup: 'javascript:x' }, TypeError, '"lookup"'],
    [{ name: 'bl.example', lookup: 'https://bl.example/\r\n250 OK' }, TypeError, '"lookup"'],
    [{ name: 'bl.example', source: 7 }, TypeError, '"source"'],
    [{ name: 'bl.example', answers: [] }, TypeError, '"answers"'],
    [{ name: 'bl.example', answers: ['127.0.0.2'] }, TypeError, 'zones[0].answers[0]'],
    [{ name: 'bl.example', answers: [{ reason: 'x' }] }, TypeError, 'zones[0].answers[0]: option "from"'],
    [{ name: 'bl.example', answers: [{ code: '127.0.0.2' }] }, TypeError, '"reason"'],
    [{ name: 'bl.example', answers: [{ code: '127.0.0.2', reason: 'two words' }] }, TypeError, '"reason"'],
    [{ name: 'bl.example', answers: [{ code: '10.0.0.2', reason: 'x' }] }, RangeError, '"code"'],
    [{ name: 'bl.example', answers: [{ code: '2', reason: 'x' }] }, RangeError, '"code"'],
    [{ name: 'bl.example', answers: [{ code: '127.0.0.2', mask: '0.0.0.2', reason: 'x' }] }, RangeError, '"mask"'],
    [{ name: 'bl.example', answers: [{ code: '127.0.0.3', mask: '255.0.0.2', reason: 'x' }] }, RangeError, '"mask"'],
    [{ name: 'bl.example', answers: [{ from: '127.0.0.9', to: '127.0.0.2', reason: 'x' }] }, RangeError, '"to"'],
    [
      { name: 'bl.example', answers: [{ code: '127.0.0.2', from: '127.0.0.2', reason: 'x' }] },
      TypeError,
      'unknown option "from"',
    ],
    [{ name: `${'a'.repeat(60)}.`.repeat(4).slice(0, -1) }, RangeError, 'too long'],
  ])('refuses %j', (zone, error, message) => {
    expect(compile(zone)).toThrow(error);
    expect(compile(zone)).toThrow(message);
  });

  it.each([{ key: 'my secret' }, { key: '' }, { key: 'a.b.c.d.secret' }, { key: ['secret'] }, { key: 'secret.' }])(
    'refuses a bad key without quoting it: %j',
    ({ key }) => {
      const refused = compile({ name: 'bl.example', key });
      expect(refused).toThrow('zones[0]: option "key" must be');
      expect(refused).not.toThrow(/secret/);
    },
  );

  it('refuses the same zone twice', () => {
    expect(() => compileZones('dnsbl', ['bl.example', { name: 'BL.example' }])).toThrow('"bl.example" twice');
  });
});
