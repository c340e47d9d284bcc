/** How much a message may be altered on its way before a signature breaks (RFC 6376 §3.4). */
export type DkimCanonicalization = 'simple' | 'relaxed';
