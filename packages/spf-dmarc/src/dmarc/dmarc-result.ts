/**
 * The results of RFC 9989 as `Authentication-Results` writes them.
 *
 * - `none`: no author domain that could have a record, or no record.
 * - `pass`: an aligned identifier was authenticated.
 * - `fail`: none was.
 * - `temperror`: DNS failed for now, and might have brought another result. Neither pass nor fail.
 * - `permerror`: what stands in DNS or in the message cannot be judged. Neither pass nor fail.
 */
export type DmarcResult = 'none' | 'pass' | 'fail' | 'temperror' | 'permerror';
