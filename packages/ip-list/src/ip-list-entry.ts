import type { ListEntry } from './list-entry.ts';

/** An entry with the prefix that it stands for, in its canonical text: `192.0.2.0/24`. */
export type IpListEntry = ListEntry & { readonly prefix: string };
