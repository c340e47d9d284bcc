import { connect } from 'node:net';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { SmtpDriver } from './smtp-driver.ts';
import { SmtpSink } from './smtp-sink.ts';

let sink: SmtpSink;
let client: SmtpDriver;
beforeEach(async () => {
  sink = await SmtpSink.start();
  client = await SmtpDriver.connect({ port: sink.port });
});
afterEach(async () => {
  await client.close();
  await sink.close();
});

const codes = async (...lines: string[]): Promise<number[]> => {
  const replies: number[] = [];
  for (const line of lines) replies.push((await client.command(line)).code);
  return replies;
};

/** Greets, and opens a transaction. */
async function upToData(): Promise<void> {
  await client.reply();
  await codes('EHLO client.test', 'MAIL FROM:<a@example.com>', 'RCPT TO:<b@example.org>');
}

it('takes a message with its envelope', async () => {
  expect(await client.reply()).toMatchObject({ code: 220, text: 'sink.test ESMTP' });
  const ehlo = await client.command('EHLO client.test');
  expect(ehlo.lines).toEqual([
    'sink.test',
    'PIPELINING',
    'SIZE 10485760',
    '8BITMIME',
    'SMTPUTF8',
    'ENHANCEDSTATUSCODES',
  ]);
  expect(await codes('MAIL FROM:<a@example.com> SIZE=100 BODY=8BITMIME')).toEqual([250]);
  expect(await codes('RCPT TO:<b@example.org>', 'rcpt to: <"c>d"@example.org>')).toEqual([250, 250]);
  expect(await client.data('Subject: x\r\n\r\n.dot\r\n..\r\nbare\nend')).toMatchObject({
    code: 250,
    enhanced: '2.0.0',
  });
  expect(await codes('QUIT')).toEqual([221]);
  expect(await client.closed).toBe('end');
  expect(sink.messages).toEqual([
    {
      client: { address: '127.0.0.1', port: expect.any(Number), helo: 'client.test', esmtp: true, tls: false },
      reversePath: { address: 'a@example.com', parameters: { SIZE: '100', BODY: '8BITMIME' } },
      recipients: [
        { address: 'b@example.org', parameters: {}, reply: '250 2.1.5 Ok', accepted: true },
        { address: '"c>d"@example.org', parameters: {}, reply: '250 2.1.5 Ok', accepted: true },
      ],
      dataStarted: true,
      finalDot: true,
      message: Buffer.from('Subject: x\r\n\r\n.dot\r\n..\r\nbare\nend\r\n'),
      reply: '250 2.0.0 Ok',
      accepted: true,
    },
  ]);
});

it('finds the final dot wherever the pieces are cut, and answers pipelined commands', async () => {
  await upToData();
  const conversation =
    'DATA\r\nx\r\n..y\r\n.\n.\r.\r\n\r\n.\r\nMAIL FROM:<>\r\nRCPT TO:<b@example.org>\r\nDATA\r\n.\r\nQUIT\r\n';
  await client.slow(conversation, 0);
  const replies = [];
  for (let count = 0; count < 7; count++) replies.push((await client.reply()).code);
  expect(replies).toEqual([354, 250, 250, 250, 354, 250, 221]);
  expect(sink.messages.map(({ message }) => message.toString())).toEqual(['x\r\n.y\r\n\n.\r.\r\n\r\n', '']);
});

it('answers everything pipelined in one piece, then FIN', async () => {
  await upToData();
  await client.send('DATA\r\nhello\r\n.\r\nQUIT\r\n');
  client.end();
  expect([(await client.reply()).code, (await client.reply()).code, (await client.reply()).code]).toEqual([
    354, 250, 221,
  ]);
  await sink.idle();
  expect(sink.messages[0]?.message.toString()).toBe('hello\r\n');
});

it('holds clients to the order of commands', async () => {
  await client.reply();
  expect(await codes('MAIL FROM:<a@b>', 'EHLO', 'RCPT TO:<a@b>', 'DATA', 'WIZ', 'VRFY a')).toEqual([
    503, 501, 503, 503, 500, 252,
  ]);
  expect(await codes('HELO c', 'MAIL <a@b>', 'MAIL FROM:a@b', 'MAIL FROM:<a@b', 'NOOP')).toEqual([
    250, 501, 501, 501, 250,
  ]);
  expect(await codes('MAIL FROM:<>', 'MAIL FROM:<>', 'DATA', 'RCPT TO:<>', 'RSET', 'RCPT TO:<a@b>')).toEqual([
    250, 503, 554, 501, 250, 503,
  ]);
  expect(await codes('MAIL FROM:<>', 'EHLO again', 'RCPT TO:<a@b>')).toEqual([250, 250, 503]);
  expect(await codes('STARTTLS')).toEqual([503]);
});

it('refuses parameters that it did not offer', async () => {
  await client.reply();
  await codes('HELO c');
  expect(await codes('MAIL FROM:<a@b> SIZE=1')).toEqual([555]);
  await codes('EHLO c');
  expect(
    await codes('MAIL FROM:<a@b> RET=FULL', 'MAIL FROM:<a@b> BODY=BINARYMIME', 'MAIL FROM:<a@b> SIZE=99999999'),
  ).toEqual([555, 501, 552]);
  expect(await codes('MAIL FROM:<\u00fc@b>', 'MAIL FROM:<\u00fc@b> SMTPUTF8', 'RCPT TO:<\u00fc@b>')).toEqual([
    553, 250, 250,
  ]);
  expect(await codes('RSET', 'MAIL FROM:<a@b>', 'RCPT TO:<\u00fc@b>', 'RCPT TO:<a@b> NOTIFY=NEVER')).toEqual([
    250, 250, 553, 555,
  ]);
});

it('refuses what is too long', async () => {
  await using small = await SmtpSink.start({ maxMessageBytes: 20 });
  await using other = await SmtpDriver.connect({ port: small.port });
  await other.reply();
  for (const line of ['EHLO c', 'MAIL FROM:<a@b>', 'RCPT TO:<a@b>']) await other.command(line);
  expect(await other.data('x'.repeat(19))).toMatchObject({ code: 552 });
  for (const line of ['MAIL FROM:<a@b>', 'RCPT TO:<a@b>']) await other.command(line);
  expect(await other.data('x'.repeat(18))).toMatchObject({ code: 250 });
  expect(small.messages).toHaveLength(1);
  expect(small.transactions[0]).toMatchObject({ finalDot: true, accepted: false, message: Buffer.alloc(0) });
  await other.send('x'.repeat(5_000));
  expect(await other.reply()).toMatchObject({ code: 500 });
  expect(await other.closed).toBe('end');
});

it('knows of messages that never ended', async () => {
  await upToData();
  await client.command('DATA');
  await client.send('half\r\n.');
  client.end();
  await sink.idle();
  expect(sink.messages).toEqual([]);
  expect(sink.transactions).toMatchObject([{ dataStarted: true, finalDot: false, accepted: false, reply: undefined }]);
  expect(sink.transactions[0]?.message.toString()).toBe('half\r\n');
  expect(sink.commands.at(-1)).toBe('DATA');
  expect(sink.connections).toBe(1);
  sink.clear();
  expect([sink.transactions, sink.commands, sink.connections]).toEqual([[], [], 0]);
});

describe('faults', () => {
  it('refuse one recipient, and a sender, so many times', async () => {
    sink.setFaults([
      { stage: 'rcpt', match: 'B@example.org', fault: 'reply', reply: '550 5.1.1 Nobody here\nReally' },
      { stage: 'mail', fault: 'reply', reply: '451 4.3.0 Later', times: 1 },
    ]);
    await client.reply();
    expect(await codes('EHLO c', 'MAIL FROM:<a@b>', 'MAIL FROM:<a@b>', 'RCPT TO:<a@example.org>')).toEqual([
      250, 451, 250, 250,
    ]);
    expect(await client.command('RCPT TO:<b@example.org>')).toMatchObject({
      code: 550,
      lines: ['5.1.1 Nobody here', 'Really'],
    });
    await client.data('x');
    expect(sink.messages[0]?.recipients.map(({ accepted }) => accepted)).toEqual([true, false]);
  });

  it('refuse EHLO, so that clients try HELO', async () => {
    sink.setFaults([{ stage: 'helo', match: 'EHLO', fault: 'reply', reply: '502 5.5.1 No' }]);
    await client.reply();
    expect(await codes('EHLO c', 'MAIL FROM:<a@b>', 'HELO c', 'MAIL FROM:<a@b>')).toEqual([502, 503, 250, 250]);
    expect(sink.transactions[0]?.client).toMatchObject({ helo: 'c', esmtp: false });
  });

  it('refuse at DATA and behind the final dot', async () => {
    sink.setFaults([
      { stage: 'data', fault: 'reply', reply: '452 4.3.1 Full', times: 1 },
      { stage: 'dot', fault: 'reply', reply: '554 5.6.0 Bad' },
    ]);
    await upToData();
    expect(await client.data('x')).toMatchObject({ code: 452 });
    expect(await client.data('x')).toMatchObject({ code: 554 });
    expect(sink.messages).toEqual([]);
    expect(sink.transactions[0]).toMatchObject({ finalDot: true, reply: '554 5.6.0 Bad' });
  });

  it('end the connection behind the final dot, before its reply', async () => {
    sink.setFaults([{ stage: 'dot', fault: 'close' }]);
    await upToData();
    await expect(client.data('x')).rejects.toMatchObject({ reason: 'closed' });
    expect(await client.closed).toBe('end');
    expect(sink.transactions[0]).toMatchObject({ finalDot: true, reply: undefined, accepted: false });
  });

  it('reset the connection in the middle of the message', async () => {
    sink.setFaults([{ stage: 'body', afterBytes: 10, fault: 'reset' }]);
    await upToData();
    await client.command('DATA');
    await client.send('short\r\n');
    await client.send('long enough\r\n');
    expect(await client.closed).toBe('reset');
    expect(sink.transactions[0]).toMatchObject({ finalDot: false });
  });

  it('greet with a refusal, with garbage, or not at all', async () => {
    const greeting = async (): Promise<SmtpDriver> => SmtpDriver.connect({ port: sink.port, timeoutMs: 50 });
    sink.setFaults([{ stage: 'connect', fault: 'reply', reply: '554 5.3.2 No service' }]);
    await using refused = await greeting();
    expect(await refused.reply()).toMatchObject({ code: 554 });
    expect((await refused.command('EHLO c')).code).toBe(503);
    expect((await refused.command('QUIT')).code).toBe(221);

    sink.setFaults([{ stage: 'connect', fault: 'reply', reply: '421 4.3.2 Busy' }]);
    await using busy = await greeting();
    expect(await busy.reply()).toMatchObject({ code: 421 });
    expect(await busy.closed).toBe('end');

    sink.setFaults([{ stage: 'connect', fault: 'raw', bytes: 'HTTP/1.1 400 Bad Request\r\n' }]);
    await using garbled = await greeting();
    await expect(garbled.reply()).rejects.toMatchObject({ reason: 'malformed' });

    sink.setFaults([{ stage: 'connect', fault: 'hang' }]);
    await using silent = await greeting();
    await expect(silent.reply()).rejects.toMatchObject({ reason: 'timeout' });
    await Promise.all([garbled.close(), silent.close(), client.close()]);
    await sink.idle();
  });

  it('delay, and let another follow', async () => {
    sink.setFaults([
      { stage: 'noop', fault: 'delay', delayMs: 10 },
      { stage: 'noop', fault: 'reply', reply: '450 4.0.0 No' },
      { stage: 'quit', fault: 'close' },
    ]);
    await client.reply();
    expect(await codes('NOOP')).toEqual([450]);
    await expect(client.command('QUIT')).rejects.toMatchObject({ reason: 'closed' });
  });

  it.each([
    ['{"stage":"mail","fault":"reply","reply":"no"}', '"reply" must be a code and a text'],
    ['{"stage":"mail","fault":"reply"}', '"reply" must be a code and a text'],
    ['{"stage":"body","fault":"reply","reply":"550 no"}', 'nobody replies in the middle of a message'],
    ['{"stage":"male","fault":"close"}', '"stage" must be one of connect'],
    ['{"stage":"mail","fault":"clsoe"}', '"fault" must be one of reply'],
    ['{"stage":"mail","fault":"delay"}', '"delayMs" must be milliseconds'],
    ['{"stage":"mail","fault":"close","afterBytes":1}', 'unknown option "afterBytes"'],
    ['{"stage":"mail","fault":"close","times":-1}', '"times" must be'],
  ])('refuse %s', (json, message) => {
    expect(() => sink.setFaults([JSON.parse(json)])).toThrow(message);
  });
});

it.each([
  ['{"fault":[]}', 'unknown option "fault"'],
  ['{"faults":{}}', '"faults" must be an array'],
  ['{"extensions":"SIZE"}', '"extensions" must be an array'],
  ['{"maxMessageBytes":0}', '"maxMessageBytes" must be'],
])('refuses the options %s', async (json, message) => {
  await expect(SmtpSink.start(JSON.parse(json))).rejects.toThrow(message);
});

it('lets a client go that breaks the connection', async () => {
  await client.reply();
  client.reset();
  await client.closed;
  await sink.idle();
});

it('stops at once', async () => {
  await client.reply();
  const { port } = sink;
  await Promise.all([sink.close(), sink.close()]);
  await client.closed;
  expect(() => sink.port).toThrow('closed');
  const refused = connect(port, '127.0.0.1');
  const code = await new Promise((resolve) => refused.on('error', (error) => resolve(Reflect.get(error, 'code'))));
  expect(code).toBe('ECONNREFUSED');
});
