import { randomUUID } from 'node:crypto';
import { link, readFile, rm, writeFile } from 'node:fs/promises';
import { isNodeError } from './is-node-error.ts';

/**
 * A file that says which process has another file to itself. Node offers no lock that the kernel drops with the process, so
 * it holds the process id and when that process started, and a lock whose process runs no more is taken over.
 *
 * It keeps apart the processes of one machine that see each other's ids. It does not know processes in another container or
 * on another machine with the same folder: those would take it over.
 */
export class LockFile {
  readonly #path: string;
  readonly #content: string;

  private constructor(path: string, content: string) {
    this.#path = path;
    this.#content = content;
  }

  /** `undefined` when a process that runs has it. */
  static async take(path: string): Promise<LockFile | undefined> {
    const content = `${JSON.stringify({ pid: process.pid, started: await startOf(process.pid) })}\n`;
    if (await createWith(path, content)) return new LockFile(path, content);
    if (await isHeld(path)) return undefined;
    // Of several that find it abandoned, one at a time looks again and puts its own in its place. Who is killed while it
    // does so leaves that lock abandoned too, and the next one takes it over in the same way.
    const turn = await LockFile.take(`${path}.takeover`);
    if (turn === undefined) return undefined;
    try {
      if (await isHeld(path)) return undefined;
      await rm(path, { force: true });
      return (await createWith(path, content)) ? new LockFile(path, content) : undefined;
    } finally {
      await turn.release();
    }
  }

  async release(): Promise<void> {
    if ((await contentOf(this.#path)) === this.#content) await rm(this.#path, { force: true });
  }
}

/** Whether the file is new. It never exists without its content: that is written first, then named. */
async function createWith(path: string, content: string): Promise<boolean> {
  const draft = `${path}.${randomUUID()}`;
  try {
    // On the disk before it has its name: a lock that a loss of power emptied would be nobody's, and held for ever.
    await writeFile(draft, content, { flag: 'wx', mode: 0o600, flush: true });
    await link(draft, path);
    return true;
  } catch (error) {
    if (isNodeError(error) && error.code === 'EEXIST') return false;
    throw error;
  } finally {
    await rm(draft, { force: true });
  }
}

async function isHeld(path: string): Promise<boolean> {
  const content = await contentOf(path);
  if (content === undefined) return false;
  const holder = parseHolder(content);
  // Not written by us: whoever did may have reasons.
  if (holder === undefined) return true;
  if (!isRunning(holder.pid)) return false;
  const started = await startOf(holder.pid);
  return started === '' || holder.started === '' || started === holder.started;
}

function parseHolder(content: string): { readonly pid: number; readonly started: string } | undefined {
  try {
    const value: unknown = JSON.parse(content);
    if (typeof value !== 'object' || value === null || !('pid' in value) || !('started' in value)) return undefined;
    const { pid, started } = value;
    return typeof pid === 'number' && Number.isSafeInteger(pid) && pid > 0 && typeof started === 'string'
      ? { pid, started }
      : undefined;
  } catch {
    return undefined;
  }
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it runs, as somebody else.
    return !(isNodeError(error) && error.code === 'ESRCH');
  }
}

/**
 * What tells a process from an earlier one with the same id, which in a container is often 1: the boot, and the clock ticks
 * from there to its start (field 22 of proc_pid_stat(5)). `''` where the system does not say.
 */
async function startOf(pid: number): Promise<string> {
  const boot = await contentOf('/proc/sys/kernel/random/boot_id').catch(() => undefined);
  const stat = await contentOf(`/proc/${pid}/stat`).catch(() => undefined);
  if (boot === undefined || stat === undefined) return '';
  // The name of the program, in parentheses, may itself have parentheses and spaces.
  const ticks = stat.slice(stat.lastIndexOf(')') + 2).split(' ')[19];
  return ticks === undefined ? '' : `${boot.trim()}/${ticks}`;
}

async function contentOf(path: string): Promise<string | undefined> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isNodeError(error) && error.code === 'ENOENT') return undefined;
    throw error;
  }
}
