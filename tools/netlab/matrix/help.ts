import type { Access } from '../ruleset.mjs'

/** The kinds of help there are: servers that both sides are told of. The last is everything, in networks that let no UDP out. */
export const HELP = ['none', 'stun', 'turn udp', 'turn tcp', 'turn tls', 'no udp'] as const
export type Help = (typeof HELP)[number]

export const SERVER = '203.0.113.1'
export const TLS_NAME = 'turn.kaon.test'
export const account = { username: 'alice', credential: 'secret' }

const stun = { urls: `stun:${SERVER}` }
const turn = (...urls: string[]): object => ({ urls, ...account })
const [udp, tcp, tls] = [`turn:${SERVER}`, `turn:${SERVER}?transport=tcp`, `turns:${SERVER}:443?transport=tcp`]

export const iceServers: Record<Help, object[]> = {
  none: [],
  stun: [stun],
  'turn udp': [turn(udp)],
  'turn tcp': [stun, turn(tcp)],
  'turn tls': [stun, turn(tls)],
  'no udp': [stun, turn(udp, tcp, tls)],
}

/** What a connection goes over: the protocol, or how the better one of its relays is reached. */
export type Winner = 'udp' | 'tcp' | 'relay/udp' | 'relay/tcp' | 'relay/tls' | '–'

export interface Cell {
  readonly chromium: Access
  readonly kaon: Access
  readonly help: Help
}
