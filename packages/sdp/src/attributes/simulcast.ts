// Restriction identifiers (RFC 8851) and simulcast (RFC 8853).

import { fields, splitFirst } from '../text.ts'

/** `a=rid` (RFC 8851 §10) */
export interface Rid {
  readonly id: string
  readonly direction: 'send' | 'recv'
  /** The payload types of `pt=`, as written; empty when all formats of the `m=` line may be used. */
  readonly formats: readonly string[]
  /** `max-width`, `max-br`, `depend`, … in the order written. */
  readonly restrictions: readonly { readonly name: string; readonly value?: string }[]
}

/** One alternative of a simulcast stream; `paused` is written with a leading `~`. */
export interface SimulcastFormat {
  readonly rid: string
  readonly paused: boolean
}

/** `a=simulcast` (RFC 8853 §5.1): streams in each direction, each with its alternatives in order of preference. */
export interface Simulcast {
  readonly send: readonly (readonly SimulcastFormat[])[]
  readonly recv: readonly (readonly SimulcastFormat[])[]
}

/** RFC 8851 §10: rid-id = 1*(alpha-numeric / "-" / "_"). */
function isRidId(text: string): boolean {
  if (text.length === 0) return false
  for (let i = 0; i < text.length; i++) {
    const c = text.charCodeAt(i)
    if (!((c >= 97 && c <= 122) || (c >= 65 && c <= 90) || (c >= 48 && c <= 57) || c === 45 || c === 95)) return false
  }
  return true
}

export function parseRid(text: string): Rid | undefined {
  const [id, afterId] = splitFirst(text)
  const [direction, rest] = splitFirst(afterId)
  if (!isRidId(id) || (direction !== 'send' && direction !== 'recv')) return undefined
  let formats: string[] = []
  const restrictions: { name: string; value?: string }[] = []
  if (rest !== '') {
    for (const part of rest.split(';')) {
      const item = part.trim()
      if (item === '') continue
      const equals = item.indexOf('=')
      const name = equals < 0 ? item : item.slice(0, equals)
      if (name === 'pt') formats = equals < 0 ? [] : item.slice(equals + 1).split(',')
      else restrictions.push(equals < 0 ? { name } : { name, value: item.slice(equals + 1) })
    }
  }
  return { id, direction, formats, restrictions }
}

export function formatRid(rid: Rid): string {
  const parts: string[] = []
  if (rid.formats.length > 0) parts.push(`pt=${rid.formats.join(',')}`)
  for (const r of rid.restrictions) parts.push(r.value === undefined ? r.name : `${r.name}=${r.value}`)
  return `${rid.id} ${rid.direction}${parts.length === 0 ? '' : ` ${parts.join(';')}`}`
}

export function parseSimulcast(text: string): Simulcast | undefined {
  const parts = fields(text)
  if (parts.length !== 2 && parts.length !== 4) return undefined
  let send: SimulcastFormat[][] | undefined
  let recv: SimulcastFormat[][] | undefined
  for (let i = 0; i < parts.length; i += 2) {
    const streams = parseStreams(parts[i + 1]!)
    if (streams === undefined) return undefined
    if (parts[i] === 'send' && send === undefined) send = streams
    else if (parts[i] === 'recv' && recv === undefined) recv = streams
    else return undefined
  }
  return { send: send ?? [], recv: recv ?? [] }
}

function parseStreams(text: string): SimulcastFormat[][] | undefined {
  const streams: SimulcastFormat[][] = []
  for (const stream of text.split(';')) {
    const alternatives: SimulcastFormat[] = []
    for (const alternative of stream.split(',')) {
      const paused = alternative.startsWith('~')
      const rid = paused ? alternative.slice(1) : alternative
      if (!isRidId(rid)) return undefined
      alternatives.push({ rid, paused })
    }
    streams.push(alternatives)
  }
  return streams
}

export function formatSimulcast(s: Simulcast): string {
  const parts: string[] = []
  if (s.send.length > 0) parts.push(`send ${formatStreams(s.send)}`)
  if (s.recv.length > 0) parts.push(`recv ${formatStreams(s.recv)}`)
  return parts.join(' ')
}

function formatStreams(streams: Simulcast['send']): string {
  return streams.map((s) => s.map((a) => (a.paused ? `~${a.rid}` : a.rid)).join(',')).join(';')
}
