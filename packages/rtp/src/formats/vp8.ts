import { concatenate, cutFrame } from './cut.ts'
import { checkMaxSize } from './errors.ts'
import type { Depacketizer, EncodedFrame, Packetizer, PayloadFormat } from './types.ts'
import { parseVp8Descriptor } from './vp8-descriptor.ts'
import { isVp8Discardable, isVp8KeyFrame, vp8MinimumLength } from './vp8-header.ts'

/**
 * VP8 (RFC 7741). Frames go out with a picture id of 15 bits, which begins at 0, and with N set when nothing depends on them.
 * A frame is cut anywhere and counts as one partition, as in libwebrtc: only its first payload has S set.
 */
export const vp8: PayloadFormat = {
  mimeType: 'video/VP8',
  kind: 'video',
  clockRate: 90_000,
  createPacketizer: () => new Vp8Packetizer(),
  createDepacketizer: (): Depacketizer => ({ depacketize }),
  isFrameStart: (payload) => bodyOfFrameStart(payload) !== undefined,
  isKeyFrame(payload) {
    const body = bodyOfFrameStart(payload)
    return body !== undefined && isVp8KeyFrame(body)
  },
}

function bodyOfFrameStart(payload: Uint8Array): Uint8Array | undefined {
  const descriptor = parseVp8Descriptor(payload)
  if (descriptor === undefined || !descriptor.partitionStart || descriptor.partitionIndex !== 0) return undefined
  return payload.subarray(descriptor.length)
}

class Vp8Packetizer implements Packetizer {
  #pictureId = 0

  packetize(frame: EncodedFrame, maxSize: number): Uint8Array[] {
    checkMaxSize(maxSize)
    if (frame.payload.length === 0) return []
    const pictureId = this.#pictureId
    this.#pictureId = (pictureId + 1) & 0x7fff
    const first = isVp8Discardable(frame.payload) ? 0xa0 : 0x80
    const header = Uint8Array.of(first, 0x80, 0x80 | (pictureId >> 8), pictureId & 0xff)
    const start = Uint8Array.of(first | 0x10, header[1]!, header[2]!, header[3]!)
    return cutFrame(frame.payload, maxSize, start, header)
  }
}

function depacketize(payloads: readonly Uint8Array[]): { payload: Uint8Array; keyFrame: boolean } | undefined {
  const bodies: Uint8Array[] = []
  let pictureId = -1
  let total = 0
  for (const payload of payloads) {
    const descriptor = parseVp8Descriptor(payload)
    if (descriptor === undefined) return undefined
    const start = descriptor.partitionStart && descriptor.partitionIndex === 0
    if (start !== (bodies.length === 0)) return undefined
    if (start) pictureId = descriptor.pictureId
    else if (descriptor.pictureId !== pictureId) return undefined
    const body = payload.subarray(descriptor.length)
    bodies.push(body)
    total += body.length
  }
  if (bodies.length === 0) return undefined
  const frame = concatenate(bodies, total)
  if (total < vp8MinimumLength(frame)) return undefined // a packet is missing, whatever the sequence numbers said
  return { payload: frame, keyFrame: isVp8KeyFrame(frame) }
}
