import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { HeaderBounds, HeaderParser, type HeaderParserOptions, type HeaderParserState } from './header-parser.ts';

/** The result of a whole message as plain data, cut at the given offsets. */
function read(message: Uint8Array, cuts: readonly number[] = [], options?: HeaderParserOptions): unknown {
  const parser = new HeaderParser(options);
  const borders = [0, ...cuts.toSorted((a, b) => a - b), message.length];
  let state: HeaderParserState = { kind: 'incomplete' };
  const tail: Buffer[] = [];
  for (let index = 0; index + 1 < borders.length; index++) {
    const chunk = Buffer.from(message.subarray(borders[index], borders[index + 1]));
    if (state.kind !== 'incomplete') {
      tail.push(chunk);
      continue;
    }
    state = parser.write(chunk);
    if (state.kind === 'complete') tail.push(Buffer.from(state.rest));
    // The parser must not depend on the caller's memory.
    chunk.fill(0x58);
  }
  if (state.kind === 'incomplete') {
    state = parser.end();
    if (state.kind === 'complete') tail.push(Buffer.from(state.rest));
  }
  if (state.kind !== 'complete') return state;
  return {
    fields: state.header.fields.map(({ name, value, raw }) => [name, value, Buffer.from(raw).toString('latin1')]),
    byteLength: state.header.byteLength,
    separator: state.separator,
    body: Buffer.concat(tail).toString('latin1'),
  };
}

function bytes(text: string): Buffer {
  return Buffer.from(text, 'utf8');
}

describe('HeaderParser', () => {
  it('reads names, values and raw bytes, folded lines included', () => {
    const header = 'From: a@example.com\r\nSubject:  one\r\n\ttwo\r\n  three \r\nTo:b@example.org\r\n';
    expect(read(bytes(`${header}\r\nbody\r\n`))).toEqual({
      fields: [
        ['From', 'a@example.com', 'From: a@example.com\r\n'],
        ['Subject', 'one\ttwo  three', 'Subject:  one\r\n\ttwo\r\n  three \r\n'],
        ['To', 'b@example.org', 'To:b@example.org\r\n'],
      ],
      byteLength: header.length,
      separator: true,
      body: 'body\r\n',
    });
  });

  it('gives the bytes of the whole header, in which those of each field stand', () => {
    const state = new HeaderParser().write(bytes('A: 1\r\nB: 2\r\n 3\r\n\r\nbody'));
    if (state.kind !== 'complete') throw new Error('not complete');
    const { raw, fields, byteLength } = state.header;
    expect(Buffer.from(raw).toString()).toBe('A: 1\r\nB: 2\r\n 3\r\n');
    expect(byteLength).toBe(raw.length);
    expect(fields.map((field) => field.raw.buffer === raw.buffer)).toEqual([true, true]);
    expect(fields.map((field) => field.raw.byteOffset - raw.byteOffset)).toEqual([0, 6]);
  });

  it('takes a bare LF for the end of a line', () => {
    expect(read(bytes('A: 1\nB: 2\n 3\n\nbody'))).toMatchObject({
      fields: [
        ['A', '1', 'A: 1\n'],
        ['B', '2 3', 'B: 2\n 3\n'],
      ],
      separator: true,
      body: 'body',
    });
  });

  it('keeps a bare CR as a byte of the value', () => {
    expect(read(bytes('A: 1\rFrom: x\r\n\r\n'))).toMatchObject({ fields: [['A', '1\rFrom: x', 'A: 1\rFrom: x\r\n']] });
  });

  it('leaves white space before the colon out of the name (RFC 5322 §4.5)', () => {
    expect(read(bytes('From \t: a@example.com\r\n\r\n'))).toMatchObject({
      fields: [['From', 'a@example.com', 'From \t: a@example.com\r\n']],
    });
  });

  it('reads values as UTF-8 and marks what is not', () => {
    const message = Buffer.concat([bytes('Subject: Grüße 📬\r\nX: a'), Buffer.from([0xff, 0x62]), bytes('\r\n\r\n')]);
    expect(read(message)).toMatchObject({
      fields: [
        ['Subject', 'Grüße 📬'],
        ['X', 'a\ufffdb'],
      ].map((each) => expect.arrayContaining(each)),
    });
  });

  it('takes a line of white space for a continuation, not for the end', () => {
    expect(read(bytes('A: 1\r\n \r\nFrom: b\r\n\r\n'))).toMatchObject({
      fields: [
        ['A', '1', 'A: 1\r\n \r\n'],
        ['From', 'b', 'From: b\r\n'],
      ],
    });
  });

  it.each([
    ['no colon', 'hello world\r\n'],
    ['an mbox line', 'From a@example.com Mon Jan  1 00:00:00 2024\r\n'],
    ['an empty name', ': value\r\n'],
    ['white space inside of the name', 'Fr om: a@example.com\r\n'],
    ['a byte outside ASCII in the name', 'Frøm: a@example.com\r\n'],
    ['a NUL in the name', 'From\0: a@example.com\r\n'],
    ['a CR before the end of the line', '\r\r\n'],
  ])('ends the header at a line that is no field: %s', (_, line) => {
    const body = `${line}From: ceo@bank.example\r\n\r\nbody`;
    expect(read(bytes(`A: 1\r\n${body}`))).toEqual({
      fields: [['A', '1', 'A: 1\r\n']],
      byteLength: 6,
      separator: false,
      body: bytes(body).toString('latin1'),
    });
  });

  it('takes a continuation of nothing for the body', () => {
    expect(read(bytes(' x\r\nFrom: a\r\n\r\n'))).toEqual({
      fields: [],
      byteLength: 0,
      separator: false,
      body: ' x\r\nFrom: a\r\n\r\n',
    });
  });

  it('reads a message without a header, without a body, without anything', () => {
    const empty = { fields: [], byteLength: 0, body: '' };
    expect(read(bytes('\r\nbody'))).toEqual({ ...empty, separator: true, body: 'body' });
    expect(read(bytes(''))).toEqual({ ...empty, separator: false });
    expect(read(bytes('A: 1\r\n'))).toMatchObject({ fields: [['A', '1', 'A: 1\r\n']], separator: false, body: '' });
    expect(read(bytes('A: 1'))).toMatchObject({ fields: [['A', '1', 'A: 1']], separator: false, body: '' });
    expect(read(bytes('A: 1\r\nB'))).toMatchObject({ fields: [['A', '1', 'A: 1\r\n']], separator: false, body: 'B' });
  });

  it('finds fields by name in any case, from the top', () => {
    const state = new HeaderParser().write(bytes('Received: 1\r\nFrom: a\r\nRECEIVED: 2\r\n__proto__: 3\r\n\r\n'));
    if (state.kind !== 'complete') throw new Error('not complete');
    const { header } = state;
    expect(header.first('received')?.value).toBe('1');
    expect(header.all('Received').map((field) => field.value)).toEqual(['1', '2']);
    expect(header.first('__PROTO__')?.value).toBe('3');
    expect(header.first('constructor')).toBeUndefined();
    expect(header.all('to')).toEqual([]);
    expect([...header].map((field) => field.name)).toEqual(['Received', 'From', 'RECEIVED', '__proto__']);
  });

  it('gives raw bytes of one buffer', () => {
    const state = new HeaderParser().write(bytes('A: 1\r\nB: 2\r\n\r\n'));
    if (state.kind !== 'complete') throw new Error('not complete');
    const buffers = new Set(state.header.fields.map((field) => field.raw.buffer));
    expect(buffers.size).toBe(1);
  });

  it('hands over the rest without a copy when the body begins in the last chunk', () => {
    const chunk = bytes('A: 1\r\n\r\nbody');
    const state = new HeaderParser().write(chunk);
    if (state.kind !== 'complete') throw new Error('not complete');
    expect(state.rest.buffer).toBe(chunk.buffer);
  });

  it('refuses a header that is too large, and takes one that just fits', () => {
    const options = { maxHeaderBytes: 10 };
    expect(read(bytes('A: 34567\r\n\r\nbody'), [], options)).toMatchObject({ byteLength: 10, body: 'body' });
    expect(read(bytes('A: 345678\n\nbody'), [], options)).toMatchObject({ byteLength: 10, body: 'body' });
    for (const message of [
      'A: 345678\r\n\r\n',
      'A: 3456789\n\n',
      'A: 1\r\nB: 1234\r\n\r\n',
      'A: 34567890123456',
      'A: 3456789\r\n x\r\n\r\n',
    ]) {
      expect(read(bytes(message), [], options)).toMatchObject({ kind: 'refused', reason: 'too-large' });
    }
  });

  it('refuses more fields than allowed', () => {
    expect(read(bytes('A: 1\r\nB: 2\r\n\r\n'), [], { maxFields: 2 })).toMatchObject({ separator: true });
    expect(read(bytes('A: 1\r\nB: 2\r\nC: 3\r\n\r\n'), [], { maxFields: 2 })).toMatchObject({
      kind: 'refused',
      reason: 'too-many-fields',
    });
  });

  it('keeps no more than the bound of an endless line, and gives up there', () => {
    const parser = new HeaderParser({ maxHeaderBytes: 1_000 });
    const chunk = Buffer.alloc(100, 'x');
    let writes = 1;
    while (parser.write(chunk).kind === 'incomplete') writes++;
    expect(writes).toBe(11);
  });

  it('cannot be used again', () => {
    const parser = new HeaderParser();
    parser.write(bytes('\r\n'));
    expect(() => parser.write(bytes('A: 1'))).toThrow(TypeError);
    expect(() => parser.end()).toThrow(TypeError);
  });

  it('checks its options', () => {
    expect(() => new HeaderParser({ maxHeaderBytes: 0 })).toThrow(RangeError);
    expect(() => new HeaderParser({ maxFields: 1.5 })).toThrow(RangeError);
  });

  it('gives the same result however the bytes are cut', () => {
    const piece = fc.constantFrom(
      'From',
      'Subject',
      ':',
      ': ',
      ' ',
      '\t',
      '\r',
      '\n',
      '\r\n',
      '\r\n\r\n',
      'ü',
      '\0',
      'x',
    );
    const message = fc.array(piece, { maxLength: 40 }).map((pieces) => bytes(pieces.join('')));
    const options = fc.record({
      maxHeaderBytes: fc.integer({ min: 1, max: 60 }),
      maxFields: fc.integer({ min: 1, max: 4 }),
    });
    fc.assert(
      fc.property(message, fc.array(fc.nat(60)), options, (whole, cuts, bounds) => {
        const offsets = cuts.filter((cut) => cut <= whole.length);
        expect(read(whole, offsets, bounds)).toEqual(read(whole, [], bounds));
        expect(read(whole, [...whole.keys()], bounds)).toEqual(read(whole, [], bounds));
      }),
      { numRuns: 2_000 },
    );
  });

  it('loses no byte: header, separator and body make the message again', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('A:', 'b', ' ', '\r\n', '\n', ':'), { maxLength: 30 }), (pieces) => {
        const message = bytes(pieces.join(''));
        const parser = new HeaderParser();
        let state = parser.write(message);
        if (state.kind === 'incomplete') state = parser.end();
        if (state.kind !== 'complete') throw new Error('not complete');
        const header = Buffer.concat(state.header.fields.map((field) => field.raw));
        expect(header.length).toBe(state.header.byteLength);
        const empty = message.length - header.length - state.rest.length;
        expect(Buffer.concat([header, message.subarray(header.length, header.length + empty), state.rest])).toEqual(
          message,
        );
        expect(['', '\n', '\r\n']).toContain(message.subarray(header.length, header.length + empty).toString());
        expect(empty > 0).toBe(state.separator);
      }),
    );
  });

  it('takes bounds that were read once, for as many parsers as one likes', () => {
    const bounds = new HeaderBounds({ maxHeaderBytes: 10 });
    for (let times = 0; times < 2; times += 1) {
      expect(new HeaderParser(bounds).write(bytes('Subject: too long\r\n\r\n'))).toMatchObject({ kind: 'refused' });
    }
    expect(() => new HeaderBounds({ maxFields: 0 })).toThrow(RangeError);
  });
});
