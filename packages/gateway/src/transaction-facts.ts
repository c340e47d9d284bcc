import type { Path, Session, Transaction } from '@postern/core';

/** The `Transaction` that checks and the backend see. Only the gateway changes it. */
export class TransactionFacts implements Transaction {
  readonly id: string;
  readonly session: Session;
  readonly startedAt: number;
  readonly reversePath: Path;
  readonly recipients: Path[] = [];

  constructor(id: string, session: Session, startedAt: number, reversePath: Path) {
    this.id = id;
    this.session = session;
    this.startedAt = startedAt;
    this.reversePath = reversePath;
  }
}
