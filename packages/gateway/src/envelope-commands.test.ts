import type { Path } from '@postern/core';
import { sampleTransaction } from '@postern/testing';
import { describe, expect, it } from 'vitest';
import { envelopeCommands } from './envelope-commands.ts';

function path(
  address: string,
  parameters: Path['parameters'] = {},
  domain = address.slice(address.lastIndexOf('@') + 1),
): Path {
  return { address, localPart: address.slice(0, address.lastIndexOf('@')), domain, parameters };
}

function commands(reversePath: Path, recipients: readonly Path[], ...extensions: string[]) {
  return envelopeCommands(
    sampleTransaction({ reversePath }),
    recipients,
    new Map(extensions.map((name) => [name, ''])),
  );
}

const a = path('a@example.org');

describe('envelopeCommands', () => {
  it('writes MAIL and an RCPT for each recipient', () => {
    expect(commands(a, [path('b@example.net'), path('"c d"@example.net')])).toEqual([
      'MAIL FROM:<a@example.org>',
      'RCPT TO:<b@example.net>',
      'RCPT TO:<"c d"@example.net>',
    ]);
    expect(commands(path(''), [path('postmaster', {}, '')])).toEqual(['MAIL FROM:<>', 'RCPT TO:<postmaster>']);
  });

  it('passes on what the client said of the message, as far as the server knows of it', () => {
    const from = path('a@example.org', { SIZE: '1000', BODY: '8bitmime', SMTPUTF8: true, 'X-OTHER': 'y' });
    expect(commands(from, [], 'SIZE', '8BITMIME', 'SMTPUTF8')).toEqual([
      'MAIL FROM:<a@example.org> SIZE=1000 BODY=8BITMIME SMTPUTF8',
    ]);
    expect(commands(from, [])).toEqual(['MAIL FROM:<a@example.org>']);
    expect(commands(path('a@example.org', { SIZE: '1 X', BODY: '7BIT' }), [], 'SIZE', '8BITMIME')).toEqual([
      'MAIL FROM:<a@example.org>',
    ]);
  });

  it('writes a domain of U-labels with A-labels unless the message is international', () => {
    const to = path('b@bücher.example', {}, 'xn--bcher-kva.example');
    expect(commands(a, [to], 'SMTPUTF8')).toEqual(['MAIL FROM:<a@example.org>', 'RCPT TO:<b@xn--bcher-kva.example>']);
    expect(commands(path('a@example.org', { SMTPUTF8: true }), [to], 'SMTPUTF8')).toEqual([
      'MAIL FROM:<a@example.org> SMTPUTF8',
      'RCPT TO:<b@bücher.example>',
    ]);
  });

  it('answers 553 5.6.7 for a local part beyond ASCII without SMTPUTF8 on both sides', () => {
    const odd = path('jörg@example.net');
    const international = path('jörg@example.net', { SMTPUTF8: true });
    const refusal = { code: 553, enhanced: '5.6.7' };
    expect(commands(a, [odd], 'SMTPUTF8')).toMatchObject(refusal);
    expect(commands(international, [a])).toMatchObject(refusal);
    expect(commands(international, [odd], 'SMTPUTF8')).toEqual([
      'MAIL FROM:<jörg@example.net> SMTPUTF8',
      'RCPT TO:<jörg@example.net>',
    ]);
  });

  it.each(['a\r\nRSET@x', 'a>@x', 'a\0@x', 'a\nb@x'])('lets nothing of %j into a command', (address) => {
    expect(commands(a, [path(address)])).toMatchObject({ code: 553, enhanced: '5.1.3' });
    expect(commands(path(address), [a])).toMatchObject({ code: 553, enhanced: '5.1.7' });
    const domain = path('ü@x', { SMTPUTF8: true }, address);
    expect(commands(a, [domain])).toMatchObject({ code: 553 });
  });
});
