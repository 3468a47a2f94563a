// The outside world as a driver sees it. The Node implementation is in node/, the simulated one in virtual/.

/** A transport address. IPv6 in RFC 5952 form; a zone (`fe80::1%eth0`) only on link-local addresses. */
export interface Endpoint {
  readonly address: string
  readonly port: number
  readonly family: 4 | 6
}

/** One address of one network interface (an interface with three addresses appears three times). */
export interface NetworkInterface {
  readonly name: string
  /** RFC 5952 form, with zone if link-local: can be given to `bindUdp` as it is. */
  readonly address: string
  readonly family: 4 | 6
  /** Loopback, or otherwise not reachable from outside. */
  readonly internal: boolean
  readonly prefixLength: number
}

export interface InterfaceWatch {
  /** Idempotent; no callback runs after it. */
  close(): void
}

export interface Timer {
  /** Idempotent; after it the callback does not run. */
  cancel(): void
}

export interface TimerOptions {
  /** The timer alone does not keep the process alive. */
  readonly unref?: boolean
}

export interface UdpBindOptions {
  /** A local IP address; default is the wildcard of `family`. IPv6 sockets carry IPv6 only, never mapped IPv4. */
  readonly address?: string
  /** Chooses the wildcard when there is no `address`. Default 4. */
  readonly family?: 4 | 6
  /** 0 or absent: any free one. */
  readonly port?: number
  /** Inclusive; a free port of this range, tried from a random place on. Ignored when `port` is given and not 0. */
  readonly portRange?: readonly [min: number, max: number]
  /** Several sockets may share the address and port (multicast receivers). Default false. */
  readonly reuseAddress?: boolean
  /** Asked from the system in bytes; it may grant less. Default 4 MiB each. */
  readonly receiveBufferSize?: number
  readonly sendBufferSize?: number
  /** Aborting rejects with the signal's reason and leaves nothing open. */
  readonly signal?: AbortSignal
}

/** Plain counters; one object for the socket's whole life. */
export interface UdpStats {
  datagramsSent: number
  bytesSent: number
  datagramsReceived: number
  bytesReceived: number
  /** Datagrams that the system refused; each was also given to `onerror`. */
  sendErrors: number
}

export interface UdpSocket {
  readonly local: Endpoint
  readonly stats: Readonly<UdpStats>
  /**
   * The receiver owns `data`. `from` is the same object for consecutive datagrams of one remote where that is cheap:
   * compare by identity first, then by value.
   */
  onmessage: ((data: Uint8Array, from: Endpoint) => void) | undefined
  /** Network trouble, as a `NetError`; the socket stays usable. */
  onerror: ((error: Error) => void) | undefined
  /**
   * The socket owns `data` from here on. `to.address` must be an IP literal of the socket's family. Never throws for
   * network trouble (it is counted and given to `onerror`); ignored after `close`.
   */
  send(data: Uint8Array, to: Endpoint): void
  /** Idempotent and immediate: no callback runs after it. */
  close(): void
  ref(): void
  unref(): void
}

export interface TlsOptions {
  /** The name in the certificate, default: `host`. */
  readonly serverName?: string
  readonly alpnProtocols?: readonly string[]
  /** Accept any certificate. Default false. */
  readonly insecure?: boolean
  /** PEM, instead of the system's authorities. */
  readonly authorities?: readonly string[]
}

export interface TcpConnectOptions {
  /** A name or an IP literal. */
  readonly host: string
  readonly port: number
  /** TLS from the first byte on. */
  readonly tls?: boolean | TlsOptions
  readonly localAddress?: string
  readonly localPort?: number
  readonly signal?: AbortSignal
}

export interface TcpConnection {
  readonly local: Endpoint
  readonly remote: Endpoint
  /** Bytes given to `write` that the system has not taken yet. */
  readonly bufferedAmount: number
  /** The receiver owns `data`. Nothing is read before this is set. */
  ondata: ((data: Uint8Array) => void) | undefined
  /** The other side has finished sending (only then `write` still works). */
  onend: (() => void) | undefined
  /** `bufferedAmount` fell to 0 after a `write` that returned false. */
  ondrain: (() => void) | undefined
  /** Once, when the connection is over; with the error if it broke. Not after an own `close`. */
  onclose: ((error: Error | undefined) => void) | undefined
  /** Takes ownership. False: better wait for `ondrain`. Ignored after `end` and `close`. */
  write(data: Uint8Array): boolean
  /** Sends what is buffered, then FIN. */
  end(): void
  /** Idempotent and immediate: what is buffered is lost, no callback runs after it. */
  close(): void
  pause(): void
  resume(): void
  ref(): void
  unref(): void
}

/** Who a TLS server is. */
export interface TlsServerOptions {
  /** PEM: its certificate, then those that lead to an authority. */
  readonly certificate: string
  /** PEM. */
  readonly privateKey: string
  readonly alpnProtocols?: readonly string[]
}

export interface TcpListenOptions {
  /** TLS from the first byte on: connections come when their handshake is done. */
  readonly tls?: TlsServerOptions
  readonly address?: string
  readonly family?: 4 | 6
  readonly port?: number
  readonly portRange?: readonly [min: number, max: number]
  readonly signal?: AbortSignal
}

export interface TcpListener {
  readonly local: Endpoint
  onconnection: ((connection: TcpConnection) => void) | undefined
  onerror: ((error: Error) => void) | undefined
  /** Idempotent; accepted connections live on. */
  close(): void
  ref(): void
  unref(): void
}

export interface LookupOptions {
  readonly family?: 4 | 6
  readonly signal?: AbortSignal
}

/** Multicast DNS (RFC 6762), as far as ICE needs it: one name, one address. */
export interface Mdns {
  /** The address of a `.local` name, or undefined if nobody answers within some seconds. */
  resolve(name: string, options?: { signal?: AbortSignal }): Promise<string | undefined>
  /** Answers queries for `name` until closed. Does not keep the process alive. */
  publish(name: string, address: string): MdnsRegistration
}

export interface MdnsRegistration {
  /** Idempotent; says goodbye (RFC 6762 §10.1). */
  close(): void
}

export interface Network {
  /** Monotonic ms. */
  now(): number
  /** ms since the Unix epoch. */
  wallClock(): number
  /**
   * Runs `callback` once, at `at` (on the axis of `now()`) or a little later, never before. A time in the past is due
   * at once, though not inside this call; `Infinity` never is.
   */
  setTimer(at: number, callback: () => void, options?: TimerOptions): Timer
  /** Runs `callback` once the datagrams that are there now have been handed out; promises settle before the next one. */
  defer(callback: () => void): void
  interfaces(): NetworkInterface[]
  /**
   * Calls back with the new list when addresses have come or gone, and not before; several changes may come as one.
   * Does not keep the process alive. Node has no event for it: there the system is asked every few seconds.
   */
  watchInterfaces(callback: (interfaces: NetworkInterface[]) => void): InterfaceWatch
  bindUdp(options?: UdpBindOptions): Promise<UdpSocket>
  connectTcp(options: TcpConnectOptions): Promise<TcpConnection>
  listenTcp(options?: TcpListenOptions): Promise<TcpListener>
  /** At least one address, in the system's order; an IP literal is its own answer. Rejects with `ERR_NET_LOOKUP`. */
  lookup(hostname: string, options?: LookupOptions): Promise<string[]>
  readonly mdns: Mdns
}

export interface NetworkOptions {
  /** How often the system is asked while somebody watches its interfaces, in ms. Default 2000. */
  readonly interfacePollInterval?: number
  readonly mdns?: {
    /** Which interface addresses take part; default: all that are not internal. */
    readonly interfaces?: (networkInterface: NetworkInterface) => boolean
    /** Default 5353. */
    readonly port?: number
    /** How long `resolve` waits, in ms. Default 5000. */
    readonly timeout?: number
  }
}
