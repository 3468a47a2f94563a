/**
 * - `ERR_VIRTUAL_TIMEOUT`: the condition of `runUntil` did not come true in time.
 * - `ERR_VIRTUAL_BUSY`: `run` was called while the network runs.
 * - `ERR_VIRTUAL_STALLED`: a million events passed at one instant, so time cannot go on (two sides that answer each other without delay).
 * - `ERR_VIRTUAL_ARGUMENT`: addresses or options that make no network.
 */
export type VirtualNetworkErrorCode =
  'ERR_VIRTUAL_TIMEOUT' | 'ERR_VIRTUAL_BUSY' | 'ERR_VIRTUAL_STALLED' | 'ERR_VIRTUAL_ARGUMENT'

export class VirtualNetworkError extends Error {
  override readonly name = 'VirtualNetworkError'
  readonly code: VirtualNetworkErrorCode

  constructor(code: VirtualNetworkErrorCode, message: string) {
    super(message)
    this.code = code
  }
}
