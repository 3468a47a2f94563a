/** Record content types (RFC 5246 §6.2.1). */
export const ContentType: {
  readonly changeCipherSpec: 20
  readonly alert: 21
  readonly handshake: 22
  readonly applicationData: 23
} = { changeCipherSpec: 20, alert: 21, handshake: 22, applicationData: 23 }

/** The versions that a record may carry, as they are written: one's complement of 1.0 and 1.2 (RFC 6347 §4.1). */
export const VERSION_1_0 = 0xfeff
export const VERSION_1_2 = 0xfefd

/** Type, version, epoch, sequence number, length (RFC 6347 §4.1). */
export const RECORD_HEADER_LENGTH = 13

/** Bytes of plaintext in one record (RFC 5246 §6.2.1). */
export const MAX_PLAINTEXT = 0x4000

/** Bytes of protected content in one record (RFC 5246 §6.2.3). */
export const MAX_CIPHERTEXT: number = MAX_PLAINTEXT + 2048

/** The last sequence number of an epoch: 48 bits. Exact as a `number`. */
export const MAX_SEQUENCE = 0xffff_ffff_ffff

/** Writes a record header at `at`. */
export function writeRecordHeader(
  out: Uint8Array,
  at: number,
  type: number,
  version: number,
  epoch: number,
  sequence: number,
  length: number,
): void {
  out[at] = type
  out[at + 1] = version >>> 8
  out[at + 2] = version
  writeEpochAndSequence(out, at + 3, epoch, sequence)
  out[at + 11] = length >>> 8
  out[at + 12] = length
}

/** The eight bytes that number a record: `seq_num` of the MAC and the AEAD (RFC 6347 §4.1.2.1). */
export function writeEpochAndSequence(out: Uint8Array, at: number, epoch: number, sequence: number): void {
  const high = Math.floor(sequence / 0x1_0000_0000)
  out[at] = epoch >>> 8
  out[at + 1] = epoch
  out[at + 2] = high >>> 8
  out[at + 3] = high
  out[at + 4] = sequence >>> 24
  out[at + 5] = sequence >>> 16
  out[at + 6] = sequence >>> 8
  out[at + 7] = sequence
}

/** The 48-bit sequence number at `at`. */
export function readSequence(data: Uint8Array, at: number): number {
  const high = (data[at]! << 8) | data[at + 1]!
  const low = ((data[at + 2]! << 24) | (data[at + 3]! << 16) | (data[at + 4]! << 8) | data[at + 5]!) >>> 0
  return high * 0x1_0000_0000 + low
}
