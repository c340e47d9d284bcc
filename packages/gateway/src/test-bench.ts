import {
  type Backend,
  type Check,
  type CheckRun,
  type Delivery,
  type DeliveryResult,
  mailboxPath,
  type Opinion,
  type Report,
  type SmtpReply,
} from '@postern/core';
import { FakeClock, ZoneResolver } from '@postern/testing';
import { SMTPServer } from 'smtp-server';
import { createGateway, type Gateway } from './gateway.ts';
import type { GatewayOptions } from './gateway-options.ts';
import type { GatewaySession } from './gateway-session.ts';
import type { ServerOptions } from './smtp-server-adapter.ts';

const client: { address: string; port: number } = { address: '192.0.2.1', port: 40_000 };
const local: { address: string; port: number } = { address: '198.51.100.1', port: 25 };

export function opinion(more: object = {}, kind: `${string}/${string}` = 'test/finding'): Opinion {
  return { finding: { kind, summary: 'A finding.' }, ...more };
}

export function check(name: string, run: CheckRun, more: Partial<Check> = {}): Check {
  return { name, cost: 'local', start: () => run, ...more };
}

/** What JavaScript may do: the compiler lets it through. */
export type Anything = ReturnType<typeof JSON.parse>;

/** What a check can do instead of answering. */
export const misdeeds: Record<string, () => Anything> = {
  throws: () => {
    throw new Error('boom secret detail');
  },
  rejects: () => Promise.reject(new Error('boom secret detail')),
  hangs: () => new Promise(() => {}),
  'answers 7': () => 7,
  'answers null': () => null,
  'answers a promise of rubbish': () => Promise.resolve({ verdict: 'accept' }),
  'permits everything': () => opinion({ permit: 'relay', verdict: 'accept' }),
};

/** Permits example.org, as `relay-acl` would. */
export const permits: Check = check('permits', {
  recipient: (_transaction, path) => (path.domain === 'example.org' ? opinion({ permit: 'local' }) : undefined),
});

const OK: SmtpReply = { code: 250, enhanced: '2.0.0', text: 'queued as 1' };

/** A backend that remembers everything, and can be told to misbehave. */
class RecordingBackend implements Backend {
  readonly messages: string[] = [];
  readonly recipients: string[] = [];
  begun = 0;
  aborted = 0;
  answers: Partial<{
    begin: () => Promise<Delivery>;
    recipient: (address: string) => Promise<SmtpReply>;
    message: () => Promise<DeliveryResult>;
  }> = {};

  /** Lets the reply to the next message wait. The function that is returned gives it: delivered, or this result. */
  holdMessage(result: DeliveryResult = { outcome: 'delivered', reply: OK }): () => void {
    let end: () => void = () => {};
    const held = new Promise<DeliveryResult>((resolve) => {
      end = () => resolve(result);
    });
    this.answers.message = () => held;
    return end;
  }

  begin(): Delivery | Promise<Delivery> {
    this.begun += 1;
    return this.answers.begin?.() ?? this.delivery;
  }

  readonly delivery: Delivery = {
    recipient: async ({ address }) => {
      this.recipients.push(address);
      return (await this.answers.recipient?.(address)) ?? { code: 250, enhanced: '2.1.5', text: 'OK' };
    },
    message: async (bytes) => {
      let text = '';
      for await (const chunk of bytes) text += Buffer.from(chunk).toString('latin1');
      this.messages.push(text);
      return (await this.answers.message?.()) ?? { outcome: 'delivered', reply: OK };
    },
    abort: () => {
      this.aborted += 1;
    },
  };
}

export interface Bench {
  readonly gateway: Gateway;
  readonly backend: RecordingBackend;
  readonly reports: Report[];
  open(): GatewaySession;
}

export function bench(checks: readonly Check[], options: Partial<GatewayOptions> = {}): Bench {
  const backend = new RecordingBackend();
  const reports: Report[] = [];
  const gateway = createGateway({
    hostname: 'mx.example.org',
    checks,
    resolver: new ZoneResolver({}),
    clock: new FakeClock(),
    deliver: backend,
    onReport: (report) => reports.push(report),
    ...options,
  });
  return { gateway, backend, reports, open: () => gateway.session({ client, local }) };
}

/** Goes through a session up to the reply to RCPT. */
export async function upTo(
  session: GatewaySession,
  recipient = 'bob@example.org',
): Promise<{ connect: SmtpReply; helo: SmtpReply; mail: SmtpReply; recipient: SmtpReply }> {
  return {
    connect: await session.connect(),
    helo: await session.helo('client.example', true),
    mail: await session.mail(mailboxPath('ann@client.example')),
    recipient: await session.recipient(mailboxPath(recipient)),
  };
}

export const text: string = 'Subject: hi\r\nMessage-ID: <1@client.example>\r\n\r\nHello\r\n';

export async function sendMessage(session: GatewaySession, message: string = text): Promise<SmtpReply> {
  const answer = session.data();
  if (answer.kind === 'refused') return answer.reply;
  await answer.message.write(Buffer.from(message));
  return answer.message.finish();
}

/** A real `smtp-server` in front of the gateway, on a free port of loopback. */
export class TestServer implements AsyncDisposable {
  readonly #gateway: Gateway;
  readonly #server: SMTPServer;

  private constructor(gateway: Gateway, server: SMTPServer) {
    this.#gateway = gateway;
    this.#server = server;
  }

  static async start(gateway: Gateway, extra: ServerOptions = {}): Promise<TestServer> {
    const server = new SMTPServer(gateway.smtpServerOptions({ closeTimeout: 1, ...extra }));
    gateway.attach(server);
    await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', () => resolve()));
    return new TestServer(gateway, server);
  }

  get port(): number {
    const address = this.#server.server.address();
    return typeof address === 'object' && address !== null ? address.port : 0;
  }

  /** What `node:net` would do when it cannot listen. */
  emitError(error: Error): void {
    this.#server.emit('error', error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await new Promise<void>((resolve) => void this.#server.close(() => resolve()));
    await this.#gateway.close();
  }
}
