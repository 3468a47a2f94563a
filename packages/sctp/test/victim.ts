import type { AssociationOptions } from '../src/index.ts'
import type { DataChunk } from '../src/packet/data.ts'
import { Pair, pattern } from './pair.ts'
import { packet, tagOf } from './wire.ts'

export interface Victim {
  readonly pair: Pair
  /** Sends one packet with these chunks. */
  readonly hit: (...chunks: Uint8Array[]) => void
  /** What came back. */
  readonly out: Uint8Array[]
  /** Initial TSNs of the peer and of the victim. */
  readonly tsn: number
  readonly ownTsn: number
}

/** An association whose peer we play from now on: chunks go in with the right tag, packets come out into `out`. */
export function victim(options: Partial<AssociationOptions> = {}, delay: number = 1): Victim {
  const pair = new Pair({ delay }, options)
  let tag = 0
  const out: Uint8Array[] = []
  pair.filter = (bytes, from) => {
    if (from === 1 && tagOf(bytes) !== 0) tag = tagOf(bytes)
    if (from === 0) out.push(bytes)
    return true
  }
  pair.connect()
  pair.run(100)
  pair.filter = (bytes, from) => {
    if (from === 0) out.push(bytes)
    return false
  }
  out.length = 0
  const core = pair.a['core']
  return {
    pair,
    hit: (...chunks) => pair.a.receive(packet(tag, ...chunks), pair.now),
    out,
    tsn: core.peerInitialTsn,
    ownTsn: core.localInitialTsn,
  }
}

/** A DATA chunk that holds a whole message. */
export function data(tsn: number, options: Partial<DataChunk> = {}): DataChunk {
  return {
    tsn: tsn >>> 0,
    streamId: 0,
    messageId: 0,
    fragment: 0,
    ppid: 53,
    beginning: true,
    end: true,
    unordered: false,
    immediate: false,
    payload: pattern(10),
    ...options,
  }
}
