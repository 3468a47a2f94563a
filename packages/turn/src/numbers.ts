import { stunAttributes } from '@kaon/stun'

/** IP protocol numbers for REQUESTED-TRANSPORT (RFC 8656 §18.8, RFC 6062 §4.1). */
export const TRANSPORT_UDP = 17
export const TRANSPORT_TCP = 6

/** ms that an allocation lives unless it is refreshed (RFC 8656 §3.2). */
export const ALLOCATION_LIFETIME = 600_000
/** ms; neither can be negotiated (RFC 8656 §9, §12). */
export const PERMISSION_LIFETIME = 300_000
export const CHANNEL_LIFETIME = 600_000
/** ms after a channel's end in which its number is no other peer's (RFC 8656 §12). */
export const CHANNEL_REST = 300_000

/** RFC 8656 §12; what RFC 5766 allowed above is reserved now, so that a first byte tells protocols apart (RFC 7983). */
export const FIRST_CHANNEL = 0x4000
export const LAST_CHANNEL = 0x4fff
/** What a server takes: clients of RFC 5766 §11 chose from all of these. */
export const LAST_OLD_CHANNEL = 0x7fff

/** The comprehension-required attributes that a TURN client knows (RFC 8656 §18, RFC 6062 §6.2, RFC 7635 §6). */
export const clientAttributes: ReadonlySet<number> = new Set([
  ...stunAttributes,
  0x000c, // CHANNEL-NUMBER
  0x000d, // LIFETIME
  0x0012, // XOR-PEER-ADDRESS
  0x0013, // DATA
  0x0016, // XOR-RELAYED-ADDRESS
  0x0017, // REQUESTED-ADDRESS-FAMILY
  0x0018, // EVEN-PORT
  0x0019, // REQUESTED-TRANSPORT
  0x001a, // DONT-FRAGMENT
  0x001b, // ACCESS-TOKEN
  0x0022, // RESERVATION-TOKEN
  0x002a, // CONNECTION-ID
])

/** A server that cannot set the DF bit treats DONT-FRAGMENT as unknown (RFC 8656 §7.2, §11.2), and `Network` has no such bit. */
export const serverAttributes: ReadonlySet<number> = new Set([...clientAttributes].filter((type) => type !== 0x001a))
