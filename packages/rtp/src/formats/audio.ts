import { checkMaxSize } from './errors.ts'
import type { Depacketizer, EncodedFrame, Packetizer, PayloadFormat } from './types.ts'

/** Opus (RFC 7587): one packet is one payload (§4.2), even when it is larger than asked for. The clock is always 48000 Hz. */
export const opus: PayloadFormat = audio('audio/opus', 48_000, { packetize: whole })

/** G.711 µ-law (RFC 3551 §4.5.14): any number of octets, which last a tick each. */
export const pcmu: PayloadFormat = audio('audio/PCMU', 8000, { packetize: octets }, 1)

/** G.711 A-law (RFC 3551 §4.5.14). */
export const pcma: PayloadFormat = audio('audio/PCMA', 8000, { packetize: octets }, 1)

/** G.722 (RFC 3551 §4.5.2): samples 16000 times a second, and has a clock of 8000 Hz because of an old mistake. */
export const g722: PayloadFormat = audio('audio/G722', 8000, { packetize: octets }, 1)

function audio(mimeType: string, clockRate: number, packetizer: Packetizer, ticksPerOctet?: number): PayloadFormat {
  const format: PayloadFormat = {
    mimeType,
    kind: 'audio',
    clockRate,
    createPacketizer: () => packetizer,
    createDepacketizer: (): Depacketizer => ({ depacketize }),
    isFrameStart: () => true,
    isKeyFrame: () => true,
  }
  return ticksPerOctet === undefined ? format : { ...format, ticksPerOctet }
}

function whole(frame: EncodedFrame): Uint8Array[] {
  return frame.payload.length === 0 ? [] : [frame.payload]
}

function octets(frame: EncodedFrame, maxSize: number): Uint8Array[] {
  checkMaxSize(maxSize)
  const payloads: Uint8Array[] = []
  for (let offset = 0; offset < frame.payload.length; offset += maxSize) {
    payloads.push(frame.payload.subarray(offset, offset + maxSize))
  }
  return payloads
}

/** Each packet of audio stands for itself. */
function depacketize(payloads: readonly Uint8Array[]): { payload: Uint8Array; keyFrame: boolean } | undefined {
  const payload = payloads[0]
  if (payloads.length !== 1 || payload === undefined || payload.length === 0) return undefined
  return { payload, keyFrame: true }
}
