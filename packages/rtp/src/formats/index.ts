export { g722, opus, pcma, pcmu } from './audio.ts'
export { isAv1KeyFrame, joinObus, obus, type Obu } from './av1-obu.ts'
export { readAv1SequenceHeader, type Av1SequenceHeader } from './av1-sequence.ts'
export { av1 } from './av1.ts'
export { frameDimensions } from './dimensions.ts'
export { PayloadFormatError, type PayloadFormatErrorCode } from './errors.ts'
export { readH264Sps, type H264Sps } from './h264-sps.ts'
export { h264 } from './h264.ts'
export { readH265Sps, type H265Sps } from './h265-sps.ts'
export { h265 } from './h265.ts'
export { joinNalUnits, nalUnits } from './nal-units.ts'
export { payloadFormat } from './registry.ts'
export {
  dtmfEvent,
  parseTelephoneEvent,
  telephoneEventPackets,
  TelephoneEventReader,
  type TelephoneEvent,
  type TelephoneEventChange,
  type TelephoneEventOptions,
  type TelephoneEventPacket,
} from './telephone-event.ts'
export type { Depacketizer, EncodedFrame, Packetizer, PayloadFormat, ReceivedFrame } from './types.ts'
export { parseVp8Descriptor, vp8DescriptorLength, writeVp8Descriptor, type Vp8Descriptor } from './vp8-descriptor.ts'
export { vp8 } from './vp8.ts'
export {
  parseVp9Descriptor,
  writeVp9Descriptor,
  type Vp9Descriptor,
  type Vp9GroupPicture,
  type Vp9Scalability,
} from './vp9-descriptor.ts'
export { readVp9Header, type Vp9Header } from './vp9-header.ts'
export { vp9 } from './vp9.ts'
