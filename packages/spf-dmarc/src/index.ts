/**
 * SPF, DKIM and DMARC: may this host send for that domain, was the message altered, what does the domain owner ask for?
 *
 * @module
 */

export type { DkimResult } from './dkim/dkim-result.ts';
export type { DmarcResult } from './dmarc/dmarc-result.ts';
export type { SpfResult } from './spf/spf-result.ts';
