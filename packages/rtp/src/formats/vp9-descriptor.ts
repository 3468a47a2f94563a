/** The VP9 payload descriptor (RFC 9628 §4.2). Numbers that are not there are −1. */
export interface Vp9Descriptor {
  /** P: the frame depends on other pictures. */
  readonly interPicturePredicted: boolean
  /** F: references are given frame by frame, not by the scalability structure. */
  readonly flexible: boolean
  /** B and E: the first and the last payload of a layer frame. */
  readonly frameStart: boolean
  readonly frameEnd: boolean
  /** Z: no higher spatial layer of this picture depends on this frame. */
  readonly notReferenceForUpperLayers: boolean
  /** 7 or 15 bits. */
  readonly pictureId: number
  readonly longPictureId: boolean
  /** TID, 0 to 7. */
  readonly temporalId: number
  /** U: a receiver of a lower temporal layer may switch up here. */
  readonly switchingUpPoint: boolean
  /** SID, 0 to 7. */
  readonly spatialId: number
  /** D: depends on the next lower spatial layer of the same picture. */
  readonly interLayerDependency: boolean
  /** TL0PICIDX, 8 bits; in the non-flexible mode. */
  readonly tl0PictureIndex: number
  /** P_DIFF: how many pictures back the references are; up to three, in the flexible mode. */
  readonly references: readonly number[]
  readonly scalability: Vp9Scalability | undefined
  /** Bytes of the descriptor; the VP9 payload follows. */
  readonly length: number
}

/** The scalability structure (RFC 9628 §4.2.1). */
export interface Vp9Scalability {
  /** N_S + 1 */
  readonly spatialLayers: number
  /** Pixels, by spatial layer; empty without Y. */
  readonly resolutions: readonly { readonly width: number; readonly height: number }[]
  /** The picture group; undefined without G. */
  readonly pictures: readonly Vp9GroupPicture[] | undefined
}

export interface Vp9GroupPicture {
  readonly temporalId: number
  readonly switchingUpPoint: boolean
  /** P_DIFF; up to three. */
  readonly references: readonly number[]
}

const NONE: readonly number[] = []

/** Reads a payload's descriptor. Undefined when it is cut short, or has nothing behind it. */
export function parseVp9Descriptor(payload: Uint8Array): Vp9Descriptor | undefined {
  const size = payload.length
  if (size < 2) return undefined
  const first = payload[0]!
  const flexible = (first & 0x10) !== 0
  const interPicturePredicted = (first & 0x40) !== 0
  let offset = 1
  let pictureId = -1
  let longPictureId = false
  let temporalId = -1
  let switchingUpPoint = false
  let spatialId = -1
  let interLayerDependency = false
  let tl0PictureIndex = -1
  let references = NONE
  if ((first & 0x80) !== 0) {
    pictureId = payload[offset++]!
    longPictureId = pictureId >= 0x80
    if (longPictureId) {
      if (offset >= size) return undefined
      pictureId = ((pictureId & 0x7f) << 8) | payload[offset++]!
    }
  }
  if ((first & 0x20) !== 0) {
    if (offset >= size) return undefined
    const layer = payload[offset++]!
    temporalId = layer >> 5
    switchingUpPoint = (layer & 0x10) !== 0
    spatialId = (layer >> 1) & 7
    interLayerDependency = (layer & 1) !== 0
    if (!flexible) {
      if (offset >= size) return undefined
      tl0PictureIndex = payload[offset++]!
    }
  }
  if (flexible && interPicturePredicted) {
    const list: number[] = []
    let more = true
    while (more) {
      if (offset >= size || list.length === 3) return undefined
      const byte = payload[offset++]!
      list.push(byte >> 1)
      more = (byte & 1) !== 0
    }
    references = list
  }
  let scalability: Vp9Scalability | undefined
  if ((first & 0x02) !== 0) {
    const end = endOfScalability(payload, offset)
    if (end < 0) return undefined
    scalability = readScalability(payload, offset)
    offset = end
  }
  if (offset >= size) return undefined
  return {
    interPicturePredicted,
    flexible,
    frameStart: (first & 0x08) !== 0,
    frameEnd: (first & 0x04) !== 0,
    notReferenceForUpperLayers: (first & 0x01) !== 0,
    pictureId,
    longPictureId,
    temporalId,
    switchingUpPoint,
    spatialId,
    interLayerDependency,
    tl0PictureIndex,
    references,
    scalability,
    length: offset,
  }
}

/** Where the structure ends; −1 when it does so beyond the payload. */
function endOfScalability(payload: Uint8Array, offset: number): number {
  const size = payload.length
  if (offset >= size) return -1
  const head = payload[offset++]!
  if ((head & 0x10) !== 0) offset += ((head >> 5) + 1) * 4
  if ((head & 0x08) !== 0) {
    if (offset >= size) return -1
    const count = payload[offset++]!
    for (let index = 0; index < count; index++) {
      if (offset >= size) return -1
      offset += 1 + ((payload[offset]! >> 2) & 3)
    }
  }
  return offset <= size ? offset : -1
}

function readScalability(payload: Uint8Array, offset: number): Vp9Scalability {
  const head = payload[offset++]!
  const spatialLayers = (head >> 5) + 1
  const resolutions: { width: number; height: number }[] = []
  if ((head & 0x10) !== 0) {
    for (let layer = 0; layer < spatialLayers; layer++) {
      const width = (payload[offset]! << 8) | payload[offset + 1]!
      const height = (payload[offset + 2]! << 8) | payload[offset + 3]!
      resolutions.push({ width, height })
      offset += 4
    }
  }
  if ((head & 0x08) === 0) return { spatialLayers, resolutions, pictures: undefined }
  const pictures: Vp9GroupPicture[] = []
  const count = payload[offset++]!
  for (let index = 0; index < count; index++) {
    const byte = payload[offset++]!
    const references: number[] = []
    for (let left = (byte >> 2) & 3; left > 0; left--) references.push(payload[offset++]!)
    pictures.push({ temporalId: byte >> 5, switchingUpPoint: (byte & 0x10) !== 0, references })
  }
  return { spatialLayers, resolutions, pictures }
}

/** The bytes of a descriptor; its `length` is not looked at. Numbers are cut to the bits that they have. */
export function writeVp9Descriptor(descriptor: Vp9Descriptor): Uint8Array {
  const { pictureId, temporalId, spatialId, references, scalability } = descriptor
  const layers = temporalId >= 0 || spatialId >= 0
  const bytes: number[] = [
    (pictureId >= 0 ? 0x80 : 0) |
      (descriptor.interPicturePredicted ? 0x40 : 0) |
      (layers ? 0x20 : 0) |
      (descriptor.flexible ? 0x10 : 0) |
      (descriptor.frameStart ? 0x08 : 0) |
      (descriptor.frameEnd ? 0x04 : 0) |
      (scalability === undefined ? 0 : 0x02) |
      (descriptor.notReferenceForUpperLayers ? 0x01 : 0),
  ]
  if (pictureId >= 0) {
    if (descriptor.longPictureId) bytes.push(0x80 | ((pictureId >> 8) & 0x7f), pictureId & 0xff)
    else bytes.push(pictureId & 0x7f)
  }
  if (layers) {
    bytes.push(
      ((Math.max(temporalId, 0) & 7) << 5) |
        (descriptor.switchingUpPoint ? 0x10 : 0) |
        ((Math.max(spatialId, 0) & 7) << 1) |
        (descriptor.interLayerDependency ? 1 : 0),
    )
    if (!descriptor.flexible) bytes.push(descriptor.tl0PictureIndex & 0xff)
  }
  if (descriptor.flexible && descriptor.interPicturePredicted) {
    const count = Math.min(references.length, 3)
    for (let index = 0; index < count; index++) {
      bytes.push(((references[index]! & 0x7f) << 1) | (index < count - 1 ? 1 : 0))
    }
  }
  if (scalability !== undefined) pushScalability(bytes, scalability)
  return Uint8Array.from(bytes)
}

function pushScalability(bytes: number[], scalability: Vp9Scalability): void {
  const { spatialLayers, resolutions, pictures } = scalability
  const sized = resolutions.length > 0 ? spatialLayers : 0
  bytes.push((((spatialLayers - 1) & 7) << 5) | (sized > 0 ? 0x10 : 0) | (pictures === undefined ? 0 : 0x08))
  for (let layer = 0; layer < sized; layer++) {
    const { width, height } = resolutions[Math.min(layer, resolutions.length - 1)]!
    bytes.push((width >> 8) & 0xff, width & 0xff, (height >> 8) & 0xff, height & 0xff)
  }
  if (pictures === undefined) return
  const count = Math.min(pictures.length, 255)
  bytes.push(count)
  for (let index = 0; index < count; index++) {
    const picture = pictures[index]!
    const differences = picture.references.slice(0, 3)
    bytes.push(((picture.temporalId & 7) << 5) | (picture.switchingUpPoint ? 0x10 : 0) | (differences.length << 2))
    for (const difference of differences) bytes.push(difference & 0xff)
  }
}
