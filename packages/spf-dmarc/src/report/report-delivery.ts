import { errorText } from '@postern/core';
import type { DeliverReport, DueReport, ReportDelivery } from './send-options.ts';

/** What became of a delivery, and why when it was not made. */
export interface DeliveryOutcome {
  readonly outcome: ReportDelivery;
  readonly detail?: string;
}

/**
 * Calls the application's function, and waits for it until the deadline: one that hangs, throws or overhears its signal
 * holds up no other report. Never rejects.
 */
export async function deliverOnce(
  deliver: DeliverReport,
  due: DueReport,
  timeoutMs: number,
  signal: AbortSignal | undefined,
): Promise<DeliveryOutcome> {
  const controller = new AbortController();
  let giveUp = (): void => {};
  const over = new Promise<DeliveryOutcome>((resolve) => {
    giveUp = () => resolve({ outcome: 'later', detail: 'The delivery was given up.' });
  });
  const timer = setTimeout(() => giveUp(), timeoutMs);
  const abort = (): void => giveUp();
  signal?.addEventListener('abort', abort, { once: true });
  if (signal?.aborted) giveUp();
  try {
    return await Promise.race([attempt(deliver, due, controller.signal), over]);
  } finally {
    clearTimeout(timer);
    signal?.removeEventListener('abort', abort);
    controller.abort();
  }
}

async function attempt(deliver: DeliverReport, due: DueReport, signal: AbortSignal): Promise<DeliveryOutcome> {
  try {
    const outcome: unknown = await deliver(due, signal);
    if (outcome === 'delivered' || outcome === 'later' || outcome === 'never') return { outcome };
    return { outcome: 'later', detail: 'The application did not say whether it was delivered.' };
  } catch (error) {
    return { outcome: 'later', detail: errorText(error) };
  }
}
