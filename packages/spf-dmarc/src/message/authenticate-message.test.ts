import { generateKeyPairSync } from 'node:crypto';
import { getEventListeners } from 'node:events';
import { Readable } from 'node:stream';
import { type ZoneData, ZoneResolver } from '@postern/testing';
import fc from 'fast-check';
import { authenticate, sealMessage } from 'mailauth';
import { describe, expect, it } from 'vitest';
import { signDkim } from '../dkim/sign-dkim.ts';
import { type AuthenticationOptions, authenticateMessage } from './authenticate-message.ts';
import { editMessage } from './edit-message.ts';

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
const pem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString();
const key = `v=DKIM1; k=rsa; p=${publicKey.export({ type: 'spki', format: 'der' }).toString('base64')}`;

const zone: ZoneData = {
  'example.org': { TXT: 'v=spf1 ip4:192.0.2.0/24 -all' },
  's._domainkey.example.org': { TXT: key },
  's._domainkey.list.example': { TXT: key },
  '_dmarc.example.org': { TXT: 'v=DMARC1; p=reject' },
  'default._bimi.example.org': { TXT: 'v=BIMI1; l=https://example.org/logo.svg; a=https://example.org/vmc.pem' },
};

const plain = Buffer.from('From: Ann <ann@example.org>\r\nTo: bob@example.com\r\nSubject: hi\r\n\r\nHello!\r\n');

const sender = {
  ip: '192.0.2.7',
  helo: 'mail.example.org',
  mailFrom: 'ann@example.org',
  authservId: 'mx.example.com',
} as const;

async function signed(message: Buffer = plain): Promise<Buffer> {
  const result = await signDkim(message, { signatures: [{ domain: 'example.org', selector: 's', key: pem }] });
  if (!result.ok) throw new Error(result.detail);
  return Buffer.concat([Buffer.from(result.header), message]);
}

function judge(message: Parameters<typeof authenticateMessage>[0], more: Partial<AuthenticationOptions> = {}) {
  return authenticateMessage(message, { ...sender, resolver: new ZoneResolver(zone), ...more });
}

describe('authenticateMessage', () => {
  it('says all of SPF, DKIM and DMARC, and writes it down', async () => {
    const result = await judge(await signed());
    expect(result).toMatchObject({
      spf: { result: 'pass', domain: 'example.org' },
      dkim: [{ result: 'pass', domain: 'example.org' }],
      dmarc: { result: 'pass', policy: 'reject', disposition: 'none' },
      upstream: [],
    });
    expect(result.problem).toBeUndefined();
    expect(result.arc).toBeUndefined();
    const { authenticationResults, receivedSpf } = result.headers;
    expect(authenticationResults.replace(/\r\n[ \t]+/g, ' ').split('; ')).toEqual([
      'Authentication-Results: mx.example.com',
      'spf=pass smtp.mailfrom=ann@example.org',
      'spf=none smtp.helo=mail.example.org',
      expect.stringMatching(/^dkim=pass header\.d=example\.org header\.i=@example\.org header\.s=s /),
      'dmarc=pass header.from=example.org policy.dmarc=reject\r\n',
    ]);
    expect(receivedSpf).toMatch(/^Received-SPF: pass \(mx\.example\.com: [^\0]*\r\n$/);
  });

  it('agrees with mailauth', async () => {
    const resolver = new ZoneResolver(zone);
    for (const [ip, message] of [
      [sender.ip, await signed()],
      ['198.51.100.1', await signed()],
      ['198.51.100.1', plain],
      [sender.ip, Buffer.concat([await signed(), Buffer.from('more\r\n')])],
    ] as const) {
      const ours = await judge(message, { ip });
      const theirs = await authenticate(message, {
        ip,
        helo: sender.helo,
        sender: sender.mailFrom,
        mta: sender.authservId,
        strict: true,
        resolver: async (name, type) => {
          const answer = type === 'TXT' ? await resolver.resolve(name, 'TXT') : undefined;
          if (answer?.kind !== 'records') throw Object.assign(new Error('none'), { code: 'ENOTFOUND' });
          return answer.records.map((text) => [text]);
        },
      });
      expect(ours.spf.result).toBe(theirs.spf !== false && theirs.spf.status.result);
      expect(ours.dkim.map(({ result }) => result)).toEqual(
        ours.dkim.length === 0 ? [] : theirs.dkim.results.map(({ status }) => status.result),
      );
      expect(ours.dmarc.result).toBe(theirs.dmarc !== false && theirs.dmarc.status.result);
    }
  });

  it('reads streams, in whatever pieces, once', async () => {
    const message = await signed();
    const { headers } = await judge(message);
    for (const size of [1, 7, 100]) {
      const chunks = Array.from({ length: Math.ceil(message.length / size) }, (_, at) =>
        message.subarray(at * size, (at + 1) * size),
      );
      expect((await judge(Readable.from(chunks))).headers.authenticationResults).toBe(headers.authenticationResults);
      expect((await judge(chunks)).dmarc.result).toBe('pass');
    }
  });

  it('asks for the sender, the key and the policy before the message is there', async () => {
    const resolver = new ZoneResolver(zone);
    const message = await signed();
    const body = message.indexOf('\r\n\r\n') + 4;
    const asked: Record<string, number> = {};
    const names = ['example.org', 's._domainkey.example.org', '_dmarc.example.org'];
    async function* arriving() {
      yield message.subarray(0, body);
      for (const name of names) asked[name] = resolver.queries.count(name, 'TXT');
      yield message.subarray(body);
    }
    await judge(arriving(), { resolver });
    expect(asked).toEqual({ 'example.org': 1, 's._domainkey.example.org': 1, '_dmarc.example.org': 1 });
    for (const name of names) expect(resolver.queries.count(name, 'TXT')).toBe(1);
  });

  it('names forged results for removal, and puts its own on top', async () => {
    const forged = Buffer.from(
      'Authentication-Results: other.example; spf=pass\r\n' +
        'authentication-results: (x) "MX.example.com" 1; dkim=pass header.d=bank.example\r\n',
    );
    const message = Buffer.concat([forged, await signed()]);
    const { headerEdits, headers } = await judge(message);
    expect(headerEdits.map(({ action, name }) => `${action} ${name}`)).toEqual([
      'remove Authentication-Results',
      'add Authentication-Results',
      'add Received-SPF',
    ]);
    const edited = editMessage(message, headerEdits)?.toString() ?? '';
    expect(edited).toBe(
      `${headers.authenticationResults}${headers.receivedSpf}Authentication-Results: other.example; spf=pass\r\n${await signed()}`,
    );
    // What goes on is as authentic as what came.
    expect((await judge(Buffer.from(edited))).dmarc.result).toBe('pass');
  });

  it('quarantines, rejects, or does what a function says', async () => {
    const bad = { ip: '198.51.100.1' };
    expect((await judge(plain, bad)).dmarc).toMatchObject({
      result: 'fail',
      policy: 'reject',
      disposition: 'quarantine',
    });
    expect((await judge(plain, { ...bad, onReject: 'reject' })).dmarc.disposition).toBe('reject');
    expect((await judge(plain, { ...bad, onReject: () => 'none' })).dmarc.disposition).toBe('none');
  });

  it('tells what trusted hosts found before, when asked', async () => {
    const before =
      'Authentication-Results: mx2.example.com; dmarc=pass header.from=example.org\r\nReceived: from x\r\n';
    const message = Buffer.concat([Buffer.from(before), plain]);
    expect((await judge(message)).upstream).toEqual([]);
    const { upstream } = await judge(message, { trustedAuthservIds: ['mx2.example.com'] });
    expect(upstream).toMatchObject([{ authservId: 'mx2.example.com', results: [{ method: 'dmarc', result: 'pass' }] }]);
  });

  it('calls nothing a failure that DNS did not tell', async () => {
    const down = new ZoneResolver({
      'example.org': 'timeout',
      's._domainkey.example.org': 'servfail',
      '_dmarc.example.org': 'refused',
    });
    expect(await judge(await signed(), { resolver: down })).toMatchObject({
      spf: { result: 'temperror' },
      dkim: [{ result: 'temperror' }],
      dmarc: { result: 'temperror', disposition: 'none' },
    });
  });

  it.each([
    ['a header that is too large', Buffer.from(`From: ann@example.org\r\nX: ${'x'.repeat(300_000)}\r\n\r\n`)],
    ['too many fields', Buffer.from(`From: ann@example.org\r\n${'X: y\r\n'.repeat(1_000)}\r\n`)],
    ['a line that is no field', Buffer.from('From: ann@example.org\r\nnonsense\r\nFrom: ceo@bank.example\r\n\r\n')],
  ])('judges no message with %s', async (_, message) => {
    const result = await judge(message);
    expect(result).toMatchObject({
      problem: { kind: 'header' },
      dkim: [{ result: 'permerror', reason: 'header' }],
      dmarc: { result: 'permerror', disposition: 'none' },
    });
    expect(result.headers.authenticationResults).toContain('dmarc=permerror');
  });

  it.each([
    ['nothing at all', ''],
    ['no From field', 'Subject: hi\r\n\r\nHello\r\n'],
    ['two From fields', 'From: ann@example.org\r\nFrom: ceo@bank.example\r\n\r\n'],
    ['an unreadable one', 'From: ann@example.org <ceo@bank.example\r\n\r\n'],
    ['no body', 'From: ann@bank@example'],
  ])('has no author for %s', async (_, message) => {
    expect((await judge(Buffer.from(message))).dmarc).toMatchObject({ result: 'permerror', authorDomain: undefined });
  });

  it('gives up a stream that fails, or that nobody wants any more, and lets go of it', async () => {
    async function* failing() {
      yield plain.subarray(0, 40);
      throw new Error('the connection broke');
    }
    expect(await judge(failing())).toMatchObject({
      problem: { kind: 'incomplete', detail: expect.stringContaining('the connection broke') },
      dmarc: { result: 'temperror' },
    });

    const { signal, abort } = controller();
    const stream = new Readable({ read() {} });
    stream.push(plain);
    const pending = judge(stream, { signal });
    abort();
    expect(await pending).toMatchObject({ problem: { kind: 'incomplete' }, dmarc: { result: 'temperror' } });
    expect(stream.destroyed).toBe(true);
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('ends at once for a caller who is gone, and for a resolver that never answers at its deadline', async () => {
    const never = { resolve: () => new Promise<never>(() => {}) };
    expect(await judge(await signed(), { resolver: never, timeoutMs: 20 })).toMatchObject({
      spf: { result: 'temperror' },
      dkim: [{ result: 'temperror' }],
      dmarc: { result: 'temperror' },
    });
    const { signal, abort } = controller();
    const pending = judge(await signed(), { resolver: never, signal });
    setImmediate(abort);
    expect(await pending).toMatchObject({ spf: { result: 'temperror' }, dmarc: { result: 'temperror' } });
    expect(getEventListeners(signal, 'abort')).toEqual([]);
  });

  it('takes a resolver that throws for one that has no answer', async () => {
    const throwing = {
      resolve: () => {
        throw new Error('broken');
      },
    };
    expect(await judge(await signed(), { resolver: throwing })).toMatchObject({
      spf: { result: 'temperror' },
      dkim: [{ result: 'temperror' }],
      dmarc: { result: 'temperror' },
    });
  });

  it.each<[object, typeof TypeError]>([
    [{ ip: 1 }, TypeError],
    [{ authservId: '' }, TypeError],
    [{ authservId: 'mx\r\nBcc: x' }, TypeError],
    [{ resolver: {} }, TypeError],
    [{ timeoutMs: 0 }, RangeError],
    [{ header: { maxBytes: 1 } }, TypeError],
    [{ onReject: 'drop' }, TypeError],
    [{ spf: { maxVoidLookups: -1 } }, RangeError],
    [{ spf: { resolver: new ZoneResolver({}) } }, TypeError],
    [{ dkim: { maxSignature: 1 } }, TypeError],
    [{ dmarc: { maxAuthorDomains: 0 } }, RangeError],
    [{ dmarc: { onReject: 'reject' } }, RangeError],
    [{ arc: { maxSets: 51 } }, RangeError],
    [{ trustedSealers: ['a.example'] }, RangeError],
    [{ localPolicy: [] }, TypeError],
    [{ mailfrom: 'a@b' }, TypeError],
  ])('refuses %o', async (more, error) => {
    const options = { ...sender, resolver: new ZoneResolver({}), ...more };
    await expect(Reflect.apply(authenticateMessage, undefined, [plain, options])).rejects.toThrow(error);
    await expect(Reflect.apply(authenticateMessage, undefined, [plain, options])).rejects.toThrow(
      /^authenticateMessage/,
    );
  });

  it('has a result for whatever comes, in whatever pieces', async () => {
    const line = fc.oneof(
      fc.constantFrom(
        'From: ann@example.org',
        'From: ',
        'DKIM-Signature: v=1; a=rsa-sha256; d=example.org; s=s; h=from; bh=AA==; b=AA==',
        'DKIM-Signature: ',
        'ARC-Seal: i=1; cv=none; a=rsa-sha256; d=list.example; s=s; b=AA==',
        'ARC-Message-Signature: i=1; a=rsa-sha256; d=list.example; s=s; h=from; bh=AA==; b=AA==',
        'ARC-Authentication-Results: i=1; mx.example.com; dmarc=pass',
        'Authentication-Results: mx.example.com; x=y',
        'BIMI-Selector: v=BIMI1; s=x',
        ' folded',
        '',
      ),
      fc.string({ unit: 'binary', maxLength: 40 }),
    );
    const message = fc.array(fc.tuple(line, fc.constantFrom('\r\n', '\n', '\r')), { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(message, fc.integer({ min: 1, max: 50 }), async (lines, size) => {
        const bytes = Buffer.from(lines.flat().join(''));
        const chunks = Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) =>
          bytes.subarray(at * size, (at + 1) * size),
        );
        const options = { arc: true, bimi: true, trustedSealers: ['list.example'] };
        const whole = await judge(bytes, options);
        expect(await judge(chunks, options)).toEqual(whole);
        expect(whole.dmarc.result === 'pass' && whole.dkim.some(({ result }) => result === 'pass')).toBe(false);
      }),
      { numRuns: 100 },
    );
  });

  it('refuses chunks that are no bytes', async () => {
    await expect(Reflect.apply(judge, undefined, [['From: a']])).rejects.toThrow(TypeError);
    for (const message of ['From: a', null, 1, undefined]) {
      const judged = Reflect.apply(authenticateMessage, undefined, [
        message,
        { ...sender, resolver: new ZoneResolver({}) },
      ]);
      await expect(judged).rejects.toThrow(/a message is a Uint8Array/);
    }
  });
});

describe('authenticateMessage with ARC', () => {
  /** What a list makes of a signed message: another subject and a footer, which no signature survives, and a seal. */
  async function listed() {
    const message = Buffer.from(
      (await signed()).toString().replace('Subject: hi', 'Subject: [list] hi').concat('-- \r\nfooter\r\n'),
    );
    const seal = await sealMessage(message, {
      signingDomain: 'list.example',
      selector: 's',
      privateKey: pem,
      authResults: 'mx.list.example; dmarc=pass header.from=example.org',
      cv: 'none',
    });
    return Buffer.concat([seal, message]);
  }
  const fromList = { ip: '198.51.100.1', mailFrom: 'bounces@list.example', arc: true } as const;

  it('says what a chain comes to, from the one pass over the body', async () => {
    const result = await judge(await listed(), fromList);
    expect(result).toMatchObject({
      arc: { result: 'pass', sealer: 'list.example', sets: [{ instance: 1, sealer: 'list.example' }] },
      dkim: [{ result: 'fail' }],
      dmarc: { result: 'fail', disposition: 'quarantine' },
    });
    expect(result.headers.authenticationResults).toContain('arc=pass smtp.remote-ip=198.51.100.1');
  });

  it('believes trusted sealers, and says so', async () => {
    const { dmarc } = await judge(await listed(), { ...fromList, trustedSealers: ['list.example'] });
    expect(dmarc).toMatchObject({
      result: 'fail',
      policy: 'reject',
      disposition: 'none',
      overrides: [{ type: 'local_policy', comment: 'arc=pass as[1].d=list.example as[1].s=s' }],
    });
    const other = await judge(await listed(), { ...fromList, trustedSealers: ['other.example'] });
    expect(other.dmarc.disposition).toBe('quarantine');
  });

  it('takes a body that was altered behind the seal for what it is', async () => {
    const altered = Buffer.concat([await listed(), Buffer.from('Send money\r\n')]);
    expect(await judge(altered, { ...fromList, trustedSealers: ['list.example'] })).toMatchObject({
      arc: { result: 'fail', sealer: undefined },
      dmarc: { disposition: 'quarantine' },
    });
  });

  it('finds no chain where there is none, and looks at none beyond its bounds', async () => {
    const none = await judge(plain, { arc: true });
    expect(none.arc).toMatchObject({ result: 'none' });
    expect(none.headers.authenticationResults).toContain('arc=none');
    const many = `${'ARC-Seal: i=1; cv=none; d=a.example; s=s\r\n'.repeat(3)}${plain}`;
    expect((await judge(Buffer.from(many), { arc: { maxSets: 2 } })).arc).toMatchObject({ result: 'fail' });
  });

  it('does not know what DNS did not tell', async () => {
    const down = new ZoneResolver({ ...zone, 's._domainkey.list.example': 'timeout' });
    const result = await judge(await listed(), { ...fromList, trustedSealers: ['list.example'], resolver: down });
    expect(result).toMatchObject({ arc: { result: 'temperror' }, dmarc: { disposition: 'quarantine' } });
    expect(result.headers.authenticationResults).not.toContain('\tarc=');
  });
});

describe('authenticateMessage with BIMI', () => {
  it('finds the logo of a message that passes', async () => {
    const message = Buffer.concat([Buffer.from('BIMI-Location: v=BIMI1; l=https://evil.example/x.svg\r\n'), plain]);
    const { bimi, headers, headerEdits } = await judge(await signed(message), { bimi: true });
    expect(bimi).toEqual({
      result: 'pass',
      detail: undefined,
      domain: 'example.org',
      selector: 'default',
      location: 'https://example.org/logo.svg',
      authority: 'https://example.org/vmc.pem',
    });
    expect(headers.authenticationResults.replace(/\r\n[ \t]+/g, ' ')).toContain(
      'bimi=pass header.d=example.org header.selector=default policy.authority=none policy.authority-uri="https://example.org/vmc.pem"',
    );
    expect(headerEdits).toContainEqual({ action: 'remove', name: 'BIMI-Location' });
  });

  it('shows none for one that fails, and knows none when DNS does not tell', async () => {
    expect((await judge(plain, { bimi: true, ip: '198.51.100.1' })).bimi).toMatchObject({ result: 'skipped' });
    const down = new ZoneResolver({ ...zone, 'default._bimi.example.org': 'servfail' });
    expect((await judge(plain, { bimi: true, resolver: down })).bimi).toMatchObject({ result: 'temperror' });
    const none = new ZoneResolver({ ...zone, 'default._bimi.example.org': { A: '192.0.2.1' } });
    expect((await judge(plain, { bimi: true, resolver: none })).bimi).toMatchObject({ result: 'none' });
  });
});

function controller(): { readonly signal: AbortSignal; abort(): void } {
  const own = new AbortController();
  return { signal: own.signal, abort: () => own.abort() };
}
