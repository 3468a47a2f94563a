/** What Node tells the page over server-sent events; see the server's session. Times are ms since the Unix epoch. */
export type NodeEvent =
  | { type: 'description'; description: RTCSessionDescriptionInit }
  | { type: 'candidate'; candidate: RTCIceCandidateInit | null }
  | { type: 'mark'; phase: string; start: number; end: number }
  | { type: 'state'; name: string; value: string; at: number }
  | ({ type: 'media' } & NodeMedia)
  | { type: 'stats'; entries: Stats[] }

export interface NodeMedia {
  /** Id of the stream in which a file comes. */
  playing: string | null
  recording: boolean
  recorded: { name: string; bytes: number; seconds: number; summary: string } | null
  error: string | null
}

/** An entry of a stats report, the browser's or Node's. */
export type Stats = Record<string, string | number | boolean | undefined>

async function post<T>(path: string, body: unknown): Promise<T> {
  const response = await fetch(path, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error((await response.text()) || `${path}: ${response.status}`)
  return (await response.json()) as T
}

/** The page's end of the HTTP signalling. */
export class Signaling {
  readonly #id: string
  #events: EventSource | undefined
  #last: Promise<void> = Promise.resolve()

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

  /** The answer to an offer comes as an event, in its place among Node's candidates. */
  describe(description: RTCSessionDescriptionInit): Promise<void> {
    return this.#inOrder('description', { description })
  }

  candidate(candidate: RTCIceCandidate | null): Promise<void> {
    return this.#inOrder('candidate', { candidate })
  }

  /** What Node shall do with media. Rejects with its reason when it cannot. */
  async command(name: 'play' | 'stop-playing' | 'record' | 'stop-recording'): Promise<void> {
    await post(`/api/sessions/${this.#id}/${name}`, {})
  }

  get recordingUrl(): string {
    return `/api/sessions/${this.#id}/recording`
  }

  /** Requests overtake each other, and a candidate must not come before the description that it belongs to. */
  #inOrder(action: string, content: unknown): Promise<void> {
    const sent = this.#last.then(() => post<void>(`/api/sessions/${this.#id}/${action}`, content))
    this.#last = sent.catch(() => {})
    return sent
  }

  close(): void {
    this.#events?.close()
    void fetch(`/api/sessions/${this.#id}`, { method: 'DELETE', keepalive: true }).catch(() => {})
  }
}
