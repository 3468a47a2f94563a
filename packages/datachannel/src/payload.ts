import { PPID } from './ppid.ts'

// `ignoreBOM` keeps a byte order mark in the text, so that what was sent is what arrives.
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** A user message as the application gets it; undefined for a PPID that is none of RFC 8831 §8. */
export function readPayload(ppid: number, data: Uint8Array): string | Uint8Array | undefined {
  switch (ppid) {
    case PPID.BINARY:
      return data
    case PPID.STRING:
      return decoder.decode(data)
    case PPID.STRING_EMPTY: // RFC 8831 §6.6: what the message carries is ignored
      return ''
    case PPID.BINARY_EMPTY:
      return new Uint8Array(0)
    default:
      return undefined
  }
}
