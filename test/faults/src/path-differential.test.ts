import { connect, type Socket } from 'node:net';
import { toAsciiDomain } from '@postern/core';
import { type ParsedPath, parsePath, relayTricks } from '@postern/relay-acl';
import fc from 'fast-check';
import addressparser from 'nodemailer/lib/addressparser';
import { SMTPServer } from 'smtp-server';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

// What parsePath takes, the parsers of others must read as the same mailbox: where two servers disagree is where mail is
// relayed, or lost.

const names = { ours: 'ours.example', victim: 'victim.example', ip: '192.0.2.25' };
const pieces = [
  ...'@%!"\\:,;.<>() =+-aB1ü',
  'user',
  'postmaster',
  'ours.example',
  'victim.example',
  '@ours.example:',
  '[127.0.0.1]',
  '[IPv6:2001:db8::1]',
  ' ORCPT=rfc822;a+2Bb',
  '\u3002',
  '\uff20',
];
const tricks = relayTricks
  // A-labels that are none smtp-server decodes unseen; what comes of it, the gateway's test of the catalogue says.
  .filter(({ name, replies }) => replies !== undefined && !name.startsWith('a-label-'))
  .map((trick) => [trick.rcptTo(names), trick.parameters?.(names) ?? ''].join(' ').trimEnd());
const atoms = fc.array(fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,9}$/), { minLength: 1, maxLength: 3 });
const quoted = fc.stringMatching(/^"(?:[ !#-[\]-~]|\\[ -~]){0,12}"$/);
const localParts = fc.oneof(
  atoms.map((list) => list.join('.')),
  quoted,
);
const valid = fc.tuple(localParts, fc.domain()).map(([localPart, domain]) => `<${localPart}@${domain}>`);
const mixture = fc.array(fc.constantFrom(...pieces), { maxLength: 8 }).map((parts) => parts.join(''));
const mutated = fc
  .tuple(fc.constantFrom(...tricks), fc.constantFrom('', ...pieces), fc.nat())
  .map(([text, put, where]) => text.slice(0, where % (text.length + 1)) + put + text.slice(where % (text.length + 1)));
const commands = fc.oneof(
  valid,
  valid,
  fc.constantFrom(...tricks),
  mutated,
  mixture.map((text) => `<${text}@ours.example>`),
);

function parsed(text: string): ParsedPath {
  return parsePath(text, { kind: 'forward-path', smtpUtf8: true, sourceRoutes: 'ignore' });
}

describe('parsePath beside smtp-server', () => {
  /** What the hook was given, in order. */
  const given: string[] = [];
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['AUTH', 'STARTTLS'],
    onRcptTo({ address }, _, callback) {
      given.push(address);
      callback();
    },
  });
  let client: Socket;
  let received = '';
  let wake = (): void => {};

  async function replies(count: number): Promise<readonly string[]> {
    for (;;) {
      const lines = received.split('\r\n').filter((line) => /^\d{3} /.test(line));
      if (lines.length >= count) {
        received = '';
        return lines;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  }

  beforeAll(async () => {
    server.on('error', () => {});
    const listening = server.listen(0, '127.0.0.1');
    await new Promise<void>((resolve) => listening.on('listening', resolve));
    const address = listening.address();
    client = connect({ port: typeof address === 'object' && address !== null ? address.port : 0, host: '127.0.0.1' });
    client.setEncoding('utf8').on('data', (text) => {
      received += text;
      wake();
    });
    await replies(1);
    client.write('EHLO client.example\r\n');
    await replies(1);
  });

  afterAll(async () => {
    client.destroy();
    await new Promise<void>((resolve) => server.close(() => resolve()));
  });

  it('reads the same mailbox wherever both take the path', async () => {
    let both = 0;
    await fc.assert(
      fc.asyncProperty(fc.array(commands, { minLength: 50, maxLength: 50 }), async (texts) => {
        given.length = 0;
        client.write('RSET\r\nMAIL FROM:<a@client.example> SMTPUTF8\r\n');
        await replies(2);
        client.write(texts.map((text) => `RCPT TO:${text}\r\n`).join(''));
        const codes = await replies(texts.length);
        for (const [index, text] of texts.entries()) {
          if (!codes[index]?.startsWith('250')) continue;
          const address = given.shift() ?? '';
          const result = parsed(text);
          if (!result.ok) continue;
          both++;
          const { path, kind, literal } = result;
          const at = address.lastIndexOf('@');
          expect(address.slice(0, kind === 'postmaster' ? undefined : at)).toBe(path.localPart);
          if (kind === 'postmaster' || literal !== undefined) continue;
          expect(toAsciiDomain(address.slice(at + 1))).toBe(path.domain);
        }
      }),
      { numRuns: 40 },
    );
    expect(both).toBeGreaterThan(100);
  });
});

describe('parsePath beside nodemailer', () => {
  it('reads the same domain of a valid mailbox', () => {
    fc.assert(
      fc.property(valid, (text) => {
        const result = parsed(text);
        if (!result.ok) return;
        const addresses = addressparser(text, { flatten: true });
        expect(addresses).toHaveLength(1);
        const written = addresses[0]?.address ?? '';
        expect(toAsciiDomain(written.slice(written.lastIndexOf('@') + 1))).toBe(result.path.domain);
      }),
      { numRuns: 3_000 },
    );
  });
});
