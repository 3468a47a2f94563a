/** A message that was received whole. */
export interface ReceivedMessage {
  streamId: number
  ppid: number
  unordered: boolean
  /** Undefined: it was above the size limit and its bytes are gone. It still takes its place in the order. */
  data: Uint8Array | undefined
  /** Bytes and pieces that the receive window counts for it; one piece even when its bytes are gone. */
  held: number
  heldChunks: number
}

/** Joins fragments in one allocation. A single one stays a view of its datagram. */
export function joinFragments(fragments: readonly Uint8Array[], bytes: number): Uint8Array {
  if (fragments.length === 1) return fragments[0]!
  const data = new Uint8Array(bytes)
  let offset = 0
  for (let i = 0; i < fragments.length; i++) {
    const fragment = fragments[i]!
    data.set(fragment, offset)
    offset += fragment.length
  }
  return data
}

/** How reassembly and ordering hand on what is whole or gone. */
export interface ReassemblySink {
  deliver(message: ReceivedMessage): void
  /** Chunks were thrown away: a message given up by the peer, or above the limit. */
  release(bytes: number, chunks: number): void
}
