/** How patient a download is, and how much memory it takes. */
export interface TransferLimits {
  /** A connection that gives no byte for so many milliseconds is given up and made anew. */
  readonly stallMs: number;
  /** Failures in a row, without a byte between them, after which a download ends with an error. */
  readonly attempts: number;
  /** Pause in milliseconds after the first failure; doubles with each further one. */
  readonly firstPauseMs: number;
  /** Longest pause in milliseconds, also where the server asks for a longer one. */
  readonly longestPauseMs: number;
  /** Bytes already passed that stay in memory for reads a little behind the stream. */
  readonly windowBytes: number;
  /** Bytes that a read may lie ahead of the stream and still be reached by reading on. */
  readonly aheadBytes: number;
  /** Least bytes of a request beside the stream: headers are read in small pieces. */
  readonly asideBytes: number;
}

/** Limits for the networks that people have. The hub counts requests in windows of five minutes, hence the longest pause. */
export const DEFAULT_LIMITS: TransferLimits = {
  stallMs: 30_000,
  attempts: 6,
  firstPauseMs: 500,
  longestPauseMs: 300_000,
  windowBytes: 64 << 20,
  aheadBytes: 8 << 20,
  asideBytes: 1 << 20,
};
