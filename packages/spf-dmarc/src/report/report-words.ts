/** The words that stand in aggregate reports (RFC 9990, appendix A), as lists to look them up in. */
export const POLICIES = ['none', 'quarantine', 'reject'] as const;
export const DISPOSITIONS = ['none', 'pass', 'quarantine', 'reject'] as const;
export const ALIGNED = ['pass', 'fail'] as const;
export const MODES = ['r', 's'] as const;
export const METHODS = ['treewalk', 'psl'] as const;
export const DKIM_RESULTS = ['none', 'pass', 'fail', 'policy', 'neutral', 'temperror', 'permerror'] as const;
export const SPF_RESULTS = ['none', 'neutral', 'pass', 'fail', 'softfail', 'temperror', 'permerror'] as const;
export const OVERRIDES = ['local_policy', 'mailing_list', 'other', 'policy_test_mode', 'trusted_forwarder'] as const;
