/** The fields of `messageShapes` that are signed; not each message has each, and some have one several times. */
export const signedFields: readonly string[] = [
  'From',
  'To',
  'Subject',
  'Date',
  'Message-ID',
  'Received-By',
  'Comment-On',
  'X-Empty',
];

function message(domain: string, header: string, body: Buffer | string): Buffer {
  const fixed = `From: Ann <ann@${domain}>\r\nTo: bob@example.net\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\nMessage-ID: <1@${domain}>\r\n`;
  return Buffer.concat([Buffer.from(`${fixed}${header}\r\n`), Buffer.from(body)]);
}

const plain = 'Subject: plain\r\n';

/** What canonicalization has to be careful about, as messages of a domain, each without a signature. */
export const messageShapes: Readonly<Record<string, (domain: string) => Buffer>> = {
  plain: (domain) => message(domain, plain, 'Hello,\r\n\r\nthis is all.\r\n'),
  'no body': (domain) => message(domain, plain, ''),
  'only empty lines': (domain) => message(domain, plain, '\r\n\r\n\r\n'),
  'only white space': (domain) => message(domain, plain, ' \t \r\n  \r\n\t\r\n'),
  'empty lines at the end': (domain) => message(domain, plain, 'Hello\r\n\r\n\r\n\r\n'),
  'white space at the end': (domain) => message(domain, plain, 'Hello \t\r\nagain\t \r\n \r\n\t\r\n'),
  'runs of white space': (domain) => message(domain, plain, ' a  b \t\t c\r\n\t\td   \r\n  \r\n\r\n   e\r\n'),
  dots: (domain) => message(domain, plain, '.\r\n..\r\n...\r\n. \r\n'),
  'eight bits': (domain) =>
    message(
      domain,
      'Subject: Grüße aus Köln\r\n',
      Buffer.concat([Buffer.from('Grüße\r\n'), Buffer.from([0xe4, 0xff, 0x80, 0xa0, 0x0d, 0x0a])]),
    ),
  'folded fields': (domain) =>
    message(domain, 'Subject: folded\r\n\t  at  every \t\r\n place\r\nComment-On: some\r\n  more\r\n', 'Hello\r\n'),
  'values with odd ends': (domain) =>
    message(
      domain,
      'Subject:\r\n folded \t\r\nX-Empty:\r\nReceived-By:\ttab\r\nComment-On:  two\r\nComment-On: \r\n later\r\n',
      'Hello\r\n',
    ),
  'repeated fields': (domain) =>
    message(
      domain,
      'Received-By: third\r\nComment-On: b\r\nReceived-By: second\r\nSubject: repeated\r\nReceived-By: first\r\ncomment-on: a\r\nSUBJECT: twice\r\n',
      'Hello\r\n',
    ),
  'long lines': (domain) =>
    message(
      domain,
      `Subject: ${'long '.repeat(190)}\r\nComment-On: ${`${'x'.repeat(60)}\r\n `.repeat(40)}end\r\n`,
      `${'y'.repeat(998)}\r\n${'z '.repeat(10_000)}\r\n`,
    ),
  'a large body': (domain) =>
    message(
      domain,
      plain,
      Array.from({ length: 1_000 }, (_, n) => `Line ${n},  ${'word '.repeat(n % 20)}\r\n`).join(''),
    ),
};
