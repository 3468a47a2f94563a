/** Layers of a sender and what descriptions say about them: RFC 8851, RFC 8853, W3C WebRTC 1.0 §4.4.1.5 and §5.4.1. */
import type { MediaSection, Rid, Simulcast } from '@kaon/sdp'
import type { RTCSdpType } from '../types.ts'
import { MAX_ENCODINGS, type Encoding } from './encodings.ts'
import type { SenderCore } from './sender.ts'

/** The rids that the peer's offer asks us to send. */
export function proposedRids(section: MediaSection): string[] {
  if (section.kind !== 'video') return []
  return firstAlternatives(section.simulcast?.recv).slice(0, MAX_ENCODINGS)
}

/** The layers that the peer sends, those that our answer takes. */
export function receivedRids(section: MediaSection): string[] {
  if (section.kind !== 'video') return []
  const known = new Set(section.rids.filter(({ direction }) => direction === 'send').map(({ id }) => id))
  return firstAlternatives(section.simulcast?.send)
    .filter((rid) => known.has(rid))
    .slice(0, MAX_ENCODINGS)
}

function firstAlternatives(streams: Simulcast['send'] | undefined): string[] {
  return (streams ?? []).flatMap(([first]) => (first === undefined ? [] : [first.rid]))
}

/** `a=rid` and `a=simulcast` of what we send and receive; a single layer without a rid needs neither. */
export function simulcastLines(
  sent: readonly Encoding[],
  received: readonly string[],
): { rids: Rid[]; simulcast: Simulcast | undefined } {
  const layers = sent.filter(({ rid }) => rid !== undefined)
  const rid = (id: string, direction: 'send' | 'recv'): Rid => ({ id, direction, formats: [], restrictions: [] })
  const rids = [...layers.map((layer) => rid(layer.rid!, 'send')), ...received.map((id) => rid(id, 'recv'))]
  // RFC 8853 §5.1: one stream is no simulcast.
  const send = layers.length > 1 ? layers.map(({ rid: id, active }) => [{ rid: id!, paused: !active }]) : []
  const recv = received.map((id) => [{ rid: id, paused: false }])
  return { rids, simulcast: send.length + recv.length === 0 ? undefined : { send, recv } }
}

/** What the peer takes of our layers: those that it does not name are not sent, and without a word there is one. */
export function applySimulcast(sender: SenderCore, section: MediaSection, type: RTCSdpType): void {
  const { encodings } = sender
  if (section.isRejected || encodings.length < 2) return
  const wanted = section.simulcast?.recv.flat() ?? []
  if (type === 'offer' && wanted.length === 0) {
    // An offer that knows no simulcast is answered with the first layer (RFC 8853 §5.3.2).
    sender.encodings = encodings.slice(0, 1)
    return
  }
  if (type === 'offer') return
  const kept = encodings.filter(({ rid }) => wanted.some((one) => one.rid === rid))
  sender.encodings = kept.length === 0 ? encodings.slice(0, 1) : kept
  for (const encoding of sender.encodings) {
    if (wanted.some(({ rid, paused }) => rid === encoding.rid && paused)) encoding.active = false
  }
}
