import type { DtlsStats } from '../options.ts'
import {
  ContentType,
  MAX_CIPHERTEXT,
  MAX_PLAINTEXT,
  MAX_SEQUENCE,
  readSequence,
  RECORD_HEADER_LENGTH,
  VERSION_1_0,
  VERSION_1_2,
  writeRecordHeader,
} from './header.ts'
import { NullProtection, type RecordProtection } from './protection.ts'
import { ReplayWindow } from './replay-window.ts'

/** Records that came before their keys are kept up to these limits. */
const MAX_EARLY_RECORDS = 32
const MAX_EARLY_BYTES = 0x8000

/** One direction's state of one epoch. */
interface WriteEpoch {
  sequence: number
  readonly protection: RecordProtection
}

interface ReadEpoch {
  readonly protection: RecordProtection
  /** None for epoch 0: there a forged record would move the window, and handshake messages have their own numbers. */
  readonly window: ReplayWindow | undefined
}

interface EarlyRecord {
  readonly type: number
  readonly sequence: number
  readonly fragment: Uint8Array
}

/** Who gets the records: every one that is authentic, in the order of arrival. */
export interface RecordSink {
  onRecord(type: number, epoch: number, content: Uint8Array): void
}

/**
 * The record layer (RFC 6347 §4.1): epochs and sequence numbers of both directions, protection, replay. A direction moves to its next
 * epoch on its own; older write epochs stay, since a flight may have to be repeated in the epoch that it was first sent in.
 */
export class RecordLayer {
  readonly #stats: DtlsStats
  readonly #sink: RecordSink
  readonly #windowSize: number
  readonly #write: WriteEpoch[] = [{ sequence: 0, protection: new NullProtection() }]
  readonly #read: (ReadEpoch | undefined)[] = [{ protection: new NullProtection(), window: undefined }]
  #early: EarlyRecord[] = []
  #earlyBytes = 0
  #stopped = false

  /** Sequence number of the last record that came in epoch 0. */
  lastPlainSequence = 0
  /** Another read epoch is to come in this handshake: records that are ahead of it are worth keeping. */
  expectsNextEpoch = true

  constructor(sink: RecordSink, stats: DtlsStats, windowSize: number) {
    this.#sink = sink
    this.#stats = stats
    this.#windowSize = windowSize
  }

  // ---- writing ----

  /** The epoch that new records are written in. */
  get writeEpoch(): number {
    return this.#write.length - 1
  }

  /** Sequence numbers left in an epoch. */
  sequencesLeft(epoch: number): number {
    return MAX_SEQUENCE + 1 - this.#write[epoch]!.sequence
  }

  /** Continues the numbering of an epoch from elsewhere (RFC 6347 §4.2.1). */
  setWriteSequence(epoch: number, sequence: number): void {
    this.#write[epoch]!.sequence = sequence
  }

  /** Adds the keys of the next write epoch. */
  addWriteEpoch(protection: RecordProtection): void {
    this.#write.push({ sequence: 0, protection })
  }

  /** Bytes of the largest record with `length` bytes of plaintext. */
  sealedLength(epoch: number, length: number): number {
    return RECORD_HEADER_LENGTH + length + this.#write[epoch]!.protection.overhead
  }

  /** The most plaintext that a record of `room` bytes can carry. */
  maxPlaintext(epoch: number, room: number): number {
    return this.#write[epoch]!.protection.maxPlaintext(room - RECORD_HEADER_LENGTH)
  }

  /** Writes one record at `at` and returns its length. The caller has checked `sequencesLeft`. */
  seal(type: number, version: number, epoch: number, plaintext: Uint8Array, out: Uint8Array, at: number): number {
    const state = this.#write[epoch]!
    const sequence = state.sequence++
    const length = state.protection.seal(type, version, epoch, sequence, plaintext, out, at)
    writeRecordHeader(out, at, type, version, epoch, sequence, length)
    this.#stats.recordsSent++
    return RECORD_HEADER_LENGTH + length
  }

  // ---- reading ----

  /** The newest epoch that can be read. */
  get readEpoch(): number {
    return this.#read.length - 1
  }

  /** Adds the keys of the next read epoch. What came too early for them waits for `replayEarly`. */
  addReadEpoch(protection: RecordProtection): void {
    this.#read.push({ protection, window: new ReplayWindow(this.#windowSize) })
  }

  /** Gives out nothing more, not even the rest of the datagram at hand, and lets go of all keys. */
  stop(): void {
    this.#stopped = true
    this.#early = []
    this.#write.length = 1
    this.#read.length = 1
  }

  /** Takes a datagram of any number of records apart (RFC 6347 §4.1.1). What is wrong is dropped and counted. */
  receive(datagram: Uint8Array): void {
    const stats = this.#stats
    const end = datagram.length
    let at = 0
    while (at < end && !this.#stopped) {
      if (end - at < RECORD_HEADER_LENGTH) {
        stats.droppedMalformed++
        return
      }
      const length = (datagram[at + 11]! << 8) | datagram[at + 12]!
      const start = at + RECORD_HEADER_LENGTH
      if (length > end - start || length > MAX_CIPHERTEXT) {
        // Where the next record begins is unknown, so the rest goes too.
        stats.droppedMalformed++
        return
      }
      const epoch = (datagram[at + 3]! << 8) | datagram[at + 4]!
      const version = (datagram[at + 1]! << 8) | datagram[at + 2]!
      const fragment = datagram.subarray(start, start + length)
      this.#record(datagram[at]!, version, epoch, readSequence(datagram, at + 5), fragment)
      at = start + length
    }
  }

  /** Hands out the records that were waiting for the newest read epoch. */
  replayEarly(): void {
    const early = this.#early
    this.#early = []
    this.#earlyBytes = 0
    for (const { type, sequence, fragment } of early) {
      if (!this.#stopped) this.#record(type, VERSION_1_2, this.readEpoch, sequence, fragment)
    }
  }

  #record(type: number, version: number, epoch: number, sequence: number, fragment: Uint8Array): void {
    const stats = this.#stats
    if (type < ContentType.changeCipherSpec || type > ContentType.applicationData) {
      stats.droppedUnexpected++
      return
    }
    // Until a version is chosen, records may name 1.0 whatever the hello says (RFC 6347 §4.2.1); with keys it is 1.2.
    if (version !== VERSION_1_2 && (version !== VERSION_1_0 || epoch !== 0)) {
      stats.droppedUnexpected++
      return
    }
    const state = this.#read[epoch]
    if (state === undefined) {
      if (epoch === this.#read.length && this.expectsNextEpoch) this.#hold(type, sequence, fragment)
      else stats.droppedUnexpected++
      return
    }
    const window = state.window
    if (window !== undefined && !window.isFresh(sequence)) {
      stats.droppedReplayed++
      return
    }
    const content = state.protection.open(type, version, epoch, sequence, fragment)
    if (content === undefined) {
      stats.droppedUnauthenticated++
      return
    }
    if (content.length > MAX_PLAINTEXT) {
      stats.droppedMalformed++
      return
    }
    if (window !== undefined) window.markSeen(sequence)
    else this.lastPlainSequence = sequence
    stats.recordsReceived++
    this.#sink.onRecord(type, epoch, content)
  }

  /** The next epoch's records may overtake the messages that make its keys (RFC 6347 §4.1). */
  #hold(type: number, sequence: number, fragment: Uint8Array): void {
    if (this.#early.length >= MAX_EARLY_RECORDS || this.#earlyBytes + fragment.length > MAX_EARLY_BYTES) {
      this.#stats.droppedOverflow++
      return
    }
    // A copy: a view of a few bytes would keep the whole datagram, and whoever sends it does not have to be the peer.
    this.#early.push({ type, sequence, fragment: fragment.slice() })
    this.#earlyBytes += fragment.length
  }
}
