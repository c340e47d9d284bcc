import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { readMimeParts } from './mime-part.ts';

function partsOf(message: string): readonly (readonly [string, string])[] {
  const read = readMimeParts(Buffer.from(message));
  if (!read.ok) throw new Error(read.detail);
  return read.parts.map(({ type, content }) => [type.type, Buffer.from(content).toString()]);
}

describe('readMimeParts', () => {
  it('takes a message without parts for one', () => {
    expect(partsOf('Subject: x\r\n\r\nhello')).toEqual([['text/plain', 'hello']]);
    expect(
      partsOf('Content-Type: Application/ZIP; name=x\r\nContent-Transfer-Encoding: BASE64\r\n\r\naGVs\r\nbG8='),
    ).toEqual([['application/zip', 'hello']]);
  });

  it('takes parts apart, decodes them, and leaves out what stands around them', () => {
    const message =
      'Content-Type: multipart/mixed; boundary="a;b"\r\n\r\npreamble\r\n--a;b\r\n\r\none\r\n\r\n--a;b \r\n' +
      'Content-Type: text/html\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\nt=\r\nw=6F=XX\r\n--a;b--\r\nepilogue';
    expect(partsOf(message)).toEqual([
      ['text/plain', 'one\r\n'],
      ['text/html', 'two=XX'],
    ]);
  });

  it('decodes quoted-printable, and leaves what is none', () => {
    const decoded = (text: string) => {
      const [part] = partsOf(`Content-Transfer-Encoding: quoted-printable\r\n\r\n${text}`);
      return part?.[1];
    };
    expect(decoded('a=3Db=3db')).toBe('a=b=b');
    expect(decoded('one=\r\n two=\nthree= \t\r\nfour=')).toBe('one twothreefour=');
    expect(decoded('=C3=A9 = =X =4 =4X =\rx ==41=3')).toBe('\u00e9 = =X =4 =4X =\rx =A=3');
    expect(decoded('no escape\r\n')).toBe('no escape\r\n');
    expect(decoded('')).toBe('');
  });

  it('reads nested parts and bare line feeds, and a message that is cut off', () => {
    const message =
      'Content-Type: multipart/mixed; boundary=a\n\n--a\nContent-Type: multipart/alternative; boundary=ab\n\n--ab\n\none\n' +
      '--ab\n\ntwo\n--ab--\n--a\n\nthree';
    expect(partsOf(message).map(([, text]) => text)).toEqual(['one', 'two', 'three']);
  });

  it('takes no text within a line for a boundary', () => {
    expect(partsOf('Content-Type: multipart/mixed; boundary=a\r\n\r\n--a\r\n\r\nx --a\r\n--a--')).toEqual([
      ['text/plain', 'x --a'],
    ]);
  });

  it('bounds parts and depth', () => {
    const many = `Content-Type: multipart/mixed; boundary=a\r\n\r\n${'--a\r\n\r\nx\r\n'.repeat(500)}--a--`;
    expect(partsOf(many)).toHaveLength(20);
    let deep = 'Content-Type: text/plain\r\n\r\nx';
    for (let level = 0; level < 10; level++) {
      deep = `Content-Type: multipart/mixed; boundary=b${level}\r\n\r\n--b${level}\r\n${deep}\r\n--b${level}--`;
    }
    expect(partsOf(deep)).toEqual([]);
  });

  it('never throws', () => {
    const message = Buffer.from(
      'Content-Type: multipart/mixed; boundary="a"\r\n\r\n--a\r\nContent-Transfer-Encoding: base64\r\n\r\neA==\r\n--a--',
    );
    fc.assert(
      fc.property(fc.nat(message.length), fc.nat(30), fc.uint8Array({ maxLength: 20 }), (at, length, bytes) => {
        const mutant = Buffer.concat([message.subarray(0, at), bytes, message.subarray(at + length)]);
        expect(readMimeParts(mutant).ok).toBe(true);
      }),
    );
  });
});
