/** An SMTP reply (RFC 5321 §4.2) with its enhanced status code (RFC 3463). */
export interface SmtpReply {
  /** 2xx, 3xx, 4xx or 5xx. */
  readonly code: number;
  /** `class.subject.detail`; the class is the code's first digit. */
  readonly enhanced: string;
  /** For a person. A line feed starts a new reply line; every other control character is replaced when it is sent. */
  readonly text: string;
}

/** 4yz: the client should try again later. */
export interface TransientReply extends SmtpReply {
  readonly code: 421 | 432 | 450 | 451 | 452 | 454 | 455 | 458 | 459;
  readonly enhanced: `4.${number}.${number}`;
}

/** 5yz: the client should not try again. */
export interface PermanentReply extends SmtpReply {
  readonly code:
    | 500
    | 501
    | 502
    | 503
    | 504
    | 521
    | 523
    | 530
    | 534
    | 535
    | 538
    | 550
    | 551
    | 552
    | 553
    | 554
    | 555
    | 556;
  readonly enhanced: `5.${number}.${number}`;
}
