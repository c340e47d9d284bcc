import {
  type Awaitable,
  andThen,
  authenticationFailed,
  type Clock,
  type Finding,
  type LoginAttempt,
  mailboxPath,
  type Path,
  parseReply,
  replyOf,
  type SmtpReply,
  type TlsFacts,
} from '@postern/core';
import type { SMTPServerAddress, SMTPServerAuthentication, SMTPServerDataStream, SMTPServerSession } from 'smtp-server';
import type { GatewaySession, MessageReceiver } from './gateway-session.ts';
import type { ConnectionFacts } from './session-facts.ts';

const UNKNOWN_MECHANISM = replyOf(504, '5.5.4', 'Unknown authentication mechanism');

/**
 * One connection of `smtp-server`, as a session of the gateway.
 *
 * What the server does not tell by a hook is read from its session object: HELO from `hostNameAppearsAs` (in lower case),
 * before the AUTH or MAIL that follows it; RSET, and everything else that ends a transaction, from the fresh `envelope` that each of them
 * puts there; a command that it refuses by itself from `error`, where every 4yz and 5yz is put that it sends; a client that a proxy introduces (XCLIENT, XFORWARD) from `remoteAddress`.
 */
export class SmtpServerDoor {
  readonly openedAt: number;
  readonly #server: SMTPServerSession;
  readonly #open: (facts: ConnectionFacts) => GatewaySession;
  #session: GatewaySession;
  /** Whom the session is about, as the server knows it. */
  #address: string;
  #port: number;
  /** A proxy introduced the client after connect: its checks at connect are still to be asked. */
  #introduced = false;
  #message: MessageReceiver | undefined;
  /** The refusal that the server is about to send for us. */
  #told: string | undefined;
  readonly #hangUp: (reply: SmtpReply) => void;
  /** Commands that the client waits for a reply to. */
  #pending = 0;
  #progress = 0;

  /**
   * @param tls - what implicit TLS agreed on
   * @param hangUp - ends the connection when nobody waits for a reply
   */
  constructor(
    server: SMTPServerSession,
    open: (facts: ConnectionFacts) => GatewaySession,
    clock: Clock,
    tls: TlsFacts | undefined,
    hangUp: (reply: SmtpReply) => void,
  ) {
    this.#server = server;
    this.#open = open;
    this.#hangUp = hangUp;
    this.openedAt = clock.now();
    this.#session = open(factsOf(server, tls));
    this.#address = server.remoteAddress;
    this.#port = server.remotePort;
    let { envelope } = server;
    Object.defineProperty(server, 'envelope', {
      configurable: true,
      enumerable: true,
      get: () => envelope,
      set: (fresh: SMTPServerSession['envelope']) => {
        envelope = fresh;
        this.#reset();
      },
    });
    let { error } = server;
    Object.defineProperty(server, 'error', {
      configurable: true,
      enumerable: true,
      get: () => error,
      set: (told: SMTPServerSession['error']) => {
        error = told;
        if (typeof told === 'string' && told !== this.#told) this.#refusedByServer(told);
      },
    });
  }

  get session(): GatewaySession {
    return this.#session;
  }

  /** Counts what the client has brought forward; `undefined` while it waits for us, or its message arrives. */
  get progress(): number | undefined {
    return this.#pending > 0 || this.#message !== undefined ? undefined : this.#progress;
  }

  /** The message that is arriving, while it is the client's turn. */
  get arriving(): MessageReceiver | undefined {
    return this.#pending > 0 ? undefined : this.#message;
  }

  /** The server is about to send this refusal, of the gateway. */
  tells({ code }: SmtpReply, text: string): void {
    this.#told = `${code} ${text}`;
  }

  connect(): Awaitable<SmtpReply> {
    return this.#answer(() => this.#session.connect());
  }

  startTls(tls: TlsFacts): void {
    this.#session.startTls(tls);
  }

  authenticate(auth: SMTPServerAuthentication): Awaitable<SmtpReply> {
    const attempt = attemptOf(auth);
    if (attempt.kind === 'refused') return this.#answer(() => this.#session.commandRefused(attempt.reply));
    return this.#answer(() => this.#greeted(() => this.#session.authenticate(attempt.attempt)));
  }

  mail(address: SMTPServerAddress): Awaitable<SmtpReply> {
    return this.#answer(() => this.#greeted(() => this.#session.mail(pathOf(address))));
  }

  recipient(address: SMTPServerAddress): Awaitable<SmtpReply> {
    return this.#answer(() => this.#session.recipient(pathOf(address)));
  }

  /** Takes the message; its end is the stream's `end`, which `smtp-server` emits only behind a final dot. */
  data(stream: SMTPServerDataStream, done: (reply: SmtpReply) => void): void {
    const answer = this.#session.data();
    if (answer.kind === 'refused') {
      done(answer.reply);
      return;
    }
    const { message } = answer;
    this.#message = message;
    const ready = (): void => {
      this.#pending -= 1;
      stream.resume();
    };
    stream.on('data', (chunk: Buffer) => {
      const busy = message.write(chunk);
      if (busy === undefined) return;
      this.#pending += 1;
      stream.pause();
      busy.then(ready);
    });
    stream.on('end', () => {
      Promise.resolve(this.#answer(() => message.finish())).then((reply) => {
        this.#message = undefined;
        done(reply);
      });
    });
    // Without `end`: the connection broke. After it: nothing is left to abort.
    stream.on('close', () => {
      if (!stream.readableEnded) message.abort();
    });
  }

  /** @param cause - what `smtp-server` did of its own accord */
  close(cause?: Finding): void {
    this.#session.close(cause);
  }

  #refusedByServer(told: string): void {
    const reply = parseReply(told);
    // Its 421 ends the session in any case.
    if (reply === undefined || reply.code < 500) return;
    andThen(this.#session.commandRefused(reply), () => {
      const { farewell } = this.#session;
      if (farewell !== undefined) this.#hangUp(farewell);
    });
  }

  #answer(question: () => Awaitable<SmtpReply>): Awaitable<SmtpReply> {
    this.#pending += 1;
    return andThen(question(), (reply) => {
      this.#pending -= 1;
      this.#progress += 1;
      return reply;
    });
  }

  /** Asks what there was no hook for, then goes on, unless that ended the session. */
  #greeted(next: () => Awaitable<SmtpReply>): Awaitable<SmtpReply> {
    return andThen(this.#introduced ? this.#introduce() : undefined, (refusal) => {
      if (refusal !== undefined) return refusal;
      return andThen(this.#helo(), () => this.#session.farewell ?? next());
    });
  }

  #introduce(): Awaitable<SmtpReply | undefined> {
    this.#introduced = false;
    return andThen(this.#session.connect(), (reply) => (reply.code >= 400 ? reply : undefined));
  }

  /** A refusal here is said again at MAIL; a login may come between. */
  #helo(): Awaitable<unknown> {
    const { hostNameAppearsAs, openingCommand } = this.#server;
    const { helo, esmtp } = this.#session.facts;
    const isEhlo = openingCommand === 'EHLO';
    if (hostNameAppearsAs === helo && isEhlo === esmtp) return undefined;
    return this.#session.helo(hostNameAppearsAs, isEhlo);
  }

  #reset(): void {
    const { remoteAddress, remotePort } = this.#server;
    if (remoteAddress === this.#address && remotePort === this.#port) {
      this.#session.reset();
      return;
    }
    // What was found out about the proxy does not speak of the client that it introduces.
    this.#address = remoteAddress;
    this.#port = remotePort;
    this.#introduced = true;
    this.#session.close();
    this.#session = this.#open(factsOf(this.#server, this.#session.facts.tls));
  }
}

function factsOf(server: SMTPServerSession, tls: TlsFacts | undefined): ConnectionFacts {
  return {
    client: { address: server.remoteAddress, port: Number(server.remotePort) || 0 },
    local: { address: server.localAddress, port: server.localPort },
    ...(tls !== undefined && { tls }),
  };
}

/** `smtp-server` gives `xn--` domains in Unicode. What goes on is the A-labels, which every server understands. */
function pathOf({ address, args }: SMTPServerAddress): Path {
  const parameters = args === false ? {} : args;
  const path = mailboxPath(address, parameters);
  const domain = address.slice(path.localPart.length + 1);
  if (domain.length === Buffer.byteLength(domain)) return path;
  return mailboxPath(`${path.localPart}@${path.domain}`, parameters);
}

type Attempt =
  | { readonly kind: 'attempt'; readonly attempt: LoginAttempt }
  | { readonly kind: 'refused'; readonly reply: SmtpReply };

function attemptOf(auth: SMTPServerAuthentication): Attempt {
  const { method, username: user = '' } = auth;
  switch (method) {
    case 'PLAIN':
      // RFC 4616 §2: who logs in as one and wants to act as another needs a permission that nobody here can give.
      if (auth.authzid !== '' && auth.authcid !== '' && auth.authzid !== auth.authcid) {
        return { kind: 'refused', reply: authenticationFailed };
      }
      return { kind: 'attempt', attempt: { mechanism: method, user, password: auth.password ?? '' } };
    case 'LOGIN':
      return { kind: 'attempt', attempt: { mechanism: method, user, password: auth.password ?? '' } };
    case 'CRAM-MD5':
      return {
        kind: 'attempt',
        attempt: { mechanism: method, user, provedBy: (password) => auth.validatePassword(password) },
      };
    case 'XOAUTH2':
      return { kind: 'attempt', attempt: { mechanism: method, user, token: auth.accessToken ?? '' } };
    default:
      return { kind: 'refused', reply: UNKNOWN_MECHANISM };
  }
}
