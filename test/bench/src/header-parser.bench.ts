/**
 * The header of one message: read once, then asked for what the sinks of a gateway ask for. The baseline is what one writes
 * in five lines: one decoded string, unfolded and split. It has no bounds, needs the whole header at once, keeps no bytes
 * (so no signature can be checked with it) and takes any line for a field.
 */
import { HeaderParser } from '@postern/core';
import { bench, do_not_optimize, run, summary } from 'mitata';

/** A header as a message has it after a few hops. */
function headerOf(hops: number): string {
  const received = Array.from(
    { length: hops },
    (_, hop) =>
      `Received: from mail${hop}.example.org (mail${hop}.example.org [192.0.2.${hop}])\r\n` +
      `\tby mx${hop}.example.com with ESMTPS id 4f1b2c3d${hop}\r\n` +
      `\tfor <someone@example.com>; Thu, 21 May 2026 10:00:0${hop % 10} +0000\r\n`,
  );
  const names = [
    'From',
    'To',
    'Cc',
    'Subject',
    'Date',
    'Message-ID',
    'MIME-Version',
    'Content-Type',
    'List-Unsubscribe',
  ];
  const others = names.map((name) => `${name}: a value of usual length for ${name} <someone@example.com>\r\n`);
  const signature =
    'DKIM-Signature: v=1; a=rsa-sha256; c=relaxed/relaxed; d=example.org; s=key1;\r\n' +
    `\tbh=${'A'.repeat(44)};\r\n\th=From:To:Subject:Date;\r\n\tb=${'B'.repeat(344)}\r\n`;
  return [...received, signature, ...others, '\r\n'].join('');
}

function naive(chunk: Buffer): Map<string, string[]> {
  const text = chunk.toString('latin1');
  const fields = new Map<string, string[]>();
  for (const line of text
    .slice(0, text.indexOf('\r\n\r\n'))
    .replace(/\r\n(?=[ \t])/g, '')
    .split('\r\n')) {
    const colon = line.indexOf(':');
    const name = line.slice(0, colon).toLowerCase();
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).trim()]);
  }
  return fields;
}

for (const hops of [5, 20]) {
  const header = headerOf(hops);
  const message = Buffer.from(header + 'x'.repeat(Math.max(0, 5_120 - header.length)));
  const pieces = Array.from({ length: Math.ceil(message.length / 512) }, (_, n) =>
    message.subarray(n * 512, (n + 1) * 512),
  );
  const size = `header of ${header.length} bytes`;
  summary(() => {
    bench(`HeaderParser, ${size}`, () => do_not_optimize(new HeaderParser().write(message)));
    bench(`HeaderParser and three fields, ${size}`, () => {
      const state = new HeaderParser().write(message);
      if (state.kind !== 'complete') throw new Error(state.kind);
      for (const name of ['from', 'message-id', 'dkim-signature']) do_not_optimize(state.header.first(name)?.value);
    });
    bench(`HeaderParser in chunks of 512 bytes, ${size}`, () => {
      const parser = new HeaderParser();
      for (const piece of pieces) if (parser.write(piece).kind !== 'incomplete') break;
    });
    bench(`unfold and split, ${size}`, () => do_not_optimize(naive(message)));
  });
}

await run();
