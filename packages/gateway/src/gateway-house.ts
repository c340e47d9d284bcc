import type { Backend, Context } from '@postern/core';
import type { Bystanders } from './bystanders.ts';
import type { GatewaySettings } from './gateway-options.ts';
import type { MessageBounds } from './message-intake.ts';
import type { SpoolSpace } from './message-spool.ts';
import type { ReportDesk } from './report-desk.ts';

/** What all sessions of a gateway share. */
export interface GatewayHouse {
  readonly settings: GatewaySettings;
  readonly context: Context;
  readonly backend: Backend;
  readonly spools: SpoolSpace;
  readonly messageBounds: MessageBounds;
  readonly desk: ReportDesk;
  readonly bystanders: Bystanders;
}
