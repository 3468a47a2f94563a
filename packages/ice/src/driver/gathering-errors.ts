// What goes wrong while candidates are gathered, in the terms of RTCPeerConnectionIceErrorEvent (W3C WebRTC §4.8.2).
import type { GatheringRuns } from './gathering-runs.ts'
import type { CandidateError, IceConnectionOptions } from './options.ts'

export class GatheringErrors {
  readonly #options: IceConnectionOptions
  readonly #runs: GatheringRuns
  readonly #tell: (error: CandidateError) => void
  #failedUrls = new Set<string>()

  constructor(options: IceConnectionOptions, runs: GatheringRuns, tell: (error: CandidateError) => void) {
    this.#options = options
    this.#runs = runs
    this.#tell = tell
  }

  /** A new gathering: servers that have failed may fail again. */
  clear(): void {
    this.#failedUrls = new Set()
  }

  /** `local`: where the server was asked from, unless a name hides it. */
  serverFailed(
    url: string,
    local: { readonly address: string; readonly port: number | null } | undefined,
    errorCode: number,
    errorText: string,
  ): void {
    // One event per server and local address, as in W3C WebRTC §4.8.2.
    const key = `${url} ${local?.address ?? ''}`
    if (this.#failedUrls.has(key)) return
    this.#failedUrls.add(key)
    this.#options.trace?.({ layer: 'ice', name: 'server-failed', data: { url, code: errorCode, reason: errorText } })
    const told = this.#options.mdns === 'hide' || this.#runs.purpose.relayOnly ? undefined : local
    this.#tell({ address: told?.address ?? null, port: told?.port ?? null, url, errorCode, errorText })
  }

  /** A local address has no socket, of the kind that `what` names. */
  socketFailed(address: string, what: string, error: unknown): void {
    if (this.#options.mdns === 'hide') this.hostFailed(`no ${what} for a local address`)
    else this.hostFailed(`no ${what}: ${describe(error)}`, address)
  }

  /** Gathering itself has thrown. */
  gatheringFailed(error: unknown): void {
    this.hostFailed(`gathering failed: ${describe(error)}`)
  }

  /** Trouble of this host's own: no server is to blame, so `url` is empty. */
  hostFailed(errorText: string, address: string | null = null): void {
    this.#tell({ address, port: null, url: '', errorCode: 701, errorText })
  }
}

function describe(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}
