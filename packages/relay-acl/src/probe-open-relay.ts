import { hostname } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ConnectionOptions } from 'node:tls';
import { OptionReader, parseIp, type SmtpReply, toAsciiDomain } from '@postern/core';
import { type Heard, ProbeConnection, type ProbeTarget } from './probe-connection.ts';
import { type RelayTrick, relayTricks, type TrickNames } from './relay-trick.ts';

/** Which server to test, and how. */
export interface ProbeOptions {
  /** Name or address of the server: your own. A name is looked up by the system. */
  readonly host: string;
  /** Default 25, or 465 when `tls` is `implicit`. */
  readonly port?: number;
  /** A domain that the server takes mail for. ASCII or Unicode. */
  readonly ours: string;
  /**
   * A domain that the server does not take mail for, but that exists and takes mail elsewhere; another one of yours is best.
   * Nothing is sent to it. A server refuses a domain that does not exist, even if it relays to all that do.
   */
  readonly victim: string;
  /**
   * A recipient that the server must take, without which its refusals prove nothing: it may refuse this client altogether.
   * `false`: none. Default `postmaster@ours` (RFC 5321 §4.5.1).
   */
  readonly control?: string | false;
  /** What the client calls itself. Default `os.hostname()`. */
  readonly helo?: string;
  /** The reverse-path of the tricks that have none of their own, without angle brackets. Default `relay-test@victim`. */
  readonly mailFrom?: string;
  /** The server's IPv4 address, for tricks with address literals. Default the one that was connected to, else 127.0.0.1. */
  readonly ip?: string;
  /** `starttls` and `implicit` (RFC 8314) take any certificate, unless `tlsOptions` says otherwise. Default `none`. */
  readonly tls?: 'none' | 'starttls' | 'implicit';
  /** For `node:tls`. Default none. */
  readonly tlsOptions?: ConnectionOptions;
  /** Milliseconds for a connection, and for each reply. Default 30,000; from 1 to 600,000. */
  readonly timeoutMs?: number;
  /** Milliseconds to wait before each trick, for servers that count commands. Default 0; up to 600,000. */
  readonly pauseMs?: number;
  /**
   * Tricks before a new connection is made; there is one at a time. Default 8: Postfix slows a client down at its 10th error
   * (`smtpd_soft_error_limit`) and hangs up at the 20th.
   */
  readonly tricksPerConnection?: number;
  /** Ends the probe; what was not asked by then is `unknown`. */
  readonly signal?: AbortSignal;
}

/** What a server made of one trick. */
export interface ProbedTrick {
  /** The trick's name in the catalogue. */
  readonly name: string;
  /** Whom it fools, and by what. */
  readonly why: string;
  /** The commands as they were sent. */
  readonly commands: readonly string[];
  /** What it would prove if it was taken: `relay`, `doubtful` (only a server that knows the custom sends it on), `ours` (nothing). */
  readonly proves: 'relay' | 'doubtful' | 'ours';
  /**
   * `accepted`: 2yz to RCPT. `refused`: 5yz, and 454, with which Postfix defers what it would have to relay. `unknown`:
   * anything else, such as greylisting, and no answer: neither pass nor fail.
   */
  readonly outcome: 'accepted' | 'refused' | 'unknown';
  /** The reply that decided, its text cut to 500 characters. Not to be trusted. */
  readonly reply: SmtpReply | undefined;
  /** Why it is unknown. */
  readonly detail: string | undefined;
}

/** What a server made of all tricks. Plain JSON. */
export interface ProbeResult {
  /**
   * `open`: it took a recipient that it can only relay to. `doubtful`: it took none of those, but some that are its own to
   * the letter; see whether a message to them would stay. `closed`: it refused all of both, and took the control.
   * `unknown`: something was not answered, or the control was refused as well.
   */
  readonly status: 'open' | 'doubtful' | 'closed' | 'unknown';
  /** One sentence for a person. */
  readonly summary: string;
  /** Accepted, and proof that the server relays. */
  readonly accepted: readonly ProbedTrick[];
  /** Accepted, and proof only together with a look at the server. */
  readonly doubtful: readonly ProbedTrick[];
  /** Neither accepted nor refused. */
  readonly unknown: readonly ProbedTrick[];
  /** The recipient that was to be accepted; `undefined` without one. */
  readonly control: ProbedTrick | undefined;
  /** Everything, in the order of the catalogue. */
  readonly results: readonly ProbedTrick[];
}

/** What `defer_unauth_destination` says, which is among the restrictions that Postfix comes with; no greylisting says it. */
const RELAY_DEFERRED = 454;
const LONGEST_REPLY_TEXT = 500;
/** So many attempts in a row without a session, and the rest is not asked. */
const MOST_FAILED_SESSIONS = 3;

/** A trick with everything filled in. */
interface Question extends Pick<ProbedTrick, 'name' | 'why' | 'commands' | 'proves'> {
  /** Whether a refused MAIL is a refused trick: it is not when any other client would have sent the same. */
  readonly ownSender: boolean;
}

function isNonEmptyText(value: unknown): value is string {
  return typeof value === 'string' && value !== '';
}

/** Nothing that could end a command line, or stand for more than one word. */
function isWord(value: unknown): value is string {
  return typeof value === 'string' && /^[^\s\p{Cc}<>]+$/u.test(value);
}

function isPath(value: unknown): value is string {
  return value === '' || isWord(value);
}

function isControl(value: unknown): value is string | false {
  return value === false || isWord(value);
}

function isTlsOptions(value: unknown): value is ConnectionOptions {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isIpv4(value: unknown): value is string {
  return typeof value === 'string' && !value.includes(':') && parseIp(value) !== undefined;
}

/**
 * Tests whether a server is an open relay: asks it from outside, as a stranger, for every trick in the catalogue whether it
 * would take the recipient. **No message is ever sent**: each trick ends behind RCPT TO with RSET, and DATA is never said.
 *
 * Run it against your own server only, from an address that the server does not trust: from inside a trusted network every
 * server relays. One connection at a time; a server that hangs up is asked again, once for each trick. So a server that
 * leaves every trick without a reply is waited for twice `timeoutMs` a trick, for hours by default: `signal` ends that, for
 * instance `AbortSignal.timeout(600_000)`.
 *
 * Nothing rejects because of the server: who cannot be reached gives a result whose `status` is `unknown`.
 *
 * @throws TypeError or RangeError (as a rejection) that names the option
 *
 * @example
 * ```ts
 * import { probeOpenRelay } from '@postern/relay-acl';
 *
 * const result = await probeOpenRelay({ host: 'mx.example.com', ours: 'example.com', victim: 'example.net' });
 * console.log(result.summary);
 * for (const { name, why } of result.accepted) console.log(name, why);
 * ```
 */
export async function probeOpenRelay(options: ProbeOptions): Promise<ProbeResult> {
  const { target, ours, victim, control, mailFrom, ip, pauseMs, perConnection, signal } = readProbeOptions(options);
  const session = new ProbeSession(target, { pauseMs, perConnection, signal });
  try {
    const controlled = control === undefined ? undefined : await session.ask(controlOf(control, mailFrom));
    const names: TrickNames = { ours, victim, ip: ip ?? session.serverIpv4 ?? '127.0.0.1' };
    const results: ProbedTrick[] = [];
    for (const trick of relayTricks) {
      const question = questionOf(trick, names, mailFrom);
      if (question !== undefined) results.push(await session.ask(question));
    }
    return resultOf(results, controlled);
  } finally {
    session.close();
  }
}

interface ProbePlan {
  readonly target: ProbeTarget;
  readonly ours: string;
  readonly victim: string;
  readonly control: string | undefined;
  readonly mailFrom: string;
  readonly ip: string | undefined;
  readonly pauseMs: number;
  readonly perConnection: number;
  readonly signal: AbortSignal | undefined;
}

function readProbeOptions(options: ProbeOptions): ProbePlan {
  const read = new OptionReader('probeOpenRelay', options);
  const domain = (name: string): string => {
    const text = read.required(name, isNonEmptyText, 'a domain');
    return toAsciiDomain(text) ?? read.refuse(name, 'a domain');
  };
  const ours = domain('ours');
  const victim = domain('victim');
  if (victim === ours) read.refuse('victim', 'another domain than "ours"');
  const tls = read.oneOf('tls', ['none', 'starttls', 'implicit'], 'none');
  const control = read.value('control', isControl, 'an address without spaces, or false') ?? `postmaster@${ours}`;
  const plan: ProbePlan = {
    target: {
      host: read.required('host', isWord, 'a host name or an address'),
      port: read.integer('port', tls === 'implicit' ? 465 : 25, { min: 1, max: 65_535 }),
      helo: read.value('helo', isWord, 'a host name') ?? hostname(),
      tls,
      tlsOptions: read.value('tlsOptions', isTlsOptions, 'an object') ?? {},
      timeoutMs: read.integer('timeoutMs', 30_000, { min: 1, max: 600_000 }),
    },
    ours,
    victim,
    control: control === false ? undefined : control,
    mailFrom: read.value('mailFrom', isPath, 'an address without spaces and angle brackets') ?? `relay-test@${victim}`,
    ip: read.value('ip', isIpv4, 'an IPv4 address'),
    pauseMs: read.integer('pauseMs', 0, { min: 0, max: 600_000 }),
    perConnection: read.integer('tricksPerConnection', 8, { min: 1 }),
    signal: read.signal('signal'),
  };
  read.done();
  return plan;
}

function controlOf(control: string, mailFrom: string): Question {
  return {
    name: 'control',
    why: 'A recipient that the server must take: else its refusals are about the client.',
    commands: [`MAIL FROM:<${mailFrom}>`, `RCPT TO:<${control}>`],
    proves: 'ours',
    ownSender: false,
  };
}

/** `undefined`: the trick has a line feed in it, which on the wire would be another command. */
function questionOf(trick: RelayTrick, names: TrickNames, mailFrom: string): Question | undefined {
  const from = trick.mailFrom?.(names) ?? `<${mailFrom}>`;
  const parameters = trick.parameters?.(names);
  const to = trick.rcptTo(names) + (parameters === undefined ? '' : ` ${parameters}`);
  if (from.includes('\n') || to.includes('\n')) return undefined;
  return {
    name: trick.name,
    why: trick.why,
    commands: [`MAIL FROM:${from}`, `RCPT TO:${to}`],
    proves: trick.accepted,
    ownSender: trick.mailFrom !== undefined,
  };
}

interface ProbePace {
  readonly pauseMs: number;
  readonly perConnection: number;
  readonly signal: AbortSignal | undefined;
}

/** Asks one trick after the other, on as many connections as it takes. */
class ProbeSession {
  readonly #target: ProbeTarget;
  readonly #pace: ProbePace;
  #connection: ProbeConnection | undefined;
  /** Tricks on this connection. */
  #asked = 0;
  #failures = 0;
  #failure: { readonly detail: string; readonly reply: SmtpReply | undefined } = { detail: '', reply: undefined };
  serverIpv4: string | undefined;

  constructor(target: ProbeTarget, pace: ProbePace) {
    this.#target = target;
    this.#pace = pace;
  }

  async ask(question: Question): Promise<ProbedTrick> {
    await this.#pause();
    const first = await this.#attempt(question);
    // A server hangs up on whom it finds tiresome, which says nothing of the trick: once more, on a connection of its own.
    const hungUp = first.outcome === 'unknown' && (first.reply === undefined || first.reply.code === 421);
    return hungUp ? this.#attempt(question) : first;
  }

  close(): void {
    this.#connection?.close();
    this.#connection = undefined;
  }

  async #attempt(question: Question): Promise<ProbedTrick> {
    const connection = await this.#connected();
    if (connection === undefined) return judged(question, 'unknown', this.#failure.reply, this.#failure.detail);
    const [mail = '', rcpt = ''] = question.commands;
    const sender = await connection.command(mail);
    const probed = judgeSender(question, sender) ?? judgeRecipient(question, await connection.command(rcpt));
    this.#asked++;
    // To some servers a CR ends a line: then one more reply is on its way, which must not be taken for another's.
    const ended = probed.reply?.code === 421 || rcpt.includes('\r') || this.#asked >= this.#pace.perConnection;
    if (ended) this.close();
    else if (!isTaken(await connection.command('RSET'))) this.close();
    if (connection.isLost) this.#connection = undefined;
    return probed;
  }

  async #connected(): Promise<ProbeConnection | undefined> {
    if (this.#connection !== undefined || this.#failures >= MOST_FAILED_SESSIONS) return this.#connection;
    const opened = await ProbeConnection.open(this.#target, this.#pace.signal);
    if (opened.kind === 'failed') {
      this.#failures++;
      this.#failure = { detail: `no session: ${opened.detail}`, reply: opened.reply };
      return undefined;
    }
    this.#failures = 0;
    this.#asked = 0;
    this.#connection = opened.connection;
    const { remoteAddress = '' } = opened.connection;
    const ip = remoteAddress.replace(/^::ffff:/i, '');
    if (isIpv4(ip)) this.serverIpv4 = ip;
    return this.#connection;
  }

  async #pause(): Promise<void> {
    const { pauseMs, signal } = this.#pace;
    if (pauseMs > 0) await sleep(pauseMs, undefined, signal === undefined ? {} : { signal }).catch(() => {});
  }
}

function isTaken(heard: Heard): boolean {
  return heard.kind === 'reply' && heard.reply.code >= 200 && heard.reply.code < 300;
}

/** `undefined`: the sender was taken, and the recipient is to be asked for. */
function judgeSender(question: Question, heard: Heard): ProbedTrick | undefined {
  if (isTaken(heard)) return undefined;
  if (heard.kind === 'lost') return judged(question, 'unknown', undefined, heard.detail);
  const refused = heard.reply.code >= 500 && question.ownSender;
  return refused
    ? judged(question, 'refused', heard.reply)
    : judged(question, 'unknown', heard.reply, 'the sender was not taken');
}

function judgeRecipient(question: Question, heard: Heard): ProbedTrick {
  if (heard.kind === 'lost') return judged(question, 'unknown', undefined, heard.detail);
  if (isTaken(heard)) return judged(question, 'accepted', heard.reply);
  return heard.reply.code >= 500 || heard.reply.code === RELAY_DEFERRED
    ? judged(question, 'refused', heard.reply)
    : judged(question, 'unknown', heard.reply, 'neither taken nor refused');
}

function judged(
  { name, why, commands, proves }: Question,
  outcome: ProbedTrick['outcome'],
  reply: SmtpReply | undefined,
  detail?: string,
): ProbedTrick {
  const short = reply && { ...reply, text: reply.text.slice(0, LONGEST_REPLY_TEXT) };
  return { name, why, commands, proves, outcome, reply: short, detail };
}

function resultOf(results: readonly ProbedTrick[], control: ProbedTrick | undefined): ProbeResult {
  const taken = results.filter(({ outcome }) => outcome === 'accepted');
  const accepted = taken.filter(({ proves }) => proves === 'relay');
  const doubtful = taken.filter(({ proves }) => proves === 'doubtful');
  const unknown = results.filter(({ outcome }) => outcome === 'unknown');
  const facts = { accepted, doubtful, unknown, control, results };
  const of = (count: number): string => `${count} of ${results.length} tricks`;
  if (accepted.length > 0) {
    return { status: 'open', summary: `The server is an open relay: it took ${of(accepted.length)}.`, ...facts };
  }
  if (control !== undefined && control.outcome !== 'accepted') {
    const [, recipient = ''] = control.commands;
    const summary = `Nothing is known: the server did not take ${recipient} either, which it should.`;
    return { status: 'unknown', summary, ...facts };
  }
  if (unknown.some(({ proves }) => proves !== 'ours')) {
    return { status: 'unknown', summary: `The server did not answer ${of(unknown.length)}.`, ...facts };
  }
  if (doubtful.length > 0) {
    const summary = `The server took ${of(doubtful.length)} that are its own to the letter: see where mail to them would go.`;
    return { status: 'doubtful', summary, ...facts };
  }
  const telling = results.filter(({ proves }) => proves !== 'ours');
  const summary = `The server refused all of ${telling.length} tricks that could reach somebody else.`;
  return { status: 'closed', summary, ...facts };
}
