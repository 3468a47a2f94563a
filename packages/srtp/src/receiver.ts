import { createCiphers } from './cipher/create.ts'
import { NO_AAD, type PacketCipher } from './cipher/types.ts'
import {
  CRYPTEX_CLEAR,
  extensionProfile,
  hoistExtension,
  plainProfile,
  putProfile,
  settleExtension,
} from './cryptex.ts'
import {
  checkInteger,
  checkWindow,
  DEFAULT_MAX_SOURCES,
  DEFAULT_REPLAY_WINDOW,
  DEFAULT_RTCP_REPLAY_WINDOW,
  type SrtpReceiverOptions,
} from './options.ts'
import { INDEX_LIMIT, rolloverCounter } from './packet-index.ts'
import { csrcBytes, FIXED_HEADER, rtpHeaderLength, uint16, uint32 } from './rtp-header.ts'
import { Source } from './source.ts'
import { ENCRYPTED_BIT, RTCP_CLEAR, RTCP_INDEX_LIMIT, setRtcpAad, TRAILER } from './srtcp.ts'

/** Plain counters. */
export interface SrtpReceiverStats {
  /** RTP packets that were authentic and new. */
  packets: number
  /** RTCP packets that were authentic and new. */
  rtcpPackets: number
  /** Packets thrown away, by reason. */
  readonly dropped: {
    /** Shorter than a header and a tag. */
    tooShort: number
    /** Another version than 2, or a header that ends behind the packet. */
    malformed: number
    /** The tag is wrong. */
    unauthenticated: number
    /** The index was seen before. */
    replayed: number
    /** The index is older than the replay window. */
    tooOld: number
    /** A new SSRC beyond `maxSources`. */
    tooManySources: number
    /** SRTCP without encryption: WebRTC has none (RFC 8827 §6.5). */
    unencrypted: number
    /** Encrypted header extensions (RFC 9335), without `cryptex`. */
    cryptex: number
    /** The rollover counter would have more than 32 bits. */
    exhausted: number
  }
}

/**
 * Checks and decrypts the packets of one direction: SRTP and SRTCP (RFC 3711 §3), of many SSRCs, under one master key. Nothing is remembered of a
 * packet, nor is its SSRC, before it has proved authentic.
 */
export class SrtpReceiver {
  readonly stats: SrtpReceiverStats = {
    packets: 0,
    rtcpPackets: 0,
    dropped: {
      tooShort: 0,
      malformed: 0,
      unauthenticated: 0,
      replayed: 0,
      tooOld: 0,
      tooManySources: 0,
      unencrypted: 0,
      cryptex: 0,
      exhausted: 0,
    },
  }
  readonly #rtp: PacketCipher
  readonly #rtcp: PacketCipher
  readonly #cryptex: boolean
  readonly #replayWindow: number
  readonly #rtcpReplayWindow: number
  readonly #maxSources: number
  readonly #sources = new Map<number, Source>()
  readonly #rtcpSources = new Map<number, Source>()
  readonly #rtcpAad = new Uint8Array(RTCP_CLEAR + TRAILER)
  #last: Source | undefined

  /** Throws `ERR_SRTP_PROFILE`, `ERR_SRTP_KEY` or `ERR_SRTP_ARGUMENT`. */
  constructor(options: SrtpReceiverOptions) {
    this.#replayWindow = checkWindow('replayWindow', options.replayWindow ?? DEFAULT_REPLAY_WINDOW)
    this.#rtcpReplayWindow = checkWindow('rtcpReplayWindow', options.rtcpReplayWindow ?? DEFAULT_RTCP_REPLAY_WINDOW)
    this.#maxSources = checkInteger('maxSources', options.maxSources ?? DEFAULT_MAX_SOURCES, 1, 0xffffffff)
    this.#cryptex = options.cryptex ?? false
    const { rtp, rtcp } = createCiphers(options)
    this.#rtp = rtp
    this.#rtcp = rtcp
  }

  /**
   * The RTP packet inside an SRTP packet: decrypted in place, a view of `packet`. Undefined when the packet is not authentic, not new, or no SRTP packet
   * at all; `stats.dropped` says which.
   */
  unprotect(packet: Uint8Array): Uint8Array | undefined {
    const dropped = this.stats.dropped
    const cipher = this.#rtp
    const end = packet.length - cipher.tagLength
    if (end < FIXED_HEADER) return drop(dropped, 'tooShort')
    const headerLength = rtpHeaderLength(packet, end)
    if (headerLength < 0) return drop(dropped, 'malformed')
    const ssrc = uint32(packet, 8)
    const low = uint16(packet, 2)
    const last = this.#last
    const known = last !== undefined && last.ssrc === ssrc ? last : this.#sources.get(ssrc)
    if (known === undefined && this.#sources.size >= this.#maxSources) return drop(dropped, 'tooManySources')
    const index = known === undefined ? low : known.estimate(low)
    if (index >= INDEX_LIMIT) return drop(dropped, 'exhausted')
    if (known !== undefined) {
      if (known.window.isTooOld(index)) return drop(dropped, 'tooOld')
      if (known.window.wasSeen(index)) return drop(dropped, 'replayed')
    }
    const high = rolloverCounter(index)
    const profile = plainProfile(extensionProfile(packet))
    if (profile !== 0 && !this.#cryptex) return drop(dropped, 'cryptex')
    if (!cipher.verify(packet, end, end, high)) return drop(dropped, 'unauthenticated')
    if (profile === 0) {
      const aad = cipher.aead ? packet.subarray(0, headerLength) : NO_AAD
      if (!cipher.decrypt(ssrc, high, low, aad, packet, headerLength, end)) return drop(dropped, 'unauthenticated')
    } else if (!this.#decryptWithHeader(ssrc, high, low, packet, end, profile)) {
      return drop(dropped, 'unauthenticated')
    }
    const source = known ?? addSource(this.#sources, ssrc, this.#replayWindow)
    source.markSeen(index)
    this.#last = source
    this.stats.packets++
    return packet.subarray(0, end)
  }

  /** The RTCP compound packet inside an SRTCP packet; else as `unprotect`. */
  unprotectRtcp(packet: Uint8Array): Uint8Array | undefined {
    const dropped = this.stats.dropped
    const cipher = this.#rtcp
    const end = packet.length - cipher.tagLength - TRAILER
    if (end < RTCP_CLEAR) return drop(dropped, 'tooShort')
    if (packet[0]! >>> 6 !== 2) return drop(dropped, 'malformed')
    const trailerAt = cipher.aead ? end + cipher.tagLength : end
    const trailer = uint32(packet, trailerAt)
    if ((packet[trailerAt]! & ENCRYPTED_BIT) === 0) return drop(dropped, 'unencrypted')
    const index = trailer % RTCP_INDEX_LIMIT
    const ssrc = uint32(packet, 4)
    const known = this.#rtcpSources.get(ssrc)
    if (known === undefined) {
      if (this.#rtcpSources.size >= this.#maxSources) return drop(dropped, 'tooManySources')
    } else {
      if (known.window.isTooOld(index)) return drop(dropped, 'tooOld')
      if (known.window.wasSeen(index)) return drop(dropped, 'replayed')
    }
    if (!cipher.verify(packet, end + TRAILER, end + TRAILER, -1)) return drop(dropped, 'unauthenticated')
    if (cipher.aead) setRtcpAad(this.#rtcpAad, packet, 0, trailerAt)
    if (!cipher.decrypt(ssrc, index >>> 16, index & 0xffff, this.#rtcpAad, packet, RTCP_CLEAR, end)) {
      return drop(dropped, 'unauthenticated')
    }
    const source = known ?? addSource(this.#rtcpSources, ssrc, this.#rtcpReplayWindow)
    source.markSeen(index)
    this.stats.rtcpPackets++
    return packet.subarray(0, end)
  }

  /**
   * For joining a stream that has been running: the next packets of this SSRC have this rollover counter (0 to 2^32 - 1), as signalling told. All earlier ones
   * count as too old or new. Throws `ERR_SRTP_ARGUMENT`.
   */
  setRolloverCounter(ssrc: number, counter: number): void {
    checkInteger('the SSRC', ssrc, 0, 0xffffffff)
    checkInteger('the rollover counter', counter, 0, 0xffffffff)
    const source = this.#sources.get(ssrc) ?? addSource(this.#sources, ssrc, this.#replayWindow)
    source.startAt(counter)
  }

  /**
   * Forgets an SSRC, of RTP and of RTCP, to make room within `maxSources`. Its old packets could then be replayed; do so only when nobody listens to that
   * SSRC any more.
   */
  forget(ssrc: number): void {
    this.#sources.delete(ssrc)
    this.#rtcpSources.delete(ssrc)
    if (this.#last?.ssrc === ssrc) this.#last = undefined
  }

  /** RFC 9335 §6.3. A packet that is not authentic is left as it was. */
  #decryptWithHeader(
    ssrc: number,
    high: number,
    low: number,
    packet: Uint8Array,
    end: number,
    profile: number,
  ): boolean {
    const csrcs = csrcBytes(packet)
    hoistExtension(packet, 0, csrcs)
    const aad = this.#rtp.aead ? packet.subarray(0, CRYPTEX_CLEAR) : NO_AAD
    const authentic = this.#rtp.decrypt(ssrc, high, low, aad, packet, CRYPTEX_CLEAR, end)
    settleExtension(packet, 0, csrcs)
    if (authentic) putProfile(packet, FIXED_HEADER + csrcs, profile)
    return authentic
  }
}

function drop(dropped: SrtpReceiverStats['dropped'], reason: keyof SrtpReceiverStats['dropped']): undefined {
  dropped[reason]++
  return undefined
}

function addSource(sources: Map<number, Source>, ssrc: number, windowSize: number): Source {
  const source = new Source(ssrc, windowSize)
  sources.set(ssrc, source)
  return source
}
