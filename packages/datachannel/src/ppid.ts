/** SCTP payload protocol identifiers of data channels (RFC 8831 §8, RFC 8832 §8.1). */
export const PPID: {
  readonly DCEP: 50
  readonly STRING: 51
  readonly BINARY_PARTIAL: 52
  readonly BINARY: 53
  readonly STRING_PARTIAL: 54
  readonly STRING_EMPTY: 56
  readonly BINARY_EMPTY: 57
} = { DCEP: 50, STRING: 51, BINARY_PARTIAL: 52, BINARY: 53, STRING_PARTIAL: 54, STRING_EMPTY: 56, BINARY_EMPTY: 57 }
