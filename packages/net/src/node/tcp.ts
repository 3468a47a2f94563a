// TCP and TLS over node:net and node:tls.

import { connect as netConnect, createServer, isIP } from 'node:net'
import type { Server, Socket } from 'node:net'
import { connect as tlsConnect, createServer as createTlsServer } from 'node:tls'
import type {
  Endpoint,
  TcpConnection,
  TcpConnectOptions,
  TcpListener,
  TcpListenOptions,
  TlsOptions,
  TlsServerOptions,
} from '../network.ts'
import { whenAborted } from './abort.ts'
import { bindAddress, portsToTry, toEndpoint } from './address.ts'
import { systemCodeOf, wrapError } from './errors.ts'

class NodeTcpConnection implements TcpConnection {
  readonly local: Endpoint
  readonly remote: Endpoint
  onend: (() => void) | undefined = undefined
  ondrain: (() => void) | undefined = undefined
  onclose: ((error: Error | undefined) => void) | undefined = undefined
  readonly #socket: Socket
  #ondata: ((data: Uint8Array) => void) | undefined
  #isReading = false
  #isPaused = false
  #isEnding = false
  #closed = false

  constructor(socket: Socket) {
    this.#socket = socket
    this.local = toEndpoint(socket.localAddress, socket.localPort)
    this.remote = toEndpoint(socket.remoteAddress, socket.remotePort)
    let failure: Error | undefined
    socket.on('error', (error) => {
      failure = wrapError('ERR_NET_SOCKET', error, this.remote)
    })
    socket.on('drain', () => this.ondrain?.())
    socket.on('end', () => {
      // Who does not listen for the other side's end has nothing more to say either.
      if (this.onend === undefined) this.end()
      else this.onend()
    })
    socket.on('close', () => {
      if (this.#closed) return
      this.#closed = true
      this.onclose?.(failure)
    })
  }

  get bufferedAmount(): number {
    return this.#socket.writableLength
  }

  get ondata(): ((data: Uint8Array) => void) | undefined {
    return this.#ondata
  }

  set ondata(callback: ((data: Uint8Array) => void) | undefined) {
    this.#ondata = callback
    if (callback === undefined || this.#isReading || this.#closed) return
    this.#isReading = true
    this.#socket.on('data', (data: Uint8Array) => this.#ondata?.(data))
    if (this.#isPaused) this.#socket.pause()
  }

  write(data: Uint8Array): boolean {
    if (this.#closed || this.#isEnding) return false
    return this.#socket.write(data)
  }

  end(): void {
    if (this.#closed || this.#isEnding) return
    this.#isEnding = true
    this.#socket.end()
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.#ondata = undefined
    this.onend = undefined
    this.ondrain = undefined
    this.onclose = undefined
    this.#socket.destroy()
  }

  pause(): void {
    this.#isPaused = true
    if (this.#isReading) this.#socket.pause()
  }

  resume(): void {
    this.#isPaused = false
    if (this.#isReading) this.#socket.resume()
  }

  ref(): void {
    this.#socket.ref()
  }

  unref(): void {
    this.#socket.unref()
  }
}

/** @throws NetError `ERR_NET_ARGUMENT`, `ERR_NET_CONNECT`; the signal's reason */
export async function connectTcp(options: TcpConnectOptions): Promise<TcpConnection> {
  const { signal, tls } = options
  signal?.throwIfAborted()
  const [port] = portsToTry({ port: options.port })
  return new Promise((resolve, reject) => {
    const target = {
      host: options.host,
      port: port!,
      allowHalfOpen: true,
      noDelay: true,
      ...(options.localAddress === undefined ? undefined : { localAddress: options.localAddress }),
      ...(options.localPort === undefined ? undefined : { localPort: options.localPort }),
    }
    let socket: Socket
    try {
      socket = tls ? tlsConnect({ ...target, ...tlsSettings(options.host, tls) }) : netConnect(target)
    } catch (error) {
      reject(wrapError('ERR_NET_CONNECT', error))
      return
    }
    const fail = (error: unknown): void => {
      stopWatching()
      socket.removeListener('close', onClose)
      socket.on('error', () => {})
      socket.destroy()
      reject(error)
    }
    const onClose = (): void => fail(wrapError('ERR_NET_CONNECT', new Error('The connection was closed at once')))
    const stopWatching = whenAborted(signal, () => fail(signal?.reason))
    const onError = (error: Error): void => {
      const remote = isIP(options.host) === 0 ? undefined : toEndpoint(options.host, options.port)
      fail(wrapError('ERR_NET_CONNECT', error, remote))
    }
    socket.once('error', onError)
    socket.once('close', onClose)
    socket.once(tls ? 'secureConnect' : 'connect', () => {
      stopWatching()
      socket.removeListener('error', onError)
      socket.removeListener('close', onClose)
      resolve(new NodeTcpConnection(socket))
    })
  })
}

function tlsSettings(host: string, tls: true | TlsOptions): object {
  const options: TlsOptions = tls === true ? {} : tls
  // RFC 6066 §3: a server name is a DNS name, never an address.
  const serverName = options.serverName ?? (isIP(host) === 0 ? host : undefined)
  return {
    ...(serverName === undefined ? undefined : { servername: serverName }),
    ...(options.alpnProtocols === undefined ? undefined : { ALPNProtocols: [...options.alpnProtocols] }),
    ...(options.authorities === undefined ? undefined : { ca: [...options.authorities] }),
    rejectUnauthorized: options.insecure !== true,
  }
}

/** How long a client may take for its TLS handshake, in ms. */
const HANDSHAKE_TIMEOUT = 10_000

function tlsIdentity(tls: TlsServerOptions): object {
  return {
    cert: tls.certificate,
    key: tls.privateKey,
    handshakeTimeout: HANDSHAKE_TIMEOUT,
    ...(tls.alpnProtocols && { ALPNProtocols: [...tls.alpnProtocols] }),
  }
}

class NodeTcpListener implements TcpListener {
  readonly local: Endpoint
  onconnection: ((connection: TcpConnection) => void) | undefined = undefined
  onerror: ((error: Error) => void) | undefined = undefined
  readonly #server: Server
  #closed = false

  constructor(server: Server, isTls: boolean) {
    this.#server = server
    const address = server.address()
    this.local = typeof address === 'object' ? toEndpoint(address?.address, address?.port) : toEndpoint('', 0)
    server.on(isTls ? 'secureConnection' : 'connection', (socket: Socket) => {
      if (this.onconnection === undefined) socket.destroy()
      else this.onconnection(new NodeTcpConnection(socket))
    })
    // A handshake that fails is the client's trouble.
    if (isTls) server.on('tlsClientError', (_error, socket: Socket) => socket.destroy())
    server.on('error', (error) => {
      if (!this.#closed) this.onerror?.(wrapError('ERR_NET_SOCKET', error))
    })
  }

  close(): void {
    if (this.#closed) return
    this.#closed = true
    this.onconnection = undefined
    this.onerror = undefined
    this.#server.close()
  }

  ref(): void {
    this.#server.ref()
  }

  unref(): void {
    this.#server.unref()
  }
}

/** @throws NetError `ERR_NET_ARGUMENT`, `ERR_NET_BIND`; the signal's reason */
export async function listenTcp(options: TcpListenOptions = {}): Promise<TcpListener> {
  const { address, family } = bindAddress(options)
  let lastError: unknown
  for (const port of portsToTry(options)) {
    options.signal?.throwIfAborted()
    try {
      const server = await listenOnce(address, family, port, options.tls, options.signal)
      if (options.signal?.aborted === true) server.close()
      options.signal?.throwIfAborted()
      return new NodeTcpListener(server, options.tls !== undefined)
    } catch (error) {
      options.signal?.throwIfAborted()
      lastError = error
      const systemCode = systemCodeOf(error)
      if (systemCode !== 'EADDRINUSE' && systemCode !== 'EACCES') break
    }
  }
  throw wrapError('ERR_NET_BIND', lastError)
}

function listenOnce(
  host: string,
  family: 4 | 6,
  port: number,
  tls: TlsServerOptions | undefined,
  signal: AbortSignal | undefined,
): Promise<Server> {
  return new Promise((resolve, reject) => {
    const plain = { allowHalfOpen: true, noDelay: true }
    const server = tls === undefined ? createServer(plain) : createTlsServer({ ...plain, ...tlsIdentity(tls) })
    const stopWatching = whenAborted(signal, () => {
      server.removeAllListeners()
      server.on('error', () => {})
      server.close()
      reject(signal?.reason)
    })
    server.once('error', (error) => {
      stopWatching()
      reject(error)
    })
    server.listen({ host, port, ipv6Only: family === 6, exclusive: true }, () => {
      stopWatching()
      server.removeAllListeners('error')
      resolve(server)
    })
  })
}
