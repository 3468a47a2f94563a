import type { HeaderExtensionCodec } from './codec.ts'
import { headerExtensionUris } from './uris.ts'

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** An SDES item as a header extension: its text alone (RFC 7941 §4.1). */
function text(uri: string): HeaderExtensionCodec<string> {
  return {
    uri,
    read: readText,
    write(value, out) {
      const encoded = encoder.encode(value)
      if (out === undefined) return encoded
      out.set(encoded)
      return out
    },
  }
}

function readText(data: Uint8Array): string | undefined {
  if (data.length === 0) return undefined
  // Nearly always a few ASCII characters on every packet, where a TextDecoder costs ten times as much.
  let value = ''
  for (let i = 0; i < data.length; i++) {
    const byte = data[i]!
    if (byte > 0x7f) return decodeUtf8(data)
    value += String.fromCharCode(byte)
  }
  return value
}

function decodeUtf8(data: Uint8Array): string | undefined {
  try {
    return decoder.decode(data)
  } catch {
    return undefined
  }
}

/** Which media section the packet belongs to: its `a=mid` (RFC 9143 §15). */
export const mid: HeaderExtensionCodec<string> = text(headerExtensionUris.mid)

/** Which of the section's encodings it belongs to: RtpStreamId (RFC 8852 §3.1). */
export const rid: HeaderExtensionCodec<string> = text(headerExtensionUris.rid)

/** Which encoding's packets a repair stream repairs (RFC 8852 §3.2). */
export const repairedRid: HeaderExtensionCodec<string> = text(headerExtensionUris.repairedRid)
