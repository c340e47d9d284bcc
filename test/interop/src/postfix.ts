import { execFile } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from './free-port.ts';
import { RealServer } from './real-server.ts';

const run = promisify(execFile);

const isRoot = process.getuid?.() === 0;

/** Postfix gives each of its daemons the rights that it needs, which only root can: for others it is as good as missing. */
export const postfixServer: RealServer = new RealServer(isRoot ? 'postfix' : 'postfix, run as root,', 'postfix');
const postqueue = new RealServer('postqueue', 'postfix');

/** `nobody` (and its group) on every Linux: whose the mailboxes are. */
const NOBODY = 65_534;
const STOP_TIMEOUT_MS = 10_000;

/** Of an ordinary installation, what receives, queues, delivers to mailboxes and sends on. Nothing is chrooted. */
const services = [
  'pickup unix n - n 60 1 pickup',
  'cleanup unix n - n - 0 cleanup',
  'qmgr unix n - n 300 1 qmgr',
  'rewrite unix - - n - - trivial-rewrite',
  'bounce unix - - n - 0 bounce',
  'defer unix - - n - 0 bounce',
  'trace unix - - n - 0 bounce',
  'proxymap unix - - n - - proxymap',
  'smtp unix - - n - - smtp',
  'relay unix - - n - - smtp',
  'error unix - - n - - error',
  'retry unix - - n - - error',
  'virtual unix - n n - - virtual',
  'anvil unix - - n - 1 anvil',
  'scache unix - - n - 1 scache',
  'postlog unix-dgram n - n - 1 postlogd',
];

/**
 * A Postfix of a test's own: its configuration, queue, log and mailboxes stand in a temporary directory, and it listens and
 * connects on 127.0.0.1 only. It calls itself `mailbox.test`, takes mail for `example.org` alone, and asks no DNS.
 */
export class Postfix implements AsyncDisposable {
  readonly port: number;
  readonly #folder: string;
  /** Its master process, which leads the group in which they all are. */
  #master: number | undefined;
  /** A test run that dies takes it with it. */
  readonly #stopWithUs = (): void => this.#kill();

  private constructor(folder: string, port: number) {
    this.#folder = folder;
    this.port = port;
  }

  /**
   * @param mailboxes - the local parts of `example.org` that exist
   * @param settings - further lines of main.cf
   */
  static async start(mailboxes: readonly string[], settings: Readonly<Record<string, string>> = {}): Promise<Postfix> {
    const folder = mkdtempSync(join(tmpdir(), 'postern-postfix-'));
    // Its daemons give up root before they come here.
    chmodSync(folder, 0o755);
    const mail = join(folder, 'mail');
    mkdirSync(mail);
    chownSync(mail, NOBODY, NOBODY);
    const postfix = new Postfix(folder, await freePort());
    const known = mailboxes.map((name) => `{ ${name}@example.org = ${name}/ }`).join(', ');
    const main = {
      compatibility_level: '3.6',
      queue_directory: join(folder, 'queue'),
      data_directory: join(folder, 'data'),
      maillog_file: join(folder, 'log'),
      maillog_file_prefixes: folder,
      inet_interfaces: '127.0.0.1',
      inet_protocols: 'ipv4',
      myhostname: 'mailbox.test',
      mydestination: '',
      alias_maps: '',
      smtpd_peername_lookup: 'no',
      smtp_dns_support_level: 'disabled',
      virtual_mailbox_domains: 'example.org',
      virtual_mailbox_base: mail,
      virtual_mailbox_maps: `inline:{ ${known} }`,
      virtual_uid_maps: `static:${NOBODY}`,
      virtual_gid_maps: `static:${NOBODY}`,
      // It would complete and rewrite what comes from its own machine, as all mail here does.
      local_header_rewrite_clients: '',
      ...settings,
    };
    const lines = Object.entries(main).map(([name, value]) => `${name} = ${value}\n`);
    mkdirSync(main.queue_directory);
    mkdirSync(postfix.#configuration);
    writeFileSync(join(postfix.#configuration, 'main.cf'), lines.join(''));
    const smtpd = `127.0.0.1:${postfix.port} inet n - n - - smtpd`;
    writeFileSync(join(postfix.#configuration, 'master.cf'), `${[smtpd, ...services].join('\n')}\n`);
    try {
      await postfix.resume();
    } catch (error) {
      rmSync(folder, { recursive: true, force: true });
      throw error;
    }
    return postfix;
  }

  get #configuration(): string {
    return join(this.#folder, 'etc');
  }

  /** Starts it once more, with the queue that it had. */
  async resume(): Promise<void> {
    if (postfixServer.path === undefined) throw new Error('postfix was not found');
    try {
      await run(postfixServer.path, ['-c', this.#configuration, 'start']);
    } catch (error) {
      throw new Error(`postfix did not start: ${this.log}`, { cause: error });
    }
    this.#master = Number(readFileSync(join(this.#folder, 'queue', 'pid', 'master.pid'), 'utf8'));
    process.once('exit', this.#stopWithUs);
  }

  /**
   * Asks it to try again now whatever waits in its queue, whenever it last tried, and returns without waiting for that. It
   * lets a message be that one of its processes still holds, and would come back to it by itself in a minute: ask again.
   */
  async flush(): Promise<void> {
    await run(postqueue.path ?? 'postqueue', ['-c', this.#configuration, '-f']);
  }

  /** Ends all its processes; resolves when nobody listens any more. */
  async stop(): Promise<void> {
    this.#kill();
    process.removeListener('exit', this.#stopWithUs);
    const deadline = performance.now() + STOP_TIMEOUT_MS;
    while (await this.#listens()) {
      if (performance.now() > deadline) throw new Error(`postfix did not stop: ${this.log}`);
      await sleep(20);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
    rmSync(this.#folder, { recursive: true, force: true, maxRetries: 5 });
  }

  get log(): string {
    const path = join(this.#folder, 'log');
    return existsSync(path) ? readFileSync(path, 'utf8') : '';
  }

  /** The messages of a mailbox, as they stand there: with the lines ending in LF, behind Postfix's own trace fields. */
  mailbox(name: string): readonly Buffer[] {
    const folder = join(this.#folder, 'mail', name, 'new');
    return existsSync(folder) ? readdirSync(folder).map((file) => readFileSync(join(folder, file))) : [];
  }

  #kill(): void {
    if (this.#master !== undefined) process.kill(-this.#master, 'SIGTERM');
    this.#master = undefined;
  }

  async #listens(): Promise<boolean> {
    const socket = connect(this.port, '127.0.0.1');
    try {
      await once(socket, 'connect');
      return true;
    } catch {
      return false;
    } finally {
      socket.destroy();
    }
  }
}
