/** What a held chunk or message costs beyond its bytes, for the limit on their number. */
const BYTES_PER_CHUNK = 256
const MIN_HELD_CHUNKS = 4096

/**
 * The receive window (RFC 9260 §6.2): how much a peer may have us hold, in bytes and in pieces. Its size follows the path like
 * TCP's dynamic right-sizing: when the user takes at least half a window within one round trip, the window is what limits the
 * peer, and doubles, up to the limit.
 */
export class ReceiveWindow {
  /** Bytes. */
  capacity: number
  readonly limit: number
  /** Bytes of user data held: fragments, messages out of order, messages not yet taken. */
  held = 0
  heldChunks = 0
  private taken = 0
  private roundStart: number

  constructor(initial: number, limit: number, now: number) {
    this.capacity = Math.min(initial, limit)
    this.limit = limit
    this.roundStart = now
  }

  /** Bytes to advertise. Less than `quantum` is advertised as none, so that the peer does not send slivers (RFC 1122 §4.2.3.3). */
  available(quantum: number): number {
    if (this.heldChunks >= this.maxChunks) return 0
    const free = this.capacity - this.held
    return free < Math.min(quantum, this.capacity >>> 1) ? 0 : free
  }

  get maxChunks(): number {
    return MIN_HELD_CHUNKS + this.capacity / BYTES_PER_CHUNK
  }

  /** Whether a chunk may be held. The one that is next in order may overdraw by a quarter: it may free all others. */
  admits(bytes: number, inOrder: boolean): boolean {
    const slack = inOrder ? 1.25 : 1
    // Whatever its size, it is all that there is.
    if (this.heldChunks === 0) return true
    return this.held + bytes <= this.capacity * slack && this.heldChunks < this.maxChunks * slack
  }

  /**
   * Fragments of unfinished messages fill the window, and none can finish because it is full: grows while it may.
   * `queued` are the bytes of whole messages that only wait for the user, `size` those of the chunk to be held. Returns whether it did.
   */
  makeRoom(queued: number, size: number): boolean {
    if ((this.held - queued + size) * 2 <= this.capacity || this.capacity >= this.limit) return false
    this.capacity = Math.min(this.limit, this.capacity * 2)
    return true
  }

  hold(bytes: number): void {
    this.held += bytes
    this.heldChunks++
  }

  release(bytes: number, chunks: number): void {
    this.held -= bytes
    this.heldChunks -= chunks
  }

  /** The user has taken a message. */
  take(bytes: number): void {
    this.release(bytes, 1)
    this.taken += bytes
  }

  /** Ends the current round trip when it is over. */
  onTime(now: number, roundTripTime: number): void {
    if (now - this.roundStart < roundTripTime) return
    if (this.taken * 2 > this.capacity) this.capacity = Math.min(this.limit, Math.max(this.capacity, this.taken) * 2)
    this.taken = 0
    this.roundStart = now
  }
}
