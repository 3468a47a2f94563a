import { clamp, readUint16, readUint24, writeUint16, writeUint24 } from '../bytes.ts'
import type { HeaderExtensionCodec } from './codec.ts'
import { headerExtensionUris } from './uris.ts'

export interface PlayoutDelay {
  /** ms, in steps of ten, 0 to 40950. */
  readonly minimum: number
  readonly maximum: number
}

/** Between which bounds the receiver may delay (libwebrtc's `playout-delay`): twice 12 bits in 10 ms. */
export const playoutDelay: HeaderExtensionCodec<PlayoutDelay> = {
  uri: headerExtensionUris.playoutDelay,
  read(data) {
    if (data.length !== 3) return undefined
    const bits = readUint24(data, 0)
    const minimum = (bits >>> 12) * 10
    const maximum = (bits & 0xfff) * 10
    return minimum > maximum ? undefined : { minimum, maximum }
  },
  write({ minimum, maximum }, out = new Uint8Array(3)) {
    writeUint24(out, 0, (clamp(minimum / 10, 0, 0xfff) << 12) | clamp(maximum / 10, 0, 0xfff))
    return out
  },
}

export interface VideoOrientation {
  /** Degrees by which to turn the picture clockwise to see it upright. */
  readonly rotation: 0 | 90 | 180 | 270
  /** It is mirrored, left to right. */
  readonly flip: boolean
  /** It comes from the camera that looks away from the user. */
  readonly backCamera: boolean
}

const ROTATIONS = [0, 90, 180, 270] as const

/** Coordination of video orientation (3GPP TS 26.114 §7.4.5). */
export const videoOrientation: HeaderExtensionCodec<VideoOrientation> = {
  uri: headerExtensionUris.videoOrientation,
  read(data) {
    if (data.length !== 1) return undefined
    const bits = data[0]!
    return { rotation: ROTATIONS[bits & 3]!, flip: (bits & 4) !== 0, backCamera: (bits & 8) !== 0 }
  },
  write({ rotation, flip, backCamera }, out = new Uint8Array(1)) {
    out[0] = (backCamera ? 8 : 0) | (flip ? 4 : 0) | (rotation / 90)
    return out
  },
}

/** What the picture shows (libwebrtc's `video-content-type`); the lowest bit says it. */
export const videoContentType: HeaderExtensionCodec<'unspecified' | 'screenshare'> = {
  uri: headerExtensionUris.videoContentType,
  read(data) {
    if (data.length !== 1) return undefined
    return (data[0]! & 1) === 1 ? 'screenshare' : 'unspecified'
  },
  write(value, out = new Uint8Array(1)) {
    out[0] = value === 'screenshare' ? 1 : 0
    return out
  },
}

/** ms from the capture of the frame on, 0 to 65535. */
export interface VideoTiming {
  /** Why it was sent: bit 0 by a timer, bit 1 for the size of the frame. */
  readonly flags: number
  readonly encodeStart: number
  readonly encodeFinish: number
  readonly packetization: number
  readonly pacerExit: number
  /** Two that middle boxes may fill in. */
  readonly network: readonly [number, number]
}

/** On the last packet of some frames (libwebrtc's `video-timing`); 13 bytes, or 12 of old without the flags. */
export const videoTiming: HeaderExtensionCodec<VideoTiming> = {
  uri: headerExtensionUris.videoTiming,
  read(data) {
    if (data.length !== 13 && data.length !== 12) return undefined
    const at = data.length - 12
    return {
      flags: at === 1 ? data[0]! : 0,
      encodeStart: readUint16(data, at),
      encodeFinish: readUint16(data, at + 2),
      packetization: readUint16(data, at + 4),
      pacerExit: readUint16(data, at + 6),
      network: [readUint16(data, at + 8), readUint16(data, at + 10)],
    }
  },
  write(value, out = new Uint8Array(13)) {
    out[0] = value.flags
    writeUint16(out, 1, clamp(value.encodeStart, 0, 0xffff))
    writeUint16(out, 3, clamp(value.encodeFinish, 0, 0xffff))
    writeUint16(out, 5, clamp(value.packetization, 0, 0xffff))
    writeUint16(out, 7, clamp(value.pacerExit, 0, 0xffff))
    writeUint16(out, 9, clamp(value.network[0], 0, 0xffff))
    writeUint16(out, 11, clamp(value.network[1], 0, 0xffff))
    return out
  },
}
