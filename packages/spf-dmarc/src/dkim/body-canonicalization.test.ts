import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { BodyHash } from './body-canonicalization.ts';
import type { DkimCanonicalization } from './dkim-canonicalization.ts';
import { canonicalBody as canonical } from './test-signature.ts';

function sha256(text: string): string {
  return createHash('sha256').update(text, 'latin1').digest('hex');
}

function hashOf(chunks: Iterable<Uint8Array>, canonicalization: DkimCanonicalization, lengths: readonly number[] = []) {
  const body = new BodyHash(canonicalization, lengths);
  for (const chunk of chunks) {
    // Whoever keeps bytes of a chunk gets rubbish.
    const own = Uint8Array.from(chunk);
    body.update(own);
    own.fill(0x58);
  }
  body.end();
  const hex = (digest: Uint8Array | undefined) =>
    digest === undefined ? undefined : Buffer.from(digest).toString('hex');
  return {
    byteLength: body.byteLength,
    whole: hex(body.digest()),
    prefixes: lengths.map((length) => hex(body.digest(length))),
  };
}

function cut(bytes: Buffer, at: readonly number[]): Buffer[] {
  const cuts = [0, ...at.map((each) => each % (bytes.length + 1)), bytes.length].sort((a, b) => a - b);
  return cuts.slice(1).map((to, index) => bytes.subarray(cuts[index], to));
}

const modes = ['simple', 'relaxed'] as const;

/** Little of everything that canonicalization looks at, and enough of what it does not. */
const piece = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.constantFrom(' ', '  ', '\t', ' \t', '\r\n', '\n', '\r', '\r\r\n', '\n\r', ' \r\n', '\r\n\r\n'),
  },
  {
    weight: 3,
    arbitrary: fc.constantFrom(
      '!',
      ' !',
      'a',
      '\0',
      '\u007f',
      '\u0080',
      '\u00a0',
      '\u008a',
      '\u008d',
      '\u000b',
      '\u000c',
    ),
  },
  { weight: 3, arbitrary: fc.stringMatching(/^[a-z =!"]{1,30}$/) },
  { weight: 1, arbitrary: fc.nat({ max: 400 }).map((count) => ' '.repeat(count)) },
  { weight: 1, arbitrary: fc.nat({ max: 400 }).map((count) => '\r\n'.repeat(count)) },
  { weight: 1, arbitrary: fc.nat({ max: 3_000 }).map((count) => 'x'.repeat(count)) },
  { weight: 1, arbitrary: fc.nat({ max: 300 }).map((count) => 'x \t'.repeat(count)) },
);
const bodies = fc.array(piece, { maxLength: 40 }).map((pieces) => pieces.join(''));

describe('BodyHash', () => {
  it.each([
    // RFC 6376 §3.4.5 has these two.
    ['simple', ' C \r\nD \t E\r\n\r\n\r\n', ' C \r\nD \t E\r\n'],
    ['relaxed', ' C \r\nD \t E\r\n\r\n\r\n', ' C\r\nD E\r\n'],
    ['simple', '', '\r\n'],
    ['relaxed', '', ''],
    ['simple', '\r\n\r\n', '\r\n'],
    ['relaxed', '\r\n \r\n\t', ''],
    ['simple', 'no end', 'no end\r\n'],
    ['relaxed', 'no end \t', 'no end\r\n'],
    ['simple', 'a\nb\n\n', 'a\r\nb\r\n'],
    ['relaxed', 'a \nb\n \n', 'a\r\nb\r\n'],
    ['simple', 'a\rb\r', 'a\rb\r\r\n'],
    ['relaxed', 'a \r b \r', 'a \r b \r\r\n'],
    ['relaxed', 'a \r\r\n', 'a \r\r\n'],
    ['relaxed', 'a\r\n\r\n \r\n b', 'a\r\n\r\n\r\n b\r\n'],
  ] as const)('%s makes of %j %j', (mode, body, expected) => {
    expect(canonical(body, mode)).toBe(expected);
    expect(hashOf([Buffer.from(body)], mode)).toEqual({
      byteLength: expected.length,
      whole: sha256(expected),
      prefixes: [],
    });
  });

  it('knows the hashes of an empty body (RFC 6376 §3.4.3, §3.4.4)', () => {
    const base64 = (mode: DkimCanonicalization) => Buffer.from(hashOf([], mode).whole ?? '', 'hex').toString('base64');
    expect(base64('simple')).toBe('frcCV1k9oG9oKj3dpUqdJg1PxRT2RSN/XKdLCPjaYaY=');
    expect(base64('relaxed')).toBe('47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU=');
  });

  it.each(modes)('%s: is the hash of the canonical body, wherever the chunks are cut', (mode) => {
    const cuts = fc.array(fc.nat(), { maxLength: 12 });
    fc.assert(
      fc.property(bodies, cuts, (body, at) => {
        const expected = canonical(body, mode);
        const found = hashOf(cut(Buffer.from(body, 'latin1'), at), mode);
        expect(found).toEqual({ byteLength: expected.length, whole: sha256(expected), prefixes: [] });
      }),
      { numRuns: 400 },
    );
  });

  it.each(modes)('%s: byte by byte as well', (mode) => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', ' ', '\t', '\r', '\n', '!'), { maxLength: 14 }), (bytes) => {
        const body = bytes.join('');
        const chunks = bytes.map((byte) => Buffer.from(byte));
        expect(hashOf(chunks, mode).whole).toBe(sha256(canonical(body, mode)));
        // Around the borders of what is looked at together.
        for (const gap of [3, 13, 20, 27, 34]) {
          const twice = `${body}${'x'.repeat(gap)}${body}`;
          expect(hashOf([Buffer.from(twice)], mode).whole).toBe(sha256(canonical(twice, mode)));
        }
      }),
      { numRuns: 500 },
    );
  });

  it.each(modes)('%s: hashes prefixes of any length along with the whole', (mode) => {
    const lengths = fc.array(fc.nat({ max: 4_000 }), { maxLength: 6 });
    fc.assert(
      fc.property(
        bodies,
        lengths,
        fc.nat({ max: 140_000 }),
        fc.array(fc.nat(), { maxLength: 4 }),
        (text, some, more, at) => {
          const body = text + 'y'.repeat(more);
          const expected = canonical(body, mode);
          const wanted = [...some, 0, expected.length, expected.length + 1];
          const found = hashOf(cut(Buffer.from(body, 'latin1'), at), mode, wanted);
          expect(found.whole).toBe(sha256(expected));
          expect(found.prefixes).toEqual(
            wanted.map((length) => (length > expected.length ? undefined : sha256(expected.slice(0, length)))),
          );
        },
      ),
      { numRuns: 150 },
    );
  });

  it('reads chunks that lie anywhere in their memory', () => {
    const body = 'some  text \r\n with\tspace\r\n'.repeat(20);
    const memory = Buffer.alloc(body.length + 8, ' ');
    for (let offset = 0; offset < 8; offset++) {
      memory.write(body, offset, 'latin1');
      const chunk = new Uint8Array(memory.buffer, memory.byteOffset + offset, body.length);
      for (const mode of modes) expect(hashOf([chunk], mode).whole).toBe(sha256(canonical(body, mode)));
    }
  });

  it.each([
    ['there is none', undefined],
    [
      'it lacks vector instructions, or memory',
      {
        Module: class {
          constructor() {
            throw new RangeError('could not allocate memory');
          }
        },
      },
    ],
  ])('does without WebAssembly where %s', async (_, global) => {
    vi.resetModules();
    vi.stubGlobal('WebAssembly', global);
    try {
      const { bodyScanner } = await import('./body-scanner.ts');
      expect(bodyScanner()).toBeUndefined();
      const { BodyHash: Plain } = await import('./body-canonicalization.ts');
      fc.assert(
        fc.property(bodies, fc.array(fc.nat(), { maxLength: 6 }), fc.constantFrom(...modes), (text, at, mode) => {
          const hash = new Plain(mode);
          for (const chunk of cut(Buffer.from(text, 'latin1'), at)) hash.update(chunk);
          hash.end();
          expect(Buffer.from(hash.digest()).toString('hex')).toBe(sha256(canonical(text, mode)));
        }),
        { numRuns: 200 },
      );
    } finally {
      vi.unstubAllGlobals();
      vi.resetModules();
    }
  });

  it('keeps bodies apart that come in turn', () => {
    const texts = fc.array(fc.tuple(bodies, fc.constantFrom(...modes)), { minLength: 2, maxLength: 4 });
    fc.assert(
      fc.property(texts, fc.integer({ min: 1, max: 50 }), (all, size) => {
        const each = all.map(([text, mode]) => ({ bytes: Buffer.from(text, 'latin1'), hash: new BodyHash(mode) }));
        const longest = Math.max(...each.map(({ bytes }) => bytes.length));
        for (let at = 0; at < longest; at += size) {
          for (const { bytes, hash } of each) hash.update(bytes.subarray(at, at + size));
        }
        for (const { hash } of each) hash.end();
        expect(each.map(({ hash }) => Buffer.from(hash.digest()).toString('hex'))).toEqual(
          all.map(([text, mode]) => sha256(canonical(text, mode))),
        );
      }),
      { numRuns: 60 },
    );
  });
});
