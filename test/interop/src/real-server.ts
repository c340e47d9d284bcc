import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, appendFileSync, constants, mkdirSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';

const cache = fileURLToPath(new URL('../../../node_modules/.cache/postern/', import.meta.url));

/** Debian keeps servers where the PATH of ordinary users does not look. */
const folders = [...(process.env['PATH'] ?? '').split(delimiter), '/usr/local/sbin', '/usr/sbin', '/sbin'];

const START_TIMEOUT_MS = 15_000;
const MAX_OUTPUT_LENGTH = 10_000;

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A server that the machine may have, and that tests start for themselves on loopback. */
export class RealServer {
  readonly name: string;
  /** Which package of Debian brings it. */
  readonly debianPackage: string;
  /** `undefined` when the machine does not have it. */
  readonly path: string | undefined;

  constructor(name: string, debianPackage: string = name) {
    this.name = name;
    this.debianPackage = debianPackage;
    this.path = folders.map((folder) => join(folder, name)).find(isExecutable);
  }

  /**
   * Starts it, and waits until it is ready; it must stay in the foreground.
   *
   * @param isReady - asked every 20 ms
   * @throws Error with what it printed, when it ends before or is not ready within 15 seconds
   */
  async start(args: readonly string[], isReady: () => Promise<boolean>): Promise<RunningServer> {
    if (this.path === undefined) throw new Error(`${this.name} was not found`);
    const running = new RunningServer(this.name, spawn(this.path, args, { stdio: ['ignore', 'pipe', 'pipe'] }));
    try {
      await running.ready(isReady);
    } catch (error) {
      await running.stop();
      throw error;
    }
    return running;
  }
}

/** One process of a real server. */
export class RunningServer {
  readonly #name: string;
  readonly #process: ChildProcess;
  readonly #stopWithUs: () => void;
  #output = '';
  #failure: Error | undefined;

  constructor(name: string, child: ChildProcess) {
    this.#name = name;
    this.#process = child;
    const keep = (chunk: Buffer): void => {
      this.#output = (this.#output + chunk).slice(-MAX_OUTPUT_LENGTH);
    };
    child.stdout?.on('data', keep);
    child.stderr?.on('data', keep);
    child.once('error', (error) => {
      this.#failure = error;
    });
    // A test run that dies takes its servers with it.
    this.#stopWithUs = () => child.kill('SIGKILL');
    process.once('exit', this.#stopWithUs);
  }

  get #hasEnded(): boolean {
    return this.#failure !== undefined || this.#process.exitCode !== null || this.#process.signalCode !== null;
  }

  async ready(isReady: () => Promise<boolean>): Promise<void> {
    const deadline = performance.now() + START_TIMEOUT_MS;
    while (!(await isReady())) {
      if (this.#hasEnded) throw new Error(`${this.#name} ended: ${this.#failure?.message ?? this.#output}`);
      if (performance.now() > deadline) throw new Error(`${this.#name} is not ready: ${this.#output}`);
      await sleep(20);
    }
  }

  /** As an operator or a broken machine would: `SIGSTOP` hangs it, `SIGCONT` lets it go on, `SIGKILL` ends it. */
  signal(name: NodeJS.Signals): void {
    this.#process.kill(name);
  }

  async stop(): Promise<void> {
    process.removeListener('exit', this.#stopWithUs);
    if (this.#hasEnded) return;
    const exited = once(this.#process, 'exit');
    this.#process.kill('SIGTERM');
    await exited;
  }
}

/** For scripts/check.mjs, which tells at the end what was not found. */
function reportMissing({ name, debianPackage }: RealServer): void {
  mkdirSync(cache, { recursive: true });
  appendFileSync(`${cache}missing-servers.jsonl`, `${JSON.stringify({ server: name, debianPackage })}\n`);
  console.warn(`${name} was not found (Debian package ${debianPackage}): its tests are skipped`);
}

/**
 * A suite that needs real servers. Where one is missing, its tests are skipped and the missing server is reported; with
 * POSTERN_REQUIRE_SERVERS=1 the suite fails instead.
 */
export function describeWith(servers: readonly RealServer[], name: string, suite: () => void): void {
  const missing = servers.filter(({ path }) => path === undefined);
  if (missing.length > 0 && process.env['POSTERN_REQUIRE_SERVERS'] === '1') {
    describe(name, () => {
      it.each(missing)('needs $name (Debian package $debianPackage)', ({ path }) => expect(path).toBeDefined());
    });
    return;
  }
  for (const each of missing) reportMissing(each);
  describe.skipIf(missing.length > 0)(name, suite);
}
