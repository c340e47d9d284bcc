import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { FrameReader } from './frame-reader.ts';

function frame(message: Uint8Array): Buffer {
  const head = Buffer.alloc(2);
  head.writeUInt16BE(message.length);
  return Buffer.concat([head, message]);
}

describe('FrameReader', () => {
  it('gives the messages of a stream however it is cut', () => {
    const messages = fc.array(fc.uint8Array({ maxLength: 300 }), { maxLength: 10 });
    fc.assert(
      fc.property(messages, fc.array(fc.nat(2_000), { maxLength: 20 }), (sent, cuts) => {
        const stream = Buffer.concat(sent.map(frame));
        const reader = new FrameReader();
        const places = [0, ...cuts.filter((cut) => cut < stream.length).sort((a, b) => a - b), stream.length];
        const read = places.slice(1).flatMap((end, index) => reader.push(stream.subarray(places[index], end)));
        expect(read.map((each) => [...each])).toEqual(sent.map((each) => [...each]));
      }),
    );
  });

  it('gives the longest message, byte by byte', () => {
    const message = Buffer.alloc(65_535, 'x');
    const reader = new FrameReader();
    const read = [...frame(message)].flatMap((octet) => reader.push(Buffer.from([octet])));
    expect(read).toEqual([message]);
  });
});
