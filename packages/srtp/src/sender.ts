import { createCiphers } from './cipher/create.ts'
import { NO_AAD, type PacketCipher } from './cipher/types.ts'
import {
  CRYPTEX_CLEAR,
  ENCRYPTED_ONE_BYTE,
  encryptedProfile,
  extensionProfile,
  hoistExtension,
  putProfile,
  settleExtension,
} from './cryptex.ts'
import { SrtpError } from './errors.ts'
import { checkInteger, type SrtpSenderOptions } from './options.ts'
import { INDEX_LIMIT, rolloverCounter } from './packet-index.ts'
import {
  csrcBytes,
  EXTENSION_HEADER,
  FIXED_HEADER,
  putUint32,
  rtpHeaderLength,
  uint16,
  uint32,
  withExtensionBit,
} from './rtp-header.ts'
import { Slab } from './slab.ts'
import { Source } from './source.ts'
import { ENCRYPTED_BIT, RTCP_CLEAR, RTCP_INDEX_LIMIT, setRtcpAad, TRAILER } from './srtcp.ts'

/** How far behind the newest packet of its SSRC a packet may be sent, in packets. */
const REPEAT_WINDOW = 1024

/** Packets of one key, of all SSRCs together (RFC 3711 §9.2). */
const PACKET_LIMIT = INDEX_LIMIT
const RTCP_PACKET_LIMIT = RTCP_INDEX_LIMIT

/** Plain counters. */
export interface SrtpSenderStats {
  packets: number
  rtcpPackets: number
}

/**
 * Protects the packets of one direction: SRTP and SRTCP (RFC 3711 §3), of any number of SSRCs, under one master key. Rollover counters and SRTCP indices are
 * kept per SSRC. What it returns are views of slabs that belong to the caller from then on.
 */
export class SrtpSender {
  readonly stats: SrtpSenderStats = { packets: 0, rtcpPackets: 0 }
  readonly #rtp: PacketCipher
  readonly #rtcp: PacketCipher
  readonly #cryptex: boolean
  readonly #allowRepeats: boolean
  readonly #slab = new Slab()
  readonly #sources = new Map<number, Source>()
  /** The next SRTCP index of each SSRC. */
  readonly #rtcpIndices = new Map<number, number>()
  readonly #rtcpAad = new Uint8Array(RTCP_CLEAR + TRAILER)
  #last: Source | undefined

  /** Throws `ERR_SRTP_PROFILE` or `ERR_SRTP_KEY`. */
  constructor(options: SrtpSenderOptions) {
    const { rtp, rtcp } = createCiphers(options)
    this.#rtp = rtp
    this.#rtcp = rtcp
    this.#cryptex = options.cryptex ?? false
    this.#allowRepeats = options.allowRepeats ?? false
  }

  /**
   * The SRTP packet for an RTP packet, given whole or as header (CSRCs and extension included) and payload (padding included). Neither is changed
   * or kept, so one payload may be protected for many receivers.
   *
   * Throws `ERR_SRTP_PACKET` for what is no RTP packet, `ERR_SRTP_REPEATED_INDEX` for a sequence number that was used before or is more
   * than 1023 behind (see `allowRepeats`), `ERR_SRTP_KEY_EXHAUSTED` after 2^48 packets.
   */
  protect(header: Uint8Array, payload?: Uint8Array): Uint8Array {
    const headerLength = rtpHeaderLength(header, header.length)
    if (headerLength < 0 || (payload !== undefined && headerLength !== header.length)) throw noPacket('RTP')
    const ssrc = uint32(header, 8)
    const low = uint16(header, 2)
    const high = this.#nextIndex(ssrc, low)
    const data = payload ?? header.subarray(headerLength)
    const cipher = this.#rtp
    const slab = this.#slab
    slab.reserve(headerLength + EXTENSION_HEADER + data.length + cipher.tagLength)
    const { buffer, at } = slab
    if (headerLength > 64) buffer.set(header.subarray(0, headerLength), at)
    else for (let i = 0; i < headerLength; i++) buffer[at + i] = header[i]!
    let clear = headerLength
    const profile = this.#cryptex ? this.#encryptedProfile(header) : 0
    if (profile === 0) {
      const aad = cipher.aead ? buffer.subarray(at, at + clear) : NO_AAD
      cipher.encrypt(ssrc, high, low, aad, data, buffer, at + clear)
    } else {
      clear = this.#encryptWithHeader(ssrc, high, low, headerLength, profile, data)
    }
    const end = clear + data.length
    cipher.sign(buffer, at, at + end, high)
    this.stats.packets++
    return slab.cut(end + cipher.tagLength)
  }

  /**
   * The SRTCP packet for an RTCP compound packet, which is not changed. Throws `ERR_SRTP_PACKET` for what is no RTCP packet,
   * `ERR_SRTP_KEY_EXHAUSTED` after 2^31 packets (RFC 3711 §9.2).
   */
  protectRtcp(packet: Uint8Array): Uint8Array {
    if (packet.length < RTCP_CLEAR || packet[0]! >>> 6 !== 2) throw noPacket('RTCP')
    const ssrc = uint32(packet, 4)
    const index = this.#rtcpIndices.get(ssrc) ?? 0
    if (index >= RTCP_INDEX_LIMIT || this.stats.rtcpPackets >= RTCP_PACKET_LIMIT) throw exhausted()
    this.#rtcpIndices.set(ssrc, index + 1)
    const cipher = this.#rtcp
    const { aead, tagLength } = cipher
    const slab = this.#slab
    const total = packet.length + TRAILER + tagLength
    slab.reserve(total)
    const { buffer, at } = slab
    const end = at + packet.length
    const trailerAt = aead ? end + tagLength : end
    for (let i = 0; i < RTCP_CLEAR; i++) buffer[at + i] = packet[i]!
    putUint32(buffer, trailerAt, index)
    buffer[trailerAt]! |= ENCRYPTED_BIT
    if (aead) setRtcpAad(this.#rtcpAad, buffer, at, trailerAt)
    const data = packet.subarray(RTCP_CLEAR)
    cipher.encrypt(ssrc, index >>> 16, index & 0xffff, this.#rtcpAad, data, buffer, at + RTCP_CLEAR)
    if (!aead) cipher.sign(buffer, at, trailerAt + TRAILER, -1)
    this.stats.rtcpPackets++
    return slab.cut(total)
  }

  /**
   * Goes on with a stream that somebody else began, or that was saved: the next packet of this SSRC has this rollover counter (0 to 2^32 - 1),
   * which must be higher than that of its packets so far. Throws `ERR_SRTP_ARGUMENT`.
   */
  setRolloverCounter(ssrc: number, counter: number): void {
    checkInteger('the rollover counter', counter, 0, 0xffffffff)
    const source = this.#source(checkInteger('the SSRC', ssrc, 0, 0xffffffff))
    if (counter <= rolloverCounter(source.window.highest)) {
      throw new SrtpError('ERR_SRTP_ARGUMENT', 'the rollover counter can only grow')
    }
    source.startAt(counter)
  }

  /** The same for SRTCP: the index (0 to 2^31 - 1) of the next packet of this SSRC. Throws `ERR_SRTP_ARGUMENT`. */
  setRtcpIndex(ssrc: number, index: number): void {
    checkInteger('the SRTCP index', index, this.#rtcpIndices.get(ssrc) ?? 0, RTCP_INDEX_LIMIT - 1)
    this.#rtcpIndices.set(checkInteger('the SSRC', ssrc, 0, 0xffffffff), index)
  }

  /** Takes the packet's index into account, and returns its upper 32 bits. */
  #nextIndex(ssrc: number, sequenceNumber: number): number {
    const last = this.#last
    const source = last !== undefined && last.ssrc === ssrc ? last : this.#source(ssrc)
    this.#last = source
    const window = source.window
    const index = source.estimate(sequenceNumber)
    if (index >= INDEX_LIMIT || this.stats.packets >= PACKET_LIMIT) throw exhausted()
    if (!this.#allowRepeats && (window.isTooOld(index) || window.wasSeen(index))) {
      throw new SrtpError(
        'ERR_SRTP_REPEATED_INDEX',
        `sequence number ${sequenceNumber} was used before, or is long past`,
      )
    }
    // Before anything is encrypted: whatever happens then, no second packet gets this index.
    source.markSeen(index)
    return rolloverCounter(index)
  }

  #source(ssrc: number): Source {
    let source = this.#sources.get(ssrc)
    if (source === undefined) {
      source = new Source(ssrc, REPEAT_WINDOW)
      this.#sources.set(ssrc, source)
    }
    return source
  }

  /** What the profile of the packet's extension becomes by cryptex, or 0 when there is nothing to encrypt, or nothing that may be. */
  #encryptedProfile(header: Uint8Array): number {
    const profile = extensionProfile(header)
    if (profile >= 0) return encryptedProfile(profile)
    return csrcBytes(header) > 0 ? ENCRYPTED_ONE_BYTE : 0
  }

  /** Encrypts CSRCs, extension and payload (RFC 9335 §6.2) in the slab. Returns the length of the header, which may have grown. */
  #encryptWithHeader(
    ssrc: number,
    high: number,
    low: number,
    headerLength: number,
    profile: number,
    data: Uint8Array,
  ): number {
    const { buffer, at } = this.#slab
    const csrcs = csrcBytes(buffer.subarray(at))
    const extensionAt = at + FIXED_HEADER + csrcs
    let length = headerLength
    if (at + headerLength === extensionAt) {
      // RFC 9335 §5.1: CSRCs without an extension get an empty one, which says that they are encrypted.
      buffer[at] = withExtensionBit(buffer[at]!)
      putUint32(buffer, extensionAt, 0)
      length += EXTENSION_HEADER
    }
    putProfile(buffer, extensionAt, profile)
    buffer.set(data, at + length)
    hoistExtension(buffer, at, csrcs)
    const from = at + CRYPTEX_CLEAR
    const aad = this.#rtp.aead ? buffer.subarray(at, from) : NO_AAD
    this.#rtp.encrypt(ssrc, high, low, aad, buffer.subarray(from, at + length + data.length), buffer, from)
    settleExtension(buffer, at, csrcs)
    return length
  }
}

function noPacket(protocol: string): SrtpError {
  return new SrtpError('ERR_SRTP_PACKET', `this is no ${protocol} packet`)
}

function exhausted(): SrtpError {
  return new SrtpError('ERR_SRTP_KEY_EXHAUSTED', 'this key has protected as many packets as it may')
}
