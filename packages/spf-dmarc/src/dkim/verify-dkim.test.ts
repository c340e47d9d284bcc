import type { KeyObject } from 'node:crypto';
import { Readable } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalBody, ed25519, rsa, signedMessage } from './test-signature.ts';
import { bytes, input, verify, words, zone } from './test-verification.ts';
import { verifyDkim } from './verify-dkim.ts';

const { fields, body } = input;

function crlf(text: string): string {
  return text.replace(/\n/g, '\r\n');
}

describe('the examples of the RFCs', () => {
  const rest = `From: Joe SixPack <joe@football.example.com>
To: Suzie Q <suzie@shopping.example.net>
Subject: Is dinner ready?
Date: Fri, 11 Jul 2003 21:00:37 -0700 (PDT)
Message-ID: <20030712040037.46341.5F8J@football.example.com>

Hi.

We lost the game. Are you hungry yet?

Joe.
`;

  it('verifies RFC 6376 A.2 with the key of A.3 (appendix C)', async () => {
    const message = crlf(`DKIM-Signature: v=1; a=rsa-sha256; s=brisbane; d=example.com;
      c=simple/simple; q=dns/txt; i=joe@football.example.com;
      h=Received : From : To : Subject : Date : Message-ID;
      bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
      b=AuUoFEfDxTDkHlLXSZEpZj79LICEps6eda7W3deTVFOk4yAUoqOB
      4nujc7YopdG5dWLSdNg6xNAZpOPr+kHxt1IrE+NahM6L/LbvaHut
      KVdkLLkpVaVVQPzeRDI009SO2Il5Lu7rDNH6mZckBdrIx0orEtZV
      4bmp/YzhwvcubU4=;
Received: from client1.football.example.com  [192.0.2.1]
      by submitserver.example.com with SUBMISSION;
      Fri, 11 Jul 2003 21:01:54 -0700 (PDT)
${rest}`);
    const resolver = zone({
      'brisbane._domainkey.example.com':
        'v=DKIM1; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDwIRP/UC3SBsEmGqZ9ZJW3/DkMoGeLnQg1fWn7/zYtIxN2SnFCjxOCKG9v3b4jYfcTNh5ijSsq631uBItLa7od+v/RtdC2UzJ1lWT947qR+Rcac2gbto/NMqJ0fzfVjH4OuKhitdY9tf6mcwGjaNBcWToIMmPSPDdQPNUYckcQ2QIDAQAB',
    });
    expect(await verify(message, { resolver })).toEqual([
      {
        result: 'pass',
        reason: 'verified',
        detail: 'The signature holds.',
        domain: 'example.com',
        selector: 'brisbane',
        identity: 'joe@football.example.com',
        algorithm: 'rsa-sha256',
        canonicalization: { header: 'simple', body: 'simple' },
        signature: expect.stringMatching(/^AuUoFEfDxTDkHlLXSZEpZj79[!-~]*4bmp\/YzhwvcubU4=$/),
        signedAt: undefined,
        expiresAt: undefined,
        signedFields: ['received', 'from', 'to', 'subject', 'date', 'message-id'],
        oversignedFields: [],
        unsignedBytes: 0,
        keyBits: 1_024,
        testing: false,
        authentic: false,
      },
    ]);
    expect(await words(message.replace('dinner', 'supper'), { resolver })).toEqual(['fail/signature-mismatch']);
    expect(await words(message.replace('hungry', 'angry'), { resolver })).toEqual(['fail/body-altered']);
  });

  it('verifies RFC 8463 A.3 with the keys of A.2', async () => {
    const message = crlf(`DKIM-Signature: v=1; a=ed25519-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=brisbane; t=1528637909; h=from : to :
 subject : date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=/gCrinpcQOoIfuHNQIbq4pgh9kyIK3AQUdt9OdqQehSwhEIug4D11Bus
 Fa3bT3FY5OsU7ZbnKELq+eXdp1Q1Dw==
DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed;
 d=football.example.com; i=@football.example.com;
 q=dns/txt; s=test; t=1528637909; h=from : to : subject :
 date : message-id : from : subject : date;
 bh=2jUSOH9NhtVGCQWNr9BrIAPreKQjO6Sn7XIkfJVOzv8=;
 b=F45dVWDfMbQDGHJFlXUNB2HKfbCeLRyhDXgFpEL8GwpsRe0IeIixNTe3
 DhCVlUrSjV4BwcVcOF6+FF3Zo9Rpo1tFOeS9mPYQTnGdaSGsgeefOsk2Jz
 dA+L10TeYt9BgDfQNZtKdN1WO//KgIqXP7OdEFE4LjFYNcUxZQ4FADY+8=
${rest}`);
    const resolver = zone({
      'brisbane._domainkey.football.example.com': 'v=DKIM1; k=ed25519; p=11qYAYKxCrfVS/7TyWQHOg7hcvPapiMlrwIaaPcHURo=',
      'test._domainkey.football.example.com':
        'v=DKIM1; k=rsa; p=MIGfMA0GCSqGSIb3DQEBAQUAA4GNADCBiQKBgQDkHlOQoBTzWRiGs5V6NpP3idY6Wk08a5qhdR6wy5bdOKb2jLQiY/J16JYi0Qvx/byYzCNb3W91y3FutACDfzwQ/BC/e/8uBsCR+yz1Lxj+PL6lHvqMKrM3rG4hstT5QjvHO9PzoxZyVYLzBfO2EeC3Ip3G+2kryOTIKT+l/K4w3QIDAQAB',
    });
    const results = await verify(message, { resolver });
    expect(results.map(({ result, algorithm, keyBits }) => [result, algorithm, keyBits])).toEqual([
      ['pass', 'ed25519-sha256', 256],
      ['pass', 'rsa-sha256', 1_024],
    ]);
    expect(results[0]?.oversignedFields).toEqual(['from', 'subject', 'date']);
    expect(results[0]?.signedAt).toBe(1_528_637_909);
  });
});

describe('what is signed', () => {
  const modes = ['simple/simple', 'simple/relaxed', 'relaxed/simple', 'relaxed/relaxed', 'relaxed'] as const;
  const keys: readonly (readonly [string, KeyObject])[] = [
    ['RSA', rsa.privateKey],
    ['Ed25519', ed25519.privateKey],
  ];

  it.each(modes.flatMap((c) => keys.map(([name, key]) => [c, name, key] as const)))(
    'passes in %s with %s, in any chunks',
    async (c, _, privateKey) => {
      const message = bytes(signedMessage([{ tags: { c }, privateKey }], input));
      for (const size of [1, 2, 3, 7, 100, message.length]) {
        const chunks = Array.from({ length: Math.ceil(message.length / size) }, (_, n) =>
          message.subarray(n * size, (n + 1) * size),
        );
        const [result, ...others] = await verifyDkim(chunks, { resolver: zone() });
        expect(others).toEqual([]);
        expect(result).toMatchObject({ result: 'pass', reason: 'verified', domain: 'example.com' });
      }
    },
  );

  it('never passes with another byte in it', async () => {
    const resolver = zone();
    for (const c of modes) {
      const message = bytes(signedMessage([{ tags: { c } }], input));
      expect(await words(message.toString('latin1'), { resolver })).toEqual(['pass/verified']);
      const bodyStart = message.length - body.length;
      const signatureStart = message.indexOf('; b=') + 4;
      const signatureEnd = message.indexOf('\r\n', signatureStart);
      await fc.assert(
        fc.asyncProperty(
          fc.nat({ max: message.length - 1 }),
          fc.integer({ min: 1, max: 255 }),
          async (at, difference) => {
            const changed = Buffer.from(message);
            const before = message[at] ?? 0;
            changed[at] = before ^ difference;
            const after = changed[at] ?? 0;
            if (at < bodyStart) {
              // b= is not signed, but holds for nothing else. Space may come and go, and names be written in capitals, in
              // `relaxed`; so the header is only tried with what is neither.
              if (at >= signatureStart && at < signatureEnd) return;
              if (before <= 0x20 || after <= 0x20 || difference === 0x20) return;
            }
            const mode = c.endsWith('/relaxed') ? 'relaxed' : 'simple';
            const same =
              at >= bodyStart &&
              canonicalBody(changed.toString('latin1', bodyStart), mode) === canonicalBody(body, mode);
            const [result] = await verifyDkim(changed, { resolver });
            expect(result?.result === 'pass').toBe(same);
          },
        ),
        { numRuns: 250 },
      );
    }
  });

  it('takes fields from the bottom up, and knows of those that are signed as absent', async () => {
    const both = ['X: upper', 'X: lower', 'Subject: s', 'To: b@example.net', 'From: a@example.com'];
    const message = signedMessage([{ tags: { h: 'From:To:Subject:X:X:X:CC' } }], { body, fields: both });
    const [good] = await verify(message);
    expect(good).toMatchObject({ result: 'pass', oversignedFields: ['x', 'cc'] });
    const swapped = message.replace('X: upper\r\nX: lower', 'X: lower\r\nX: upper');
    expect(await words(swapped)).toEqual(['fail/signature-mismatch']);
    const withTwo = { body, fields: ['X: upper', 'X: lower', ...fields] };
    const over = signedMessage([{ tags: { h: 'Subject:To:From:X:X:X:From' } }], withTwo);
    const added = over.replace('X: upper', 'From: evil@example.org\r\nX: upper');
    expect(added).not.toBe(over);
    expect(await words(over)).toEqual(['pass/verified']);
    expect(await words(added)).toEqual(['fail/signature-mismatch']);
  });

  it('leaves out what is not signed', async () => {
    const message = signedMessage([{}], input);
    expect(await words(`Received: from nowhere\r\n${message}`)).toEqual(['pass/verified']);
    expect(await words(message.replace(/\n$/, '\n\r\n\r\n'))).toEqual(['pass/verified']);
  });

  it('takes the LF of a file for the end of a line', async () => {
    for (const c of ['simple/simple', 'relaxed/relaxed']) {
      const message = signedMessage([{ tags: { c } }], input);
      expect(await words(message.replaceAll('\r\n', '\n'))).toEqual(['pass/verified']);
    }
  });

  it('knows messages without a body', async () => {
    for (const c of ['simple/simple', 'relaxed/relaxed']) {
      const message = signedMessage([{ tags: { c } }], { fields, body: '' });
      expect(await words(message)).toEqual(['pass/verified']);
      expect(await words(message.replace(/\r\n$/, ''))).toEqual(['pass/verified']);
    }
  });
});

describe('the body length', () => {
  const signed = canonicalBody(body, 'relaxed').length;
  const message = signedMessage([{ tags: { l: String(signed) } }], input);

  it('refuses a tail that is not signed, or says how long it is', async () => {
    expect(await words(message)).toEqual(['pass/verified']);
    const longer = `${message}<html>\r\n`;
    const [refused] = await verify(longer);
    expect(refused).toMatchObject({ result: 'policy', reason: 'unsigned-body' });
    const [accepted] = await verify(longer, { bodyLength: 'accept' });
    expect(accepted).toMatchObject({ result: 'pass', unsignedBytes: refused?.unsignedBytes });
    expect(accepted?.unsignedBytes).toBe(canonicalBody(`${body}<html>\r\n`, 'relaxed').length - signed);
  });

  it('knows a body that is shorter, and numbers that are too large', async () => {
    expect(await words(message.slice(0, -20))).toEqual(['fail/body-truncated']);
    for (const l of [signed + 1, 10 ** 15, '9'.repeat(76)]) {
      const claimed = signedMessage([{ tags: { l: String(l) } }], input);
      expect(await words(claimed)).toEqual(['fail/body-truncated']);
    }
    expect(await words(signedMessage([{ tags: { l: '0' } }], input), { bodyLength: 'accept' })).toEqual([
      'pass/verified',
    ]);
  });

  it('hashes once for signatures of every length', async () => {
    const lengths = [0, 5, 17, signed].map((l) => ({ tags: { l: String(l) } }));
    const results = await verify(signedMessage([...lengths, {}], input), { bodyLength: 'accept' });
    expect(results.map(({ result, unsignedBytes }) => [result, unsignedBytes])).toEqual([
      ['pass', signed],
      ['pass', signed - 5],
      ['pass', signed - 17],
      ['pass', 0],
      ['pass', 0],
    ]);
  });
});

describe('bad input', () => {
  const message = signedMessage([{}], input);

  it('is nothing without a signature', async () => {
    for (const text of ['', '\r\n', 'body', 'From: a@example.com', 'From: a@example.com\r\n\r\n']) {
      expect(await verify(text)).toEqual([]);
    }
  });

  it('has a header beyond the bound', async () => {
    const huge = `X: ${'x'.repeat(5_000_000)}\r\n${message}`;
    expect(await words(huge)).toEqual(['permerror/header']);
    expect(await words(message, { header: { maxFields: 2 } })).toEqual(['permerror/header']);
  });

  it('has a header without an end', async () => {
    const broken = message.replace('\r\n\r\n', '\r\nno field\r\n\r\n');
    expect(await words(broken)).toEqual(['permerror/header']);
    expect(await verify(broken)).toMatchObject([{ domain: 'example.com', selector: 'rsa' }]);
  });

  it('is never an exception', async () => {
    const resolver = zone();
    const noise = fc.array(
      fc.constantFrom(
        'DKIM-Signature:',
        'From: a@example.com',
        '\r\n',
        '\n',
        '\r',
        '\0',
        ' ',
        'v=1;',
        'b=',
        'h=from;',
        '\u00ff',
        message,
      ),
      { maxLength: 30 },
    );
    await fc.assert(
      fc.asyncProperty(noise, async (parts) => {
        const results = await verifyDkim(bytes(parts.join('')), { resolver });
        for (const { result, reason } of results) {
          if (result === 'pass') expect(reason).toBe('verified');
        }
      }),
      { numRuns: 300 },
    );
  });

  it('is no message, or no option: that is the mistake of a programmer', async () => {
    const resolver = zone();
    await expect(verifyDkim(bytes(message), JSON.parse('{}'))).rejects.toThrow('verifyDkim: option "resolver"');
    await expect(verifyDkim(bytes(message), { resolver, maxSignatures: 0 })).rejects.toThrow(RangeError);
    await expect(verifyDkim(bytes(message), Object.assign({ resolver }, { skew: 1 }))).rejects.toThrow(TypeError);
    await expect(verifyDkim(JSON.parse('["text"]'), { resolver })).rejects.toThrow(TypeError);
    await expect(verifyDkim(JSON.parse('"text"'), { resolver })).rejects.toThrow(TypeError);
  });
});

describe('streams', () => {
  const message = bytes(signedMessage([{}], input));

  it('are read to their end', async () => {
    const stream = Readable.from([message.subarray(0, 300), message.subarray(300)]);
    expect(await verifyDkim(stream, { resolver: zone() })).toMatchObject([{ result: 'pass' }]);
    expect(stream.destroyed).toBe(true);
  });

  it('may fail', async () => {
    for (const part of [20, message.length - 5]) {
      const stream = Readable.from(
        (async function* () {
          yield message.subarray(0, part);
          throw new Error('connection reset');
        })(),
      );
      const results = await verifyDkim(stream, { resolver: zone() });
      expect(results).toMatchObject([{ result: 'temperror', reason: 'incomplete' }]);
      expect(results[0]?.detail).toContain('connection reset');
    }
  });

  it('may be half open: an abort ends the wait and the stream', async () => {
    const stream = new Readable({ read() {} });
    stream.push(message.subarray(0, message.length - 5));
    const controller = new AbortController();
    const results = verifyDkim(stream, { resolver: zone(), signal: controller.signal });
    setImmediate(() => controller.abort());
    expect(await results).toMatchObject([{ result: 'temperror', reason: 'incomplete', domain: 'example.com' }]);
    expect(stream.destroyed).toBe(true);
  });

  it('are not read at all when the caller has given up before', async () => {
    const results = await verifyDkim(message, { resolver: zone(), signal: AbortSignal.abort() });
    expect(results).toMatchObject([{ result: 'temperror', reason: 'incomplete', domain: '' }]);
  });

  it('are not read on when the header is refused', async () => {
    let read = 0;
    async function* endless() {
      for (;;) {
        read++;
        yield Buffer.alloc(1_024, 'x: x');
      }
    }
    const results = await verifyDkim(endless(), { resolver: zone(), header: { maxHeaderBytes: 10_000 } });
    expect(results).toMatchObject([{ result: 'permerror', reason: 'header' }]);
    expect(read).toBeLessThan(20);
  });

  it('an abort ends the wait for a key', async () => {
    const resolver = zone();
    const letGo = resolver.hold('rsa._domainkey.example.com');
    const controller = new AbortController();
    const results = verifyDkim(message, { resolver, signal: controller.signal });
    setImmediate(() => controller.abort());
    expect(await results).toMatchObject([{ result: 'temperror', reason: 'incomplete' }]);
    letGo();
  });
});
