import { OptionReader } from '@postern/core';
import type { SpfEvaluation } from './spf-evaluation.ts';

/** How to write {@link formatReceivedSpf}. */
export interface ReceivedSpfOptions {
  /** The name of the host that has checked: 1 to 255 characters, printable US-ASCII without spaces. */
  readonly receiver: string;
}

const LONGEST_LINE = 78;
/** `Received-SPF: ` */
const NAME_LENGTH = 14;
/** The most octets of a value; one that is longer is left out, since it could be cut to a value that means something else. */
const LONGEST_VALUE = 400;

/** RFC 5322 §3.2.3. */
const dotAtom = /^[!#$%&'*+\-/=?0-9A-Z^_`a-z{|}~]+(?:\.[!#$%&'*+\-/=?0-9A-Z^_`a-z{|}~]+)*$/;
const hostName = /^[!-~]{1,255}$/;
/** What no quoted-string may have, escaped or not (RFC 5322 §3.2.4), and what ends a line for some readers of Unicode. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const controls = /[\u0000-\u001f\u007f-\u009f\u2028\u2029\ud800-\udfff]/u;

function isHostName(value: unknown): value is string {
  return typeof value === 'string' && hostName.test(value);
}

/** What the result means, to stand in the comment. */
function describe({ result, domain, ip, problem }: SpfEvaluation): string {
  switch (result) {
    case 'pass':
      return `${domain} authorizes ${ip}`;
    case 'fail':
      return `${domain} does not authorize ${ip}`;
    case 'softfail':
      return `${domain} probably does not authorize ${ip}`;
    case 'neutral':
      return `${domain} says nothing about ${ip}`;
    default:
      return problem ?? 'there is no result';
  }
}

/**
 * The words of a comment (RFC 5322 §3.2.2); the text is printable US-ASCII, or becomes it. No word is empty: names may have
 * many spaces in a row, and "a line of only WSP" ends the header for some readers.
 */
function commentWords(text: string): string[] {
  const safe = text
    .slice(0, LONGEST_VALUE)
    .replace(/[^ -~]/g, '?')
    .replace(/[()\\]/g, '\\$&');
  return `(${safe})`.split(' ').filter((word) => word !== '');
}

/** `key=value` (RFC 7208 §9.1): a dot-atom or a quoted-string; nothing when the value can be neither. */
function pair(key: string, value: string | undefined): string[] {
  if (value === undefined || Buffer.byteLength(value) > LONGEST_VALUE || controls.test(value)) return [];
  return [`${key}=${dotAtom.test(value) ? value : `"${value.replace(/["\\]/g, '\\$&')}"`};`];
}

/**
 * The value of a Received-SPF field (RFC 7208 §9.1), folded. With `formatHeaderField('Received-SPF', …)` of core it
 * becomes the field, which goes above all others of the message, since only those above the first `Received` of one's own
 * can be trusted.
 *
 * What the client sent is written as a quoted string where it is no plain word; with a control character in it, or longer
 * than 400 octets, it is left out. What is beyond US-ASCII in it stays as it is, as in the messages that such senders are
 * allowed (RFC 6532).
 *
 * @param evaluation - that of one identity; of a whole check, the reverse-path's
 * @throws TypeError when `receiver` is no host name
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { checkSpfHelo, formatReceivedSpf } from '@postern/spf-dmarc';
 *
 * const client = { ip: '192.0.2.10', helo: 'mail.example.com' };
 * const evaluation = await checkSpfHelo(client, { resolver: systemResolver() });
 * console.log(formatReceivedSpf(evaluation, { receiver: 'mx.example.org' }));
 * ```
 */
export function formatReceivedSpf(evaluation: SpfEvaluation, options: ReceivedSpfOptions): string {
  const read = new OptionReader('formatReceivedSpf', options);
  const receiver = read.required('receiver', isHostName, 'a host name');
  read.done();

  const { result, identity, sender, ip, heloName, matched, problem } = evaluation;
  const mechanism = matched?.term ?? (result === 'neutral' ? 'default' : undefined);
  const words = [
    result,
    ...commentWords(`${receiver}: ${describe(evaluation)}`),
    ...pair('client-ip', ip),
    ...(identity === 'mailfrom' ? pair('envelope-from', sender) : []),
    ...(heloName === '' ? [] : pair('helo', heloName)),
    ...pair('receiver', receiver),
    ...pair('identity', identity),
    ...pair('mechanism', mechanism),
    ...(result === 'temperror' || result === 'permerror' ? pair('problem', problem) : []),
  ];
  let text = '';
  let column = NAME_LENGTH;
  for (const word of words) {
    const fits = text === '' || column + 1 + word.length <= LONGEST_LINE;
    text += text === '' ? word : fits ? ` ${word}` : `\r\n\t${word}`;
    column = fits ? column + 1 + word.length : 1 + word.length;
  }
  return text;
}
