// RTCP packet types (IANA), and the formats of feedback messages: the five bits that elsewhere are a count.

export const SR = 200
export const RR = 201
export const SDES = 202
export const BYE = 203
export const APP = 204
/** Transport layer feedback (RFC 4585 §6.2). */
export const RTPFB = 205
/** Payload-specific feedback (RFC 4585 §6.3). */
export const PSFB = 206
export const XR = 207

export const FMT_NACK = 1
export const FMT_CCFB = 11
export const FMT_TWCC = 15
export const FMT_PLI = 1
export const FMT_FIR = 4
/** Application layer feedback, of which REMB is one (RFC 4585 §6.4). */
export const FMT_AFB = 15

/** Bytes of the common header: version, padding, count; type; length. */
export const HEADER_SIZE = 4
/** The same with the SSRC of the sender and that of the media, as feedback has it. */
export const FEEDBACK_HEADER_SIZE = 12
/** What five bits count. */
export const MAX_COUNT = 31
