import type { Extensions, Opened, OpenFailure } from './open-dialogue.ts';
import type { SmtpDialogue } from './smtp-dialogue.ts';

/** The bounds of a `DialoguePool`. */
export interface PoolBounds {
  readonly maxConnections: number;
  /** Milliseconds that an unused connection stays open. */
  readonly idleTimeoutMs: number;
  /** Milliseconds that `acquire` waits. */
  readonly waitMs: number;
}

/** An SMTP session that somebody has for himself until he gives it back. */
export interface PooledDialogue {
  readonly dialogue: SmtpDialogue;
  readonly extensions: Extensions;
  /** Somebody had it before: the server may have hung up meanwhile, and that shows at the next command only. */
  readonly reused: boolean;
}

/** `busy`: all connections were in use for as long as one could wait. */
export interface AcquireFailure {
  readonly kind: 'failed';
  readonly reason: OpenFailure['reason'] | 'busy' | 'closed' | 'given-up';
}

export type Acquired = { readonly kind: 'acquired'; readonly member: PooledDialogue } | AcquireFailure;

interface Waiter {
  readonly fresh: boolean;
  readonly settle: (acquired: Acquired) => void;
}

interface Idle {
  readonly member: PooledDialogue;
  readonly timer: NodeJS.Timeout;
}

/**
 * SMTP sessions that are used again and again, at most `maxConnections` at once. Who finds none waits in a queue. The one
 * that was used last is used first, so that the others reach their time-out when there is less to do.
 */
export class DialoguePool {
  readonly #open: () => Promise<Opened>;
  readonly #bounds: PoolBounds;
  readonly #idle: Idle[] = [];
  readonly #waiters: Waiter[] = [];
  /** Open or being opened. */
  #connections = 0;
  #opening = 0;
  #closing = false;
  readonly #closers: (() => void)[] = [];

  /** @param open - which never rejects */
  constructor(open: () => Promise<Opened>, bounds: PoolBounds) {
    this.#open = open;
    this.#bounds = bounds;
  }

  /**
   * A session, now or later.
   *
   * @param options.fresh - one that nobody had before
   * @param options.signal - ends the wait
   */
  acquire({ fresh, signal }: { readonly fresh: boolean; readonly signal: AbortSignal }): Promise<Acquired> {
    if (this.#closing) return Promise.resolve({ kind: 'failed', reason: 'closed' });
    const idle = fresh ? undefined : this.#idle.pop();
    if (idle !== undefined) {
      clearTimeout(idle.timer);
      idle.member.dialogue.hold(true);
      return Promise.resolve({ kind: 'acquired', member: idle.member });
    }
    return new Promise((resolve) => {
      const settle = (acquired: Acquired): void => {
        clearTimeout(timer);
        signal.removeEventListener('abort', onAbort);
        const at = this.#waiters.indexOf(waiter);
        if (at !== -1) this.#waiters.splice(at, 1);
        resolve(acquired);
      };
      const waiter: Waiter = { fresh, settle };
      const onAbort = (): void => settle({ kind: 'failed', reason: 'given-up' });
      const timer = setTimeout(() => {
        settle({ kind: 'failed', reason: this.#opening > 0 ? 'unreachable' : 'busy' });
      }, this.#bounds.waitMs).unref();
      signal.addEventListener('abort', onAbort);
      this.#waiters.push(waiter);
      if (signal.aborted) onAbort();
      this.#openForWaiters();
    });
  }

  /** Gives a session back, in a state in which MAIL can follow. A lost one need not be given back. */
  release({ dialogue, extensions }: PooledDialogue): void {
    if (dialogue.lost === undefined) this.#offer({ dialogue, extensions, reused: true });
  }

  /** Takes no more, ends what is unused, and resolves when what is in use was given back or lost. */
  close(): Promise<void> {
    this.#closing = true;
    for (const waiter of [...this.#waiters]) waiter.settle({ kind: 'failed', reason: 'closed' });
    for (const { member } of [...this.#idle]) member.dialogue.quit();
    if (this.#connections === 0) return Promise.resolve();
    return new Promise((resolve) => this.#closers.push(resolve));
  }

  #openForWaiters(): void {
    while (this.#opening < this.#waiters.length && this.#connections < this.#bounds.maxConnections) {
      this.#connections++;
      this.#opening++;
      void this.#openOne();
    }
  }

  async #openOne(): Promise<void> {
    const opened = await this.#open();
    this.#opening--;
    if (opened.kind === 'failed') {
      this.#waiters[0]?.settle({ kind: 'failed', reason: opened.reason });
      this.#forget();
      return;
    }
    const { dialogue, extensions } = opened;
    const member = { dialogue, extensions, reused: false };
    dialogue.onLost(() => {
      const at = this.#idle.findIndex((idle) => idle.member.dialogue === dialogue);
      for (const { timer } of at === -1 ? [] : this.#idle.splice(at, 1)) clearTimeout(timer);
      this.#forget();
    });
    this.#offer(member);
  }

  /** To whoever waits, or else to nobody for now. */
  #offer(member: PooledDialogue): void {
    const { dialogue } = member;
    const waiter = this.#waiters.find(({ fresh }) => !(fresh && member.reused));
    if (waiter !== undefined) {
      waiter.settle({ kind: 'acquired', member });
    } else if (this.#closing || this.#waiters.length > 0) {
      // Those who wait want a fresh one: this makes room for it.
      dialogue.quit();
    } else {
      dialogue.hold(false);
      const timer = setTimeout(() => dialogue.quit(), this.#bounds.idleTimeoutMs).unref();
      this.#idle.push({ member, timer });
    }
  }

  /** A connection is no more. */
  #forget(): void {
    this.#connections--;
    if (!this.#closing) this.#openForWaiters();
    else if (this.#connections === 0) for (const resolve of this.#closers.splice(0)) resolve();
  }
}
