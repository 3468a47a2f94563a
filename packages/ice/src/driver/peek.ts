// A look at a STUN message before anybody has to understand it: whose is it?

/** The type of a Binding request (RFC 8489 §5). */
export function isBindingRequest(datagram: Uint8Array): boolean {
  return datagram.length >= 20 && datagram[0] === 0 && datagram[1] === 1
}

/** Success or error response of any method: class bits C1 = 1 (RFC 8489 §5). */
export function isResponse(datagram: Uint8Array): boolean {
  return datagram.length >= 20 && datagram[0]! < 64 && (datagram[0]! & 1) === 1
}

const USERNAME = 6
/** RFC 8839 §5.4 */
const MAX_FRAGMENT = 256

/** The part before the colon of a Binding request's USERNAME: the receiver's fragment (RFC 8445 §7.2.2). Undefined when it is none. */
export function localFragmentOf(datagram: Uint8Array): string | undefined {
  if (!isBindingRequest(datagram)) return undefined
  for (let at = 20; at + 4 <= datagram.length;) {
    const type = (datagram[at]! << 8) | datagram[at + 1]!
    const length = (datagram[at + 2]! << 8) | datagram[at + 3]!
    const end = at + 4 + length
    if (end > datagram.length) return undefined
    if (type === USERNAME) return upToColon(datagram, at + 4, end)
    at = at + 4 + ((length + 3) & ~3)
  }
  return undefined
}

function upToColon(bytes: Uint8Array, from: number, to: number): string | undefined {
  let text = ''
  for (let i = from; i < to && text.length <= MAX_FRAGMENT; i++) {
    const byte = bytes[i]!
    if (byte === 0x3a) return text.length > 0 ? text : undefined
    if (byte < 0x21 || byte > 0x7e) return undefined
    text += String.fromCharCode(byte)
  }
  return undefined
}
