import { type HeaderFields, HeaderParser } from '@postern/core';
import { describe, expect, it } from 'vitest';
import { firstExternalHop } from './first-external-hop.ts';

function header(...received: readonly string[]): HeaderFields {
  const parser = new HeaderParser();
  const text = received.map((value) => `Received: ${value}\r\n`).join('');
  const state = parser.write(Buffer.from(`${text}Subject: x\r\n\r\n`));
  if (state.kind !== 'complete') throw new TypeError('the header cannot be read');
  return state.header;
}

const trusted = ['198.51.100.0/24', '2a00:1::/32', '9.9.9.9'];

describe('firstExternalHop', () => {
  it('passes over its own hosts, private ones and steps without an address', () => {
    const fields = header(
      'by filter.example (filter)',
      'from relay (relay [10.1.2.3]) by filter.example',
      'from second (second [IPv6:2a00:1::5]) by relay.example',
      'from h (r [9.9.8.7]) by second.example',
      'from h (r [8.8.4.4]) by invented.example',
    );
    expect(firstExternalHop(fields, { trusted })).toMatchObject({ found: true, address: '9.9.8.7', position: 3 });
  });

  it('finds none in a message from the inside', () => {
    expect(firstExternalHop(header('from pc (pc [192.168.1.7]) by relay'), { trusted })).toEqual({
      found: false,
      reason: 'no-received',
    });
    expect(firstExternalHop(header(), { trusted })).toEqual({ found: false, reason: 'no-received' });
  });

  it('goes no further than a field that cannot be read', () => {
    const fields = header('from h (r [10.0.0.1] by relay', 'from h (r [9.9.8.7]) by invented');
    expect(firstExternalHop(fields, { trusted })).toEqual({ found: false, reason: 'unreadable' });
  });

  it('looks at 30 fields', () => {
    const own = Array.from({ length: 30 }, () => 'from r (r [9.9.9.9]) by x');
    const last = 'from h (r [9.9.8.7]) by x';
    expect(firstExternalHop(header(...own, last), { trusted })).toEqual({ found: false, reason: 'too-many' });
    expect(firstExternalHop(header(...own.slice(1), last), { trusted })).toMatchObject({ position: 29 });
  });

  it('refuses what is no network', () => {
    expect(() => firstExternalHop(header(), { trusted: ['relay.example'] })).toThrow(RangeError);
  });
});
