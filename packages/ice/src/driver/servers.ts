import { IceError } from '../error.ts'
import type { IceServer } from './options.ts'
import { parseServerUrl, type ServerUrl } from './server-url.ts'

/** One URL of an `IceServer`. */
export interface ParsedServer {
  readonly url: string
  readonly server: ServerUrl
  readonly username: string | undefined
  readonly credential: string | undefined
}

/** @throws IceError `ERR_ICE_SERVER_URL`, also for a TURN server without credentials. */
export function parseServers(servers: readonly IceServer[] | undefined): ParsedServer[] {
  const parsed: ParsedServer[] = []
  for (const { urls, username, credential } of servers ?? []) {
    for (const url of typeof urls === 'string' ? [urls] : urls) {
      const server = parseServerUrl(url)
      const isTurn = server.scheme === 'turn' || server.scheme === 'turns'
      if (isTurn && (username === undefined || credential === undefined)) {
        throw new IceError('ERR_ICE_SERVER_URL', `${url} needs a username and a credential`)
      }
      parsed.push({ url, server, username, credential })
    }
  }
  return parsed
}

export function isTurn({ server }: ParsedServer): boolean {
  return server.scheme === 'turn' || server.scheme === 'turns'
}
