// Relayed candidates (RFC 8445 §5.1.1.2): allocations on TURN servers, one per server and local address.
import type { Network, TlsOptions } from '@kaon/net'
import { TurnError } from '@kaon/turn'
import { type RelaySocket, TurnClient } from '@kaon/turn/driver'
import type { LocalAddress } from './addresses.ts'
import type { ParsedServer } from './servers.ts'

export interface RelayOptions {
  readonly network: Network
  readonly tls: TlsOptions | undefined
  readonly timeout: number
  /** ms of silence after which the server is asked whether it still knows the allocation. Default: the client's. */
  readonly keepaliveInterval: number | undefined
  readonly random: (length: number) => Uint8Array
  readonly trace: ((event: { layer: string; name: string; data?: unknown }) => void) | undefined
}

/** Why there is no allocation, in the terms of RTCPeerConnectionIceErrorEvent. */
export interface RelayFailure {
  readonly code: number
  readonly reason: string
}

/**
 * Asks a server for an address, from a local address. The server is reached over the family of that one; what it relays is IPv4
 * where it has that, since that is what most peers can be reached at (RFC 8656 §7.2), else what the client came with.
 */
export async function allocateRelay(
  server: ParsedServer,
  from: LocalAddress,
  options: RelayOptions,
  signal: AbortSignal,
): Promise<RelaySocket | RelayFailure> {
  const { network, tls, timeout, keepaliveInterval, random, trace } = options
  const request = { signal, ...(keepaliveInterval !== undefined && { keepaliveInterval }) }
  try {
    const client = new TurnClient({
      network,
      server: server.url.trim(),
      username: server.username ?? '',
      password: server.credential ?? '',
      localAddress: from.address,
      family: from.family,
      timeout,
      random,
      ...(tls && { tls }),
      ...(trace && { trace }),
    })
    try {
      return await client.allocate(request)
    } catch (error) {
      const isOtherFamily = error instanceof TurnError && error.responseCode === 440 && from.family === 6
      if (!isOtherFamily) throw error
      return await client.allocate({ families: [6], ...request })
    }
  } catch (error) {
    return explain(error)
  }
}

export function explain(error: unknown): RelayFailure {
  const reason = error instanceof Error ? error.message : String(error)
  if (!(error instanceof TurnError)) return { code: 701, reason }
  if (error.code === 'ERR_TURN_CREDENTIALS') return { code: error.responseCode ?? 401, reason }
  return { code: error.code === 'ERR_TURN_RESPONSE' ? (error.responseCode ?? 701) : 701, reason }
}

/**
 * Local preference of a relayed candidate: UDP to the server before TCP before TLS, then as its local address, then as the servers
 * are listed.
 */
export function relayPreference(from: LocalAddress, transport: 'udp' | 'tcp' | 'tls', index: number): number {
  const step = transport === 'udp' ? 3 : transport === 'tcp' ? 2 : 1
  const rank = Math.min(65_535 - from.preference, 255)
  return (step << 14) - 1 - (rank << 6) - Math.min(index, 63)
}
