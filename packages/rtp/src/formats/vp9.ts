import { concatenate, cutFrame } from './cut.ts'
import { checkMaxSize } from './errors.ts'
import type { Depacketizer, EncodedFrame, Packetizer, PayloadFormat } from './types.ts'
import { parseVp9Descriptor, writeVp9Descriptor, type Vp9Descriptor, type Vp9Scalability } from './vp9-descriptor.ts'
import { readVp9Header } from './vp9-header.ts'

/**
 * VP9 (RFC 9628). Out: the non-flexible mode with one layer, a picture id of 15 bits, TL0PICIDX, and the scalability structure on
 * key frames; libwebrtc drops frames of that mode without them. Both counts begin at 0. A superframe goes out as the one frame
 * that it is shown as. In: both modes. The layer frames of a picture (which share a timestamp) become one frame, lowest first.
 */
export const vp9: PayloadFormat = {
  mimeType: 'video/VP9',
  kind: 'video',
  clockRate: 90_000,
  createPacketizer: () => new Vp9Packetizer(),
  createDepacketizer: (): Depacketizer => ({ depacketize }),
  isFrameStart(payload) {
    const descriptor = parseVp9Descriptor(payload)
    return descriptor !== undefined && startsPicture(descriptor)
  },
  isKeyFrame(payload) {
    const descriptor = parseVp9Descriptor(payload)
    return descriptor !== undefined && startsPicture(descriptor) && isKeyFrame(descriptor, payload)
  },
}

/** Spatial layer 0, or no layers at all. */
function startsPicture(descriptor: Vp9Descriptor): boolean {
  return descriptor.frameStart && descriptor.spatialId <= 0
}

/**
 * By P. Some senders (ffmpeg) never set it, so the frame's own header may object; one that cannot be read, since the frame is
 * encrypted, does not.
 */
function isKeyFrame(descriptor: Vp9Descriptor, payload: Uint8Array): boolean {
  return !descriptor.interPicturePredicted && readVp9Header(payload.subarray(descriptor.length))?.keyFrame !== false
}

class Vp9Packetizer implements Packetizer {
  #pictureId = 0
  #tl0PictureIndex = 0

  packetize(frame: EncodedFrame, maxSize: number): Uint8Array[] {
    checkMaxSize(maxSize)
    if (frame.payload.length === 0) return []
    const header = readVp9Header(frame.payload)
    const keyFrame = header?.keyFrame ?? frame.keyFrame
    const width = header?.width ?? 0
    const height = header?.height ?? 0
    const middle: Vp9Descriptor = {
      interPicturePredicted: !keyFrame,
      flexible: false,
      frameStart: false,
      frameEnd: false,
      notReferenceForUpperLayers: true,
      pictureId: this.#pictureId,
      longPictureId: true,
      temporalId: 0,
      switchingUpPoint: false,
      spatialId: 0,
      interLayerDependency: false,
      tl0PictureIndex: this.#tl0PictureIndex,
      references: [],
      scalability: undefined,
      length: 0,
    }
    this.#pictureId = (this.#pictureId + 1) & 0x7fff
    this.#tl0PictureIndex = (this.#tl0PictureIndex + 1) & 0xff
    const scalability = keyFrame ? oneLayer(width, height) : undefined
    const first = writeVp9Descriptor({ ...middle, frameStart: true, scalability })
    const payloads = cutFrame(frame.payload, maxSize, first, writeVp9Descriptor(middle))
    payloads[payloads.length - 1]![0]! |= 0x04 // E
    return payloads
  }
}

/** A picture group of one picture, which depends on the one before. */
function oneLayer(width: number, height: number): Vp9Scalability {
  return {
    spatialLayers: 1,
    // 65536 does not fit into the field.
    resolutions: width > 0 && width <= 0xffff && height <= 0xffff ? [{ width, height }] : [],
    pictures: [{ temporalId: 0, switchingUpPoint: false, references: [1] }],
  }
}

function depacketize(payloads: readonly Uint8Array[]): { payload: Uint8Array; keyFrame: boolean } | undefined {
  const bodies: Uint8Array[] = []
  let first: Vp9Descriptor | undefined
  let open = false
  let layer = -1
  let total = 0
  for (const payload of payloads) {
    const descriptor = parseVp9Descriptor(payload)
    if (descriptor === undefined || descriptor.frameStart === open) return undefined
    if (first === undefined) {
      if (!startsPicture(descriptor)) return undefined
      first = descriptor
    } else if (descriptor.pictureId !== first.pictureId) {
      return undefined
    }
    const spatialId = Math.max(descriptor.spatialId, 0)
    if (descriptor.frameStart ? spatialId <= layer : spatialId !== layer) return undefined
    layer = spatialId
    open = !descriptor.frameEnd
    const body = payload.subarray(descriptor.length)
    bodies.push(body)
    total += body.length
  }
  if (first === undefined || open) return undefined
  const payload = concatenate(bodies, total)
  return { payload, keyFrame: isKeyFrame(first, payloads[0]!) }
}
