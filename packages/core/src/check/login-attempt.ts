/** What the client offers to prove who it is (RFC 4954). Never to be logged or reported. */
export type LoginAttempt =
  | { readonly mechanism: 'PLAIN' | 'LOGIN'; readonly user: string; readonly password: string }
  | {
      readonly mechanism: 'CRAM-MD5';
      readonly user: string;
      /** Whether the client's response was made with this password. */
      readonly provedBy: (password: string) => boolean;
    }
  | { readonly mechanism: 'XOAUTH2'; readonly user: string; readonly token: string };
