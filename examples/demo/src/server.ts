import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import { dirname, extname, join, normalize, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { MediaRefusal } from './media.ts'
import { Session } from './session.ts'

const page = fileURLToPath(new URL('../page/', import.meta.url)) // HTML and CSS
const compiled = fileURLToPath(new URL('./page/', import.meta.url)) // the page's scripts
const uplot = dirname(createRequire(import.meta.url).resolve('uplot/dist/uPlot.min.css'))

const contentTypes: Record<string, string> = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.map': 'application/json',
}

const maxBody = 256 * 1024 // bytes; the longest offers of browsers are some 10 KB
const maxSessions = 50
const unwatchedLifetime = 30_000 // ms after which a session whose page never listened is dropped

/** The web server of the demo: the page, and signalling over plain HTTP with server-sent events for the way back. */
export class DemoServer {
  readonly #sessions = new Map<string, Session>()
  readonly #server: Server = createServer((request, response) => {
    this.#handle(request, response).catch((error: unknown) => {
      const status = error instanceof HttpError ? error.status : error instanceof MediaRefusal ? 409 : 500
      if (!response.headersSent) response.writeHead(status)
      response.end(error instanceof Error ? error.message : 'error')
    })
  })

  /** Rejects with the system's error, `EADDRINUSE` for one, when the port cannot be had. */
  listen(port: number, host: string): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen(port, host, () => {
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  close(): void {
    for (const session of this.#sessions.values()) session.close()
    this.#sessions.clear()
    this.#server.close()
    this.#server.closeAllConnections()
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { pathname } = new URL(request.url ?? '/', 'http://localhost')
    if (!pathname.startsWith('/api/')) return this.#serveFile(pathname, response)
    // A page of another origin must not drive this process.
    const origin = request.headers.origin
    if (origin !== undefined && new URL(origin).host !== request.headers.host)
      throw new HttpError(403, 'another origin')

    const [, , , id, action] = pathname.split('/')
    if (request.method === 'POST' && id === undefined) return this.#create(request, response)
    const session = this.#sessions.get(id ?? '')
    if (session === undefined) throw new HttpError(404, 'no such session')
    switch (`${request.method} ${action ?? ''}`) {
      case 'GET events':
        return this.#streamEvents(session, request, response)
      case 'POST description':
        await session.receive((await body<{ description: RTCSessionDescriptionInit }>(request)).description)
        return json(response, {})
      case 'POST candidate':
        await session.connection.addIceCandidate(
          (await body<{ candidate: RTCIceCandidateInit | null }>(request)).candidate ?? undefined,
        )
        return json(response, {})
      case 'POST play':
        await session.media.play()
        return json(response, {})
      case 'POST stop-playing':
        session.media.stopPlaying()
        return json(response, {})
      case 'POST record':
        await session.media.record()
        return json(response, {})
      case 'POST stop-recording':
        await session.media.stopRecording()
        return json(response, {})
      case 'GET recording':
        return this.#sendRecording(session, response)
      case 'DELETE ':
        this.#end(session)
        return json(response, {})
      default:
        throw new HttpError(405, 'not that way')
    }
  }

  async #create(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (this.#sessions.size >= maxSessions) throw new HttpError(503, 'too many sessions')
    const { description } = await body<{ description?: RTCSessionDescriptionInit }>(request)
    const session = new Session((ended) => this.#end(ended))
    this.#sessions.set(session.id, session)
    setTimeout(() => session.watched || this.#end(session), unwatchedLifetime).unref()
    try {
      const reply = description === undefined ? await session.offer() : await session.describe(description)
      json(response, { id: session.id, description: reply })
    } catch (error) {
      this.#end(session)
      throw new HttpError(400, error instanceof Error ? error.message : 'bad description')
    }
  }

  #end(session: Session): void {
    session.close()
    this.#sessions.delete(session.id)
  }

  #streamEvents(session: Session, request: IncomingMessage, response: ServerResponse): void {
    response.writeHead(200, {
      'content-type': 'text/event-stream',
      'cache-control': 'no-store',
      connection: 'keep-alive',
    })
    const stop = session.subscribe((event) => response.write(`data: ${JSON.stringify(event)}\n\n`))
    // A page that is closed says nothing more: its event stream ends, and with it the session.
    request.on('close', () => {
      stop()
      if (this.#sessions.has(session.id)) this.#end(session)
    })
  }

  #sendRecording(session: Session, response: ServerResponse): void {
    const { recorded } = session.media
    if (recorded === undefined) throw new HttpError(404, 'no recording')
    response.writeHead(200, {
      'content-type': recorded.contentType,
      'content-length': recorded.bytes.length,
      'content-disposition': `attachment; filename="${recorded.name}"`,
      'cache-control': 'no-store',
    })
    response.end(recorded.bytes)
  }

  async #serveFile(pathname: string, response: ServerResponse): Promise<void> {
    const wanted = pathname === '/' ? '/index.html' : decodeURIComponent(pathname)
    const [root, path] = wanted.startsWith('/vendor/')
      ? [uplot, wanted.slice('/vendor/'.length)]
      : wanted.endsWith('.js') || wanted.endsWith('.map')
        ? [compiled, wanted]
        : [page, wanted]
    const file = join(root, normalize(path))
    if (!file.startsWith(root.endsWith(sep) ? root : root + sep) || wanted.endsWith('.ts'))
      throw new HttpError(404, 'not found')
    try {
      const content = await readFile(file)
      response.writeHead(200, {
        'content-type': contentTypes[extname(file)] ?? 'application/octet-stream',
        'cache-control': 'no-cache',
      })
      response.end(content)
    } catch {
      throw new HttpError(404, 'not found')
    }
  }
}

class HttpError extends Error {
  readonly status: number
  constructor(status: number, message: string) {
    super(message)
    this.status = status
  }
}

function json(response: ServerResponse, value: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(value))
}

async function body<T>(request: IncomingMessage): Promise<T> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length
    if (size > maxBody) throw new HttpError(413, 'too large')
    chunks.push(chunk)
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8') || '{}') as T
  } catch {
    throw new HttpError(400, 'not JSON')
  }
}
