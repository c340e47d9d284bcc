import { describe, expect, it } from 'vitest';
import { ipFromBytes } from './ip-bytes.ts';
import { parseIp } from './parse-ip.ts';

const IPV6 = Uint8Array.of(0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xfe, 0, 1);
const MAPPED = Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, 1);

describe('ipFromBytes', () => {
  it('reads four and sixteen bytes', () => {
    expect(ipFromBytes(Uint8Array.of(192, 0, 2, 1))).toEqual(parseIp('192.0.2.1'));
    expect(ipFromBytes(IPV6)).toEqual(parseIp('2001:db8::fffe:1'));
    expect(ipFromBytes(MAPPED)).toEqual(parseIp('192.0.2.1'));
  });

  it('reads from the middle of a packet', () => {
    expect(ipFromBytes(MAPPED, 12)).toEqual(parseIp('192.0.2.1'));
    expect(ipFromBytes(IPV6, 0, 4)).toEqual(parseIp('32.1.13.184'));
  });

  it('has no address for another length or for bytes that are not there', () => {
    for (const length of [0, 3, 5, 15]) expect(ipFromBytes(IPV6, 0, length)).toBeUndefined();
    expect(ipFromBytes(IPV6, 13, 4)).toBeUndefined();
    expect(ipFromBytes(IPV6, 1, 16)).toBeUndefined();
    expect(ipFromBytes(IPV6, -1, 4)).toBeUndefined();
    expect(ipFromBytes(new Uint8Array())).toBeUndefined();
  });
});
