import {
  formatAuthenticationResults,
  formatHeaderField,
  HeaderBounds,
  type HeaderEdit,
  type HeaderFields,
  HeaderParser,
  type HeaderParserOptions,
  isResolver,
  OptionReader,
  type ParsedAuthenticationResults,
  type Resolver,
} from '@postern/core';
import type { DkimSignatureResult } from '../dkim/dkim-signature-result.ts';
import { type DkimMessage, readMessage } from '../dkim/message-chunks.ts';
import type { DmarcEvaluation } from '../dmarc/dmarc-evaluation.ts';
import { isOnReject, type OnReject } from '../dmarc/dmarc-settings.ts';
import { runSpfCheck } from '../spf/check-spf.ts';
import { formatReceivedSpf } from '../spf/received-spf.ts';
import type { SpfCheck } from '../spf/spf-evaluation.ts';
import { spfMethodResults } from '../spf/spf-method-results.ts';
import { traced } from '../spf/spf-tracing.ts';
import type { ArcEvaluation } from './arc-evaluation.ts';
import type { BimiEvaluation } from './bimi-evaluation.ts';
import { bimiFields } from './bimi-fields.ts';
import { ContentJudge, contentMethodResults } from './content-judge.ts';
import { type ContentOptions, readContentSettings } from './content-settings.ts';
import { forgedResults } from './forged-results.ts';
import { readTrustedHosts, trustedResults } from './trusted-results.ts';

/** How to ask {@link authenticateMessage}, and about whom. */
export interface AuthenticationOptions extends ContentOptions {
  /** The client's address as text. */
  readonly ip: string;
  /** The name that the client said HELO or EHLO with; `''` when it said none. */
  readonly helo: string;
  /** The reverse-path without angle brackets; `''` is the null reverse-path. */
  readonly mailFrom: string;
  /** The name under which the results stand and by which readers know to trust them: this server's host name, usually. */
  readonly authservId: string;
  /** Who asks DNS; core's `systemResolver()`, for instance. A cache behind it makes it fast. */
  readonly resolver: Resolver;
  /** Ends everything at once: what is not known by then is `temperror`. */
  readonly signal?: AbortSignal;
  /** What to do with mail that fails and whose owner asks for `reject`; see `DmarcOptions`. Default `'quarantine'`. */
  readonly onReject?: OnReject;
  /** The bounds of the header. Default: 256 KiB and 1,000 fields. */
  readonly header?: HeaderParserOptions;
  /**
   * The names of hosts of one's own that check mail before it comes here; what they found is `upstream`. Only for messages
   * that do come from such a host: see `readTrustedResults`. Default: nobody is believed.
   */
  readonly trustedAuthservIds?: readonly string[];
  /** How many hosts of one's own the message has passed before this one. Default 1; from 1 to 100. */
  readonly trustedHops?: number;
}

/** Whole header fields, each with its CRLF. */
export interface AuthenticationFields {
  /** `Authentication-Results` (RFC 8601). */
  readonly authenticationResults: string;
  /** `Received-SPF` (RFC 7208 §9.1). */
  readonly receivedSpf: string;
}

/** Why a message could not be judged. */
export interface AuthenticationProblem {
  /**
   * `header`: it goes beyond a bound, or ends with a line that is no field, so that readers do not agree on what it says.
   * `incomplete`: the message did not come to its end, or the caller gave up.
   */
  readonly kind: 'header' | 'incomplete';
  /** One sentence for a person. */
  readonly detail: string;
}

/** What is known of a message and its sender. Plain JSON. */
export interface MessageAuthentication {
  readonly spf: SpfCheck;
  /** One for each signature, from top to bottom; empty when there is none. */
  readonly dkim: readonly DkimSignatureResult[];
  readonly dmarc: DmarcEvaluation;
  /** With the option `arc`, unless there is a `problem`. */
  readonly arc?: ArcEvaluation;
  /** With the option `bimi`, unless there is a `problem`. */
  readonly bimi?: BimiEvaluation;
  /** What trusted hosts found before, from top to bottom; only with the option `trustedAuthservIds`. */
  readonly upstream: readonly ParsedAuthenticationResults[];
  readonly headers: AuthenticationFields;
  /**
   * What is to be done to the header before the message goes on: forged `Authentication-Results` of our name go (RFC 8601
   * §5), with `bimi` those of BIMI too, and our fields go on top. For `editMessage`, or for a gateway.
   */
  readonly headerEdits: readonly HeaderEdit[];
  /** Why the message could not be judged: refuse it. DKIM and DMARC say `permerror` or `temperror` then. */
  readonly problem?: AuthenticationProblem;
}

// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it is about
const authservIdText = /^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]{1,255}$/;
const hostName = /^[!-~]+$/;

function isAuthservId(value: unknown): value is string {
  return typeof value === 'string' && authservIdText.test(value);
}

function isText(value: unknown): value is string {
  return typeof value === 'string';
}

function isObject(value: unknown): value is HeaderParserOptions {
  return typeof value === 'object' && value !== null;
}

function readBounds(read: OptionReader): HeaderBounds {
  return new HeaderBounds(read.value('header', isObject, 'an object'), 'authenticateMessage: header');
}

/**
 * SPF, DKIM and DMARC in one go: what a receiver wants to know of a message, with the fields to write and the forged ones to
 * remove. The message is read once; SPF is asked at once, keys and the DMARC record as soon as the header is there, all at
 * the same time.
 *
 * Facts, then policy: `dmarc.policy` is what the owner asks for, `dmarc.disposition` what this receiver is to do by its
 * options, and nothing is refused here. Where DNS fails the result is `temperror`: defer the message. Where there is not one
 * author (two From fields, or none that can be read) there is no policy, the disposition is `none` and `dmarc.authorDomain`
 * is `undefined`: that is a way around DMARC (RFC 9989 §11.5), so do not take it for a message that passes.
 *
 * Bounded: memory is that of the header (256 KiB), whatever the message's size; queries, signatures, ARC sets and time have
 * limits of their own. The time is linear in the bytes.
 *
 * @param message - its bytes as they came, without dot stuffing: a `Uint8Array`, or chunks of it from an array, a generator
 * or a stream, which is destroyed when it is not read to its end
 * @returns never rejects for what stands in the message or in DNS, nor for a stream that fails
 * @throws TypeError or RangeError (as a rejection) that names what is wrong with the options or the chunks; what `onReject`
 * throws; Error that names the package when `arc` or `bimi` is set and `mailauth` is not installed
 *
 * @example
 * ```ts
 * import { systemResolver } from '@postern/core';
 * import { authenticateMessage, editMessage } from '@postern/spf-dmarc';
 *
 * const message = Buffer.from('From: ann@example.com\r\nSubject: hello\r\n\r\nHello!\r\n');
 * const { spf, dkim, dmarc, headerEdits } = await authenticateMessage(message, {
 *   ip: '192.0.2.10',
 *   helo: 'mail.example.com',
 *   mailFrom: 'ann@example.com',
 *   authservId: 'mx.example.org',
 *   resolver: systemResolver(),
 * });
 * console.log(spf.result, dkim.length, dmarc.result, dmarc.disposition);
 * const goesOn = editMessage(message, headerEdits);
 * ```
 */
export async function authenticateMessage(
  message: DkimMessage,
  options: AuthenticationOptions,
): Promise<MessageAuthentication> {
  const read = new OptionReader('authenticateMessage', options);
  const ip = read.required('ip', isText, 'an address');
  const helo = read.required('helo', isText, 'a string');
  const mailFrom = read.required('mailFrom', isText, 'a string');
  const authservId = read.required('authservId', isAuthservId, 'a name of 1 to 255 characters');
  const resolver = read.required('resolver', isResolver, 'a Resolver');
  const signal = read.signal('signal');
  const onReject = read.value('onReject', isOnReject, '"quarantine", "reject" or a function') ?? 'quarantine';
  const bounds = readBounds(read);
  const trusted = readTrustedHosts(read);
  const settings = readContentSettings(read, 'authenticateMessage')(resolver);
  read.done();

  const client = { ip, helo, mailFrom };
  const checking = traced(client, () => runSpfCheck(client, settings.spf, signal));
  const judge = new ContentJudge(settings);
  try {
    const reading = new MessageReading(judge, bounds);
    const failure = await readMessage(message, (chunk) => reading.write(chunk), signal);
    const problem: AuthenticationProblem | undefined =
      failure === undefined ? reading.end() : { kind: 'incomplete', detail: failure };
    const spf = await checking;
    const content = problem === undefined ? await judge.end(spf, onReject, signal) : await judge.unjudged(spf, problem);
    const { header } = reading;
    const receiver = hostName.test(authservId) ? authservId : 'unknown';
    const results = [...spfMethodResults(spf), ...contentMethodResults(content, spf.ip)];
    const values = {
      'Authentication-Results': formatAuthenticationResults({ authservId, results }),
      'Received-SPF': formatReceivedSpf(spf, { receiver }),
    } as const;
    const added = Object.entries(values).map(([name, value]): HeaderEdit => ({ action: 'add', name, value }));
    return {
      spf,
      dkim: content.dkim,
      dmarc: content.dmarc,
      ...(content.arc && { arc: content.arc }),
      ...(content.bimi && { bimi: content.bimi }),
      upstream: header === undefined || trusted === undefined ? [] : trustedResults(header, trusted),
      headers: {
        authenticationResults: formatHeaderField('Authentication-Results', values['Authentication-Results']),
        receivedSpf: formatHeaderField('Received-SPF', values['Received-SPF']),
      },
      headerEdits: [
        ...(header === undefined ? [] : forgedResults(header, authservId)),
        ...(header === undefined || !settings.bimi ? [] : bimiFields(header)),
        ...added,
      ],
      ...(problem && { problem }),
    };
  } finally {
    judge.abort();
  }
}

/** Finds the header in the bytes of a message, and gives the judge the rest. */
class MessageReading {
  readonly #judge: ContentJudge;
  readonly #parser: HeaderParser;
  #state: 'header' | 'body' | AuthenticationProblem = 'header';
  #header: HeaderFields | undefined;

  constructor(judge: ContentJudge, bounds: HeaderBounds) {
    this.#judge = judge;
    this.#parser = new HeaderParser(bounds);
  }

  /** Once it is there. */
  get header(): HeaderFields | undefined {
    return this.#header;
  }

  /** Whether more is wanted. */
  write(chunk: Uint8Array): boolean {
    if (this.#state === 'body') this.#judge.write(chunk);
    else if (this.#state === 'header') this.#read(this.#parser.write(chunk));
    return typeof this.#state === 'string';
  }

  /** The message is complete. */
  end(): AuthenticationProblem | undefined {
    if (this.#state === 'header') this.#read(this.#parser.end());
    return typeof this.#state === 'string' ? undefined : this.#state;
  }

  #read(state: ReturnType<HeaderParser['write']>): void {
    if (state.kind === 'incomplete') return;
    if (state.kind === 'refused') {
      this.#state = { kind: 'header', detail: state.detail };
      return;
    }
    this.#header = state.header;
    if (!state.separator && state.rest.length > 0) {
      this.#state = { kind: 'header', detail: 'A line of the header is no field.' };
      return;
    }
    this.#state = 'body';
    this.#judge.header(state.header);
    this.#judge.write(state.rest);
  }
}
