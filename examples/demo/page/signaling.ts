/** What Node tells the page over server-sent events; see the server's session. Times are ms since the Unix epoch. */
export type NodeEvent =
  | { type: 'candidate'; candidate: RTCIceCandidateInit | null }
  | { type: 'mark'; phase: string; start: number; end: number }
  | { type: 'state'; name: string; value: string; at: number }
  | { type: 'stats'; roundTripTime: number | undefined; bytesSent: number; bytesReceived: number }

async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as T
}

/** The page's end of the HTTP signalling. */
export class Signaling {
  readonly #id: string
  #events: EventSource | undefined

  private constructor(id: string) {
    this.#id = id
  }

  /** Opens a session with the page's offer, or asks Node for one; the description is Node's reply. */
  static async open(
    offer?: RTCSessionDescriptionInit,
  ): Promise<{ signaling: Signaling; description: RTCSessionDescriptionInit }> {
    const { id, description } = await post<{ id: string; description: RTCSessionDescriptionInit }>('/api/sessions', {
      description: offer,
    })
    return { signaling: new Signaling(id), description }
  }

  listen(onEvent: (event: NodeEvent) => void): void {
    this.#events = new EventSource(`/api/sessions/${this.#id}/events`)
    this.#events.onmessage = (event) => onEvent(JSON.parse(event.data as string) as NodeEvent)
  }

  async describe(description: RTCSessionDescriptionInit): Promise<RTCSessionDescriptionInit | undefined> {
    return (
      await post<{ description?: RTCSessionDescriptionInit }>(`/api/sessions/${this.#id}/description`, { description })
    ).description
  }

  async candidate(candidate: RTCIceCandidate | null): Promise<void> {
    await post(`/api/sessions/${this.#id}/candidate`, { candidate })
  }

  close(): void {
    this.#events?.close()
    void fetch(`/api/sessions/${this.#id}`, { method: 'DELETE', keepalive: true }).catch(() => {})
  }
}
