export interface AssemblyWaitInput {
  readonly video: boolean
  /** Missing packets are asked for. */
  readonly nack: boolean
  /** ms; undefined while it is not known. */
  readonly roundTripTime: number | undefined
  /** ms */
  readonly jitter: number
  /** ms */
  readonly maximum: number
}

/**
 * How long a missing packet is worth waiting for, ms. Asked for, it may take several round trips; not asked for, it can only be out of
 * order. Video waits longer, as what it has to do otherwise (a new key frame) takes longer too.
 */
export function assemblyWait(input: AssemblyWaitInput): number {
  const { video, nack, roundTripTime, jitter, maximum } = input
  if (!nack) return Math.min(maximum, Math.max(40, 20 + 4 * jitter))
  if (roundTripTime === undefined) return maximum
  const wanted = (video ? 10 : 4) * roundTripTime + 4 * jitter
  return Math.min(maximum, Math.max(video ? 200 : 60, wanted))
}
