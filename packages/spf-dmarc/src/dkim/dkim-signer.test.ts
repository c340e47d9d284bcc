import { generateKeyPairSync } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { dkimVerify } from 'mailauth/lib/dkim/verify.js';
import { createTransport } from 'nodemailer';
import { afterAll, describe, expect, it } from 'vitest';
import { DkimSignatures } from './dkim-signatures.ts';
import { DkimSigner, type DkimSignerOptions, DkimSigningError } from './dkim-signer.ts';
import { signDkim } from './sign-dkim.ts';

const { privateKey, publicKey } = generateKeyPairSync('ed25519');
const signatures = new DkimSignatures([{ domain: 'example.com', selector: 's', key: privateKey }]);
const clock = { now: () => 1_700_000_000_000 };
const record = `v=DKIM1; k=ed25519; p=${publicKey.export({ format: 'der', type: 'spki' }).subarray(12).toString('base64')}`;
const head = 'From: a@example.com\r\nSubject: hello\r\n\r\n';
const directory = mkdtempSync(join(tmpdir(), 'postern-test-'));

afterAll(() => rmSync(directory, { recursive: true }));

async function resultsOf(message: Buffer): Promise<string[]> {
  const { results } = await dkimVerify(message, { resolver: async () => [[record]] });
  return results.map(({ status }) => status.result);
}

/** The type of nodemailer's `message` leaves open which of the two it is. */
async function bytesOf(message: Buffer | Readable): Promise<Buffer> {
  return Buffer.isBuffer(message) ? message : buffer(message);
}

function signer(options: Partial<DkimSignerOptions> = {}): DkimSigner {
  return new DkimSigner({ signatures, clock, directory, ...options });
}

async function faultOf(chunks: Iterable<Uint8Array>, options: Partial<DkimSignerOptions>): Promise<string> {
  const stream = signer(options);
  const error: unknown = await pipeline(chunks, stream, buffer).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(DkimSigningError);
  expect(stream.destroyed).toBe(true);
  return error instanceof DkimSigningError ? error.fault : '';
}

describe('DkimSigner', () => {
  it.each([0, 1, 65_535, 65_536, 65_537, 131_072, 300_001])(
    'signs a body of %i bytes, in memory and on the disk',
    async (size) => {
      const message = Buffer.concat([Buffer.from(head), Buffer.alloc(size, 'line of text\r\n')]).subarray(
        0,
        head.length + size,
      );
      const complete = message.at(-1) === 0x0d ? message.subarray(0, -1) : message;
      const expected = await signDkim(complete, { signatures, clock });
      for (const memoryBytes of [0, 131_072, 1_048_576]) {
        const out = await buffer(Readable.from([complete]).pipe(signer({ memoryBytes })));
        expect(out.equals(Buffer.concat([Buffer.from(expected.ok ? expected.header : ''), complete]))).toBe(true);
      }
      expect(await resultsOf(Buffer.concat([Buffer.from(expected.ok ? expected.header : ''), complete]))).toEqual([
        'pass',
      ]);
    },
  );

  it('keeps a large message on the disk, under no name, and hands it on no faster than it is read', async () => {
    const chunk = Buffer.alloc(65_536, `${'x'.repeat(62)}\r\n`);
    const stream = signer({ memoryBytes: 131_072 });
    stream.write(head);
    for (let count = 0; count < 80; count++) {
      if (!stream.write(chunk)) await new Promise((resolve) => stream.once('drain', resolve));
    }
    expect(readdirSync(directory)).toEqual([]);
    stream.end();
    const iterator = stream[Symbol.asyncIterator]();
    let length = (await iterator.next()).value.length;
    expect(stream.readableLength).toBeLessThan(1_000_000);
    for await (const part of { [Symbol.asyncIterator]: () => iterator }) length += part.length;
    expect(length).toBeGreaterThan(80 * 65_536 + head.length);
    expect(stream.destroyed).toBe(true);
  });

  it('writes CRLF where a CR or an LF stands alone, wherever the chunks are cut', async () => {
    const bare = 'From: a@example.com\nX: y\r\n\nline\n\n.\nat\rthe\r\r\nend\r';
    const expected = await buffer(Readable.from([Buffer.from(bare.replace(/\r\n|\r|\n/g, '\r\n'))]).pipe(signer()));
    for (const size of [1, 2, 3, 7, 100]) {
      const chunks = Array.from({ length: Math.ceil(bare.length / size) }, (_, at) =>
        Buffer.from(bare.slice(at * size, (at + 1) * size)),
      );
      expect(await buffer(Readable.from(chunks).pipe(signer()))).toEqual(expected);
    }
    expect(await resultsOf(expected)).toEqual(['pass']);
  });

  it.each<[string, string, Partial<DkimSignerOptions>]>([
    ['no-from', 'To: a@example.com\r\n\r\n', {}],
    ['no-from', '', {}],
    ['bare-carriage-return', `${head}a\rb`, { bareNewlines: 'refuse' }],
    ['bare-carriage-return', `${head}a\r`, { bareNewlines: 'refuse' }],
    ['bare-line-feed', `${head}a\nb`, { bareNewlines: 'refuse' }],
    ['message-too-large', `${head}${'x'.repeat(1_000)}`, { maxMessageBytes: 1_000 }],
    ['header-too-large', head, { header: { maxHeaderBytes: 10 } }],
  ])('fails with %s, and lets nothing out unsigned', async (fault, message, options) => {
    expect(await faultOf([Buffer.from(message)], options)).toBe(fault);
    expect(
      await faultOf(
        [...message].map((letter) => Buffer.from(letter)),
        options,
      ),
    ).toBe(fault);
  });

  it('fails when the disk does', async () => {
    const chunk = Buffer.alloc(65_536, 'x');
    const stream = signer({ memoryBytes: 0, directory: join(directory, 'not there') });
    await expect(pipeline([Buffer.from(head), chunk, chunk], stream, buffer)).rejects.toMatchObject({ code: 'ENOENT' });
  });

  it('lets go of everything when it is destroyed', async () => {
    const chunk = Buffer.alloc(65_536, 'x');
    const stream = signer({ memoryBytes: 0 });
    stream.write(head);
    stream.write(chunk);
    stream.write(chunk);
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.destroy();
    await closed;
    expect(readdirSync(directory)).toEqual([]);
  });

  it('ends with its signal', async () => {
    const abort = new AbortController();
    const stream = signer({ signal: abort.signal });
    const reading = buffer(stream);
    stream.write(head);
    abort.abort();
    await expect(reading).rejects.toMatchObject({ name: 'AbortError' });
  });

  it('ends at once with a signal that fired before, and leaves no listener at one that never does', async () => {
    await expect(buffer(signer({ signal: AbortSignal.abort() }))).rejects.toMatchObject({ name: 'AbortError' });
    const { signal } = new AbortController();
    await buffer(Readable.from([Buffer.from(head)]).pipe(signer({ signal })));
    await expect.poll(() => getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('lets go of everything when somebody else reports an error on it', async () => {
    const stream = signer();
    const failed = new Promise((resolve) => stream.once('error', resolve));
    const closed = new Promise((resolve) => stream.once('close', resolve));
    stream.write(head);
    stream.emit('error', new Error('the attachment is gone'));
    expect(await failed).toMatchObject({ message: 'the attachment is gone' });
    await closed;
    expect(stream.destroyed).toBe(true);
  });

  it('refuses options that it does not know', () => {
    // @ts-expect-error: from JavaScript
    expect(() => signer({ memory: 1 })).toThrow('unknown option "memory"');
    expect(() => signer({ maxMessageBytes: 0 })).toThrow(RangeError);
    // @ts-expect-error: from JavaScript
    expect(() => new DkimSigner({ signatures: {} })).toThrow(TypeError);
  });
});

describe('DkimSigner behind nodemailer', () => {
  const transporter = createTransport({ streamTransport: true });
  transporter.use('stream', (mail, done) => {
    mail.message.transform(() => signer());
    done();
  });

  it.each([
    ['text', { text: 'Hello\nworld\n.\n' }],
    ['text without an end', { text: 'Hello' }],
    ['a CR in its text', { text: 'Hello\rworld\r\r\n', html: '<p>Hello\r</p>' }],
    ['no text', {}],
    [
      'HTML with an attachment',
      { text: 'a', html: '<p>b</p>', attachments: [{ filename: 'c.bin', content: Buffer.alloc(200_000, 7) }] },
    ],
    [
      'text in UTF-8',
      { text: 'Grüße, 世界\n'.repeat(200), subject: 'Grüße an alle, die dies in einer sehr langen Betreffzeile lesen' },
    ],
  ])('signs a mail with %s', async (_what, content) => {
    const mail = { from: 'a@example.com', to: 'b@example.org', subject: 'hello', ...content };
    const { message } = await transporter.sendMail(mail);
    const bytes = await bytesOf(message);
    expect(bytes.toString('latin1')).toMatch(/^DKIM-Signature: v=1;/);
    expect(await resultsOf(bytes)).toEqual(['pass']);
  });

  it('signs a mail that comes raw, with bare LF', async () => {
    const raw = 'From: a@example.com\nTo: b@example.org\n\nHello\n';
    const { message } = await transporter.sendMail({ envelope: { from: 'a@example.com', to: 'b@example.org' }, raw });
    const bytes = await bytesOf(message);
    expect(await resultsOf(bytes)).toEqual(['pass']);
    expect(bytes.toString()).not.toMatch(/[^\r]\n/);
  });

  it('signs beside the signature of nodemailer', async () => {
    const pem = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'pem', type: 'pkcs8' });
    const dkim = { domainName: 'example.com', keySelector: 'r', privateKey: pem.toString() };
    const { message } = await transporter.sendMail({ from: 'a@example.com', to: 'b@example.org', text: 'x', dkim });
    expect((await resultsOf(await bytesOf(message))).filter((result) => result === 'pass')).toHaveLength(1);
  });
});
