import { g722, opus, pcma, pcmu } from './audio.ts'
import { av1 } from './av1.ts'
import { h264 } from './h264.ts'
import { h265 } from './h265.ts'
import type { PayloadFormat } from './types.ts'
import { vp8 } from './vp8.ts'
import { vp9 } from './vp9.ts'

const FORMATS: readonly PayloadFormat[] = [opus, pcmu, pcma, g722, vp8, vp9, h264, h265, av1]

/** The payload format of a media type such as `video/VP8`, in any case. Undefined when there is none here. */
export function payloadFormat(mimeType: string): PayloadFormat | undefined {
  const wanted = mimeType.toLowerCase()
  return FORMATS.find((format) => format.mimeType.toLowerCase() === wanted)
}
