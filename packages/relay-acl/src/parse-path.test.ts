import { mailboxPath } from '@postern/core';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type AcceptedPath, type ParsePathOptions, type PathFault, parsePath } from './parse-path.ts';
import { readRecipient } from './recipient.ts';
import { mailboxOf } from './test-oracle.ts';

const reverse: ParsePathOptions = { kind: 'reverse-path' };
const forward: ParsePathOptions = { kind: 'forward-path' };
const utf8: ParsePathOptions = { kind: 'forward-path', smtpUtf8: true };

function accepted(text: string, options: ParsePathOptions = forward): AcceptedPath {
  const parsed = parsePath(text, options);
  if (!parsed.ok) throw new Error(`${parsed.reason} at ${parsed.position}`);
  return parsed;
}

describe('parsePath', () => {
  it.each<[string, string, string]>([
    ['<user@example.com>', 'user', 'example.com'],
    ['<User.Name+tag@EXAMPLE.com>', 'User.Name+tag', 'example.com'],
    ['  <user@example.com>', 'user', 'example.com'],
    ['<user@example.com>   ', 'user', 'example.com'],
    ['<"a b"@example.com>', '"a b"', 'example.com'],
    ['<"a> b@c,<"@example.com>', '"a> b@c,<"', 'example.com'],
    ['<"\\"\\\\\\ "@example.com>', '"\\"\\\\\\ "', 'example.com'],
    ['<""@example.com>', '""', 'example.com'],
    ["<!#$%&'*+-/=?^_`{|}~@example.com>", "!#$%&'*+-/=?^_`{|}~", 'example.com'],
    ['<user@_host.example>', 'user', '_host.example'],
    ['<postmaster@example.com>', 'postmaster', 'example.com'],
  ])('reads %s', (text, localPart, domain) => {
    for (const options of [reverse, forward]) {
      expect(parsePath(text, options)).toEqual({
        ok: true,
        kind: 'mailbox',
        path: { address: text.trim().slice(1, -1), localPart, domain, parameters: {} },
        literal: undefined,
        route: [],
      });
    }
  });

  it.each([
    ['<user@[192.0.2.1]>', '[192.0.2.1]', 'ip'],
    ['<user@[IPv6:2001:DB8::1]>', '[ipv6:2001:db8::1]', 'ip'],
    ['<user@[x400:c=DE>]>', '[x400:c=de>]', 'general'],
  ])('reads the literal of %s', (text, domain, kind) => {
    expect(accepted(text)).toMatchObject({ kind: 'mailbox', path: { domain }, literal: { kind, text: domain } });
  });

  it('takes the null path from senders, and the bare postmaster for a recipient', () => {
    expect(accepted('<> SIZE=0', reverse)).toMatchObject({
      kind: 'null',
      path: { address: '', localPart: '', domain: '', parameters: { SIZE: '0' } },
    });
    expect(accepted('<PostMaster>')).toMatchObject({
      kind: 'postmaster',
      path: { address: 'PostMaster', localPart: 'PostMaster', domain: '' },
    });
    expect(parsePath('<>', forward)).toMatchObject({ reason: 'no-recipient', position: 1 });
    expect(parsePath('<postmaster>', reverse)).toMatchObject({ reason: 'no-domain', position: 11 });
  });

  it('splits parameters off', () => {
    const text = '<user@example.com> SIZE=1000  body=8BITMIME SMTPUTF8 X-1=a/+2B;b';
    expect(accepted(text, reverse).path.parameters).toEqual({
      SIZE: '1000',
      BODY: '8BITMIME',
      SMTPUTF8: true,
      'X-1': 'a/+2B;b',
    });
  });

  it('decodes xtext where it is one', () => {
    const parameters = 'ORCPT=rfc822;a+2Bb@example.com ENVID=QQ+3D+20 AUTH=<>';
    expect(accepted(`<user@example.com> ${parameters}`, reverse).path.parameters).toEqual({
      ORCPT: 'rfc822;a+b@example.com',
      ENVID: 'QQ= ',
      AUTH: '<>',
    });
  });

  it('refuses source routes, or leaves them out', () => {
    const text = '<@a.example,@B.example:user@c.example> X=1';
    expect(parsePath(text, forward)).toMatchObject({ ok: false, reason: 'source-route', position: 1 });
    expect(accepted(text, { ...forward, sourceRoutes: 'ignore' })).toEqual({
      ok: true,
      kind: 'mailbox',
      path: { address: 'user@c.example', localPart: 'user', domain: 'c.example', parameters: { X: '1' } },
      literal: undefined,
      route: ['a.example', 'b.example'],
    });
  });

  it.each<[string, PathFault, number]>([
    ['<@a.example,b.example:user@c.example>', 'bad-route', 12],
    ['<@a.example,:user@c.example>', 'bad-route', 12],
    ['<@:user@c.example>', 'bad-route', 1],
    ['<@[192.0.2.1]:user@c.example>', 'bad-route', 1],
    ['<@a b:user@c.example>', 'bad-route', 1],
    ['<@a.example:', 'bad-local-part', 12],
    ['<@a.example:>', 'no-recipient', 12],
    ['<@a.example:@b.example:user@c.example>', 'empty-local-part', 12],
    ['<@a.example:postmaster>', 'no-domain', 22],
    ['<@a.example>', 'empty-local-part', 1],
  ])('with routes ignored, %s is %s at %i', (text, reason, position) => {
    expect(parsePath(text, { ...forward, sourceRoutes: 'ignore' })).toMatchObject({ ok: false, reason, position });
  });

  it.each<[string, PathFault, number]>([
    ['', 'missing-bracket', 0],
    ['user@example.com', 'missing-bracket', 0],
    ['  user@example.com', 'missing-bracket', 2],
    ['"User" <user@example.com>', 'missing-bracket', 0],
    ['<user@example.com', 'missing-bracket', 17],
    ['<user', 'missing-bracket', 5],
    ['<user@[192.0.2.1', 'missing-bracket', 16],
    ['<"a>"@[192.0.2.1', 'missing-bracket', 16],
    ['<"a>"@[192.0.2.1>', 'bad-literal', 6],
    ['<<user@example.com>>', 'bad-local-part', 1],
    ['<user@example.com>>', 'text-behind-path', 18],
    ['<user@example.com>SIZE=1', 'text-behind-path', 18],
    ['<a@example.com>,<b@example.com>', 'text-behind-path', 15],
    ['<a@example.com> <b@example.com>', 'bad-parameter', 16],
    ['<.user@example.com>', 'bad-local-part', 1],
    ['<us..er@example.com>', 'bad-local-part', 4],
    ['<user.@example.com>', 'bad-local-part', 5],
    ['<us er@example.com>', 'bad-local-part', 3],
    ['<us\\@er@example.com>', 'bad-local-part', 3],
    ['<"user@example.com>', 'bad-local-part', 19],
    ['<"us"er@example.com>', 'bad-local-part', 5],
    ['<@example.com>', 'empty-local-part', 1],
    ['<user>', 'no-domain', 5],
    ['<user@>', 'bad-domain', 6],
    ['<user@exa mple.com>', 'bad-domain', 9],
    ['<user@-example.com>', 'bad-domain', 6],
    ['<user@example-.com>', 'bad-domain', 14],
    ['<user@example..com>', 'bad-domain', 14],
    ['<user@192.0.2.1>', 'bad-domain', 6],
    ['<user@example.com.>', 'trailing-dot', 17],
    ['<user@a.example@b.example>', 'nested-address', 15],
    ['<user@[127.1]>', 'bad-literal', 6],
    ['<us\0er@example.com>', 'control-character', 3],
    ['<user@example.com> X=\r\nDATA', 'control-character', 21],
    ['\t<user@example.com>', 'control-character', 0],
    ['<us\x85er@example.com>', 'control-character', 3],
    ['<"us\\\x7fer"@example.com>', 'control-character', 5],
    ['<üser@example.com>', 'non-ascii-local-part', 1],
    ['<"üser"@example.com>', 'non-ascii-local-part', 2],
    ['<user@bücher.example>', 'non-ascii-domain', 7],
    ['<user@example.com> X=ü', 'bad-parameter', 21],
    ['<user@example.com> =1', 'bad-parameter', 19],
    ['<user@example.com> -X=1', 'bad-parameter', 19],
    ['<user@example.com> X=', 'bad-parameter', 21],
    ['<user@example.com> X==', 'bad-parameter', 21],
    ['<user@example.com> X=1=2', 'bad-parameter', 22],
    ['<user@example.com> X_Y=1', 'bad-parameter', 20],
    ['<user@example.com> ENVID=a+0Ab', 'bad-parameter', 26],
    ['<user@example.com> ENVID=a+2b', 'bad-parameter', 26],
    ['<user@example.com> ENVID=a+2', 'bad-parameter', 26],
    ['<user@example.com> ENVID=a+ ENVIE=2B', 'bad-parameter', 26],
    ['<user@example.com> ENVID=+FF', 'bad-parameter', 25],
    ['<user@example.com> X=1 x=2', 'duplicate-parameter', 23],
    ['<user@example.com> X X', 'duplicate-parameter', 21],
  ])('%j is %s at %i', (text, reason, position) => {
    const sentence = expect.stringMatching(/^[A-Z][ -~]+\.$/);
    expect(parsePath(text, forward)).toEqual({ ok: false, reason, position, text: sentence });
  });

  describe('limits', () => {
    const local64 = 'a'.repeat(64);
    const domain189 = `${'b'.repeat(63)}.${'c'.repeat(63)}.${'d'.repeat(61)}`;

    it('takes 64 octets before the @ and 256 with the brackets', () => {
      expect(accepted(`<${local64}@${domain189}>`).path.address).toHaveLength(254);
      expect(parsePath(`<${local64}a@example.com>`, forward)).toMatchObject({
        reason: 'local-part-too-long',
        position: 1,
      });
      expect(parsePath(`<${local64}@${domain189}e>`, forward)).toMatchObject({ reason: 'path-too-long', position: 1 });
      expect(parsePath(`<${'a'.repeat(500)}@example.com>`, forward)).toMatchObject({ reason: 'path-too-long' });
    });

    it('counts octets of UTF-8, and the A-labels of a domain', () => {
      expect(accepted(`<${'ü'.repeat(32)}@example.com>`, utf8).path.localPart).toHaveLength(32);
      expect(parsePath(`<${'ü'.repeat(33)}@example.com>`, utf8)).toMatchObject({ reason: 'local-part-too-long' });
      expect(parsePath(`<${'字'.repeat(22)}@example.com>`, utf8)).toMatchObject({ reason: 'local-part-too-long' });
      const long = Array.from('äëïöü', (letter) => letter + 'x'.repeat(38)).join('.');
      const short = `<${'u'.repeat(19)}@${long}>`;
      const path = `<${'u'.repeat(20)}@${long}>`;
      expect(accepted(short, utf8).path.domain.length).toBeGreaterThan(long.length + 20);
      expect(Buffer.byteLength(path)).toBeLessThan(256);
      expect(parsePath(path, utf8)).toMatchObject({ reason: 'path-too-long', position: 1 });
    });

    it('counts a route as part of the path', () => {
      const route = `@${domain189}`;
      expect(accepted(`<${route}:u@example.com>`, { ...forward, sourceRoutes: 'ignore' }).route).toEqual([domain189]);
      expect(parsePath(`<${route}:${local64}@example.com>`, { ...forward, sourceRoutes: 'ignore' })).toMatchObject({
        reason: 'path-too-long',
      });
    });

    it('looks at no more text than it is allowed to', () => {
      const spaces = ' '.repeat(2_048 - '<user@example.com>'.length);
      expect(accepted(`<user@example.com>${spaces}`).path.address).toBe('user@example.com');
      for (const text of [`<user@example.com>${spaces} `, '<user@example.com> X=1'.padEnd(10_000_000, '1')]) {
        expect(parsePath(text, forward)).toMatchObject({ reason: 'line-too-long', position: 0 });
      }
      expect(parsePath('<user@example.com>', { ...forward, maxBytes: 17 })).toMatchObject({ reason: 'line-too-long' });
      expect(parsePath(`<user@example.com> X=${'ü'.repeat(100)}`, { ...utf8, maxBytes: 150 })).toMatchObject({
        reason: 'line-too-long',
      });
      expect(parsePath('<user@example.com>', { ...forward, maxBytes: Number.NaN })).toMatchObject({ ok: false });
    });
  });

  describe('with SMTPUTF8', () => {
    it('takes what is beyond ASCII, where it was asked for', () => {
      expect(accepted('<üser.名@bücher.example> X=ü', utf8).path).toEqual({
        address: 'üser.名@bücher.example',
        localPart: 'üser.名',
        domain: 'xn--bcher-kva.example',
        parameters: { X: 'ü' },
      });
      expect(accepted('<"ü 名"@example.com>', utf8).path.localPart).toBe('"ü 名"');
      expect(accepted('<👩@example.com>', utf8).path.localPart).toBe('👩');
    });

    it('wants the parameter in the command of the sender', () => {
      const offered: ParsePathOptions = { kind: 'reverse-path', smtpUtf8: true };
      expect(accepted('<üser@example.com> SMTPUTF8', offered).path.localPart).toBe('üser');
      for (const [text, reason] of [
        ['<üser@example.com>', 'non-ascii-local-part'],
        ['<üser@example.com> SMTPUTF8=1', 'non-ascii-local-part'],
        ['<user@bücher.example>', 'non-ascii-domain'],
        ['<user@example.com> X=ü', 'bad-parameter'],
      ]) {
        expect(parsePath(text ?? '', offered)).toMatchObject({ ok: false, reason });
      }
      expect(parsePath('<üser@example.com> SMTPUTF8', reverse)).toMatchObject({ reason: 'non-ascii-local-part' });
    });

    it.each<[string, PathFault, number]>([
      ['<us\ud800er@example.com>', 'bad-utf8', 3],
      ['<us\ufffder@example.com>', 'bad-utf8', 3],
      ['<u\u0308ser@example.com>', 'not-normalized', 1],
      ['<\u212bngstrom@example.com>', 'not-normalized', 1],
      ['<us\u200ber@example.com>', 'invisible-character', 3],
      ['<us\u202eer@example.com>', 'invisible-character', 3],
      ['<us\u2066er@example.com>', 'invisible-character', 3],
      ['<us\u00ader@example.com>', 'invisible-character', 3],
      ['<us\u00a0er@example.com>', 'invisible-character', 3],
      ['<us\u3000er@example.com>', 'invisible-character', 3],
      ['<us\u2028er@example.com>', 'invisible-character', 3],
      ['<us\u3164er@example.com>', 'invisible-character', 3],
      ['<us\ufe0fer@example.com>', 'invisible-character', 3],
      ['<us\ufeffer@example.com>', 'invisible-character', 3],
      ['<us\ue000er@example.com>', 'invisible-character', 3],
      ['<us\uffffer@example.com>', 'invisible-character', 3],
      ['<us\u{e0041}er@example.com>', 'invisible-character', 3],
      ['<"us \u2003er"@example.com>', 'invisible-character', 5],
      ['<us\u0085er@example.com>', 'control-character', 3],
      ['<"us\\üer"@example.com>', 'bad-local-part', 5],
      ['<user@exa\u202emple.com>', 'bad-domain', 6],
      ['<user@example.com\u3002>', 'trailing-dot', 17],
      ['<user@example.com.\u00ad>', 'trailing-dot', 18],
      ['<user@b\u00fccher.example.>', 'trailing-dot', 20],
    ])('%j is %s at %i', (text, reason, position) => {
      expect(parsePath(text, utf8)).toMatchObject({ ok: false, reason, position });
    });
  });

  it('throws for a mistake of the program', () => {
    // @ts-expect-error as a program without types would
    expect(() => parsePath(undefined, forward)).toThrow(TypeError);
    // @ts-expect-error as a program without types would
    expect(() => parsePath('<>', {})).toThrow('option "kind"');
    // @ts-expect-error as a program without types would
    expect(() => parsePath('<>', { kind: 'recipient' })).toThrow('option "kind"');
  });
});

describe('for any text', () => {
  const pieces = [
    ...'<<>>@@"\\:;,.%! \t=+-_aB1ü名[](',
    'example.com',
    'b.example',
    '@a.example:',
    '[192.0.2.1]',
    'IPv6:',
    'postmaster',
    ' SIZE=1',
    ' SMTPUTF8',
    ' ENVID=+2B',
    '\0',
    '\r\n',
    '\u200b',
    '\ud83d',
    '\uff20',
  ];
  const mixture = fc.array(fc.constantFrom(...pieces), { maxLength: 14 }).map((parts) => parts.join(''));
  const texts = fc.oneof(
    mixture,
    mixture.map((text) => `<${text}>`),
    mixture.map((text) => `<user@example.com>${text}`),
    mixture.map((text) => `<${text}@example.com>`),
    fc.string({ unit: 'binary' }),
    fc.string({ unit: 'binary' }).map((text) => `<${text}>`),
  );
  const options: fc.Arbitrary<ParsePathOptions> = fc.record({
    kind: fc.constantFrom('reverse-path', 'forward-path'),
    smtpUtf8: fc.boolean(),
    sourceRoutes: fc.constantFrom('refuse', 'ignore'),
  });

  it('says what it is, or why and where it is not', () => {
    fc.assert(
      fc.property(texts, options, (text, given) => {
        const parsed = parsePath(text, given);
        if (parsed.ok) return;
        expect(Number.isInteger(parsed.position)).toBe(true);
        expect(parsed.position).toBeGreaterThanOrEqual(0);
        expect(parsed.position).toBeLessThanOrEqual(text.length);
      }),
      { numRuns: 10_000 },
    );
  });

  it('takes mailboxes that the grammar takes, and splits them as the grammar does', () => {
    let mailboxes = 0;
    fc.assert(
      fc.property(texts, options, (text, given) => {
        const parsed = parsePath(text, given);
        if (!parsed.ok || parsed.kind !== 'mailbox') return;
        mailboxes++;
        const { address, localPart, domain } = parsed.path;
        const expected = mailboxOf(address, given.smtpUtf8 === true);
        expect(expected?.localPart).toBe(localPart);
        if (parsed.literal === undefined) expect(expected?.domain).toBe(domain);
        expect(text).toContain(`${address}>`);
      }),
      { numRuns: 10_000 },
    );
    // The property says nothing if hardly anything was one.
    expect(mailboxes).toBeGreaterThan(50);
  });

  it('refuses no mailbox that the grammar takes and the limits allow', () => {
    fc.assert(
      fc.property(mixture, (text) => {
        const expected = mailboxOf(text, false);
        if (expected === undefined || text.includes('[')) return;
        const short = expected.localPart.length <= 64 && text.length <= 254;
        // A U-label in the domain takes SMTPUTF8, and then the local part is free as well.
        expect([short, parsePath(`<${text}>`, utf8).ok]).toEqual([short, short]);
      }),
      { numRuns: 10_000 },
    );
  });

  it('reads a recipient as RelayAcl does, and splits it as core does', () => {
    fc.assert(
      fc.property(texts, fc.boolean(), (text, smtpUtf8) => {
        const parsed = parsePath(text, { kind: 'forward-path', smtpUtf8 });
        if (!parsed.ok) return;
        const { address, localPart, domain } = parsed.path;
        const recipient = readRecipient(address, smtpUtf8);
        expect(recipient).toMatchObject(parsed.kind === 'postmaster' ? { kind: 'postmaster' } : { domain });
        if (parsed.literal === undefined) expect(mailboxPath(address)).toMatchObject({ localPart, domain });
      }),
      { numRuns: 10_000 },
    );
  });
});

describe('for any path', () => {
  const atom = fc.stringMatching(/^[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]{1,12}$/);
  const dotString = fc.array(atom, { minLength: 1, maxLength: 4 }).map((atoms) => atoms.join('.'));
  const quotedString = fc
    .array(fc.oneof(fc.stringMatching(/^[ !#-[\]-~]$/), fc.stringMatching(/^\\[ -~]$/)), { maxLength: 20 })
    .map((content) => `"${content.join('')}"`);
  const localParts = fc.oneof(dotString, quotedString);
  const domains = fc.oneof(
    fc.domain(),
    fc.ipV4().map((ip) => `[${ip}]`),
    fc.ipV6().map((ip) => `[IPv6:${ip}]`),
  );
  const keyword = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9-]{0,8}$/);
  const value = fc.stringMatching(/^[!-<>-~]{1,20}$/);
  const plain = new Set(['AUTH', 'ENVID', 'ORCPT', 'SUBMITTER']);
  const parameters = fc
    .uniqueArray(fc.tuple(keyword, fc.option(value)), { selector: ([name]) => name.toUpperCase(), maxLength: 5 })
    .map((list) => list.filter(([name]) => !plain.has(name.toUpperCase())));
  const routes = fc.array(fc.domain(), { maxLength: 2 });

  it('gives back what it was made of', () => {
    fc.assert(
      fc.property(localParts, domains, parameters, routes, (localPart, domain, list, hosts) => {
        const address = `${localPart}@${domain}`;
        const route = hosts.length === 0 ? '' : `${hosts.map((host) => `@${host}`).join(',')}:`;
        const path = `<${route}${address}>`;
        fc.pre(path.length <= 256);
        const words = list.map(([name, text]) => (text === null ? ` ${name}` : ` ${name}=${text}`));
        const parsed = parsePath(path + words.join(''), { kind: 'reverse-path', sourceRoutes: 'ignore' });
        expect(parsed).toMatchObject({
          ok: true,
          kind: 'mailbox',
          path: {
            address,
            localPart,
            parameters: Object.fromEntries(list.map(([name, text]) => [name.toUpperCase(), text ?? true])),
          },
          route: hosts.map((host) => host.toLowerCase()),
        });
      }),
      { numRuns: 5_000 },
    );
  });
});
