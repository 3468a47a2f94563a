export type { Depacketizer, EncodedFrame, Packetizer, PayloadFormat, ReceivedFrame } from './types.ts'
