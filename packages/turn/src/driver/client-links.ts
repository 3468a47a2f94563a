import type { Endpoint, TcpConnection, UdpSocket } from '@kaon/net'
import { TurnFramer } from '../framer.ts'
import { ClientLink } from '../server/ports.ts'

/** What may wait for a client's stream before data is dropped; answers to its requests still go out. */
const MAX_BUFFERED = 1024 * 1024
/** Who has no allocation has nothing longer to say; it bounds what a stranger's stream can make the server hold. */
const MAX_STRANGER = 4096
const MAX_MESSAGE = 20 + 0xfffc

export class UdpClientLink extends ClientLink {
  readonly socket: UdpSocket

  constructor(socket: UdpSocket) {
    super('udp', socket.local)
    this.socket = socket
  }

  send(data: Uint8Array, to: Endpoint): void {
    this.socket.send(data, to)
  }
}

export class StreamClientLink extends ClientLink {
  readonly tcp: TcpConnection
  readonly framer: TurnFramer = new TurnFramer({ maxLength: MAX_STRANGER })
  lastActive: number
  readonly #stats: { droppedBacklog: number }

  constructor(tcp: TcpConnection, transport: 'tcp' | 'tls', now: number, stats: { droppedBacklog: number }) {
    super(transport, tcp.local)
    this.tcp = tcp
    this.lastActive = now
    this.#stats = stats
  }

  send(data: Uint8Array, _to: Endpoint): void {
    // 0x00 0x17: a Data indication.
    const isData = data[0]! >= 0x40 || (data[0] === 0 && data[1] === 0x17)
    if (isData && this.tcp.bufferedAmount > MAX_BUFFERED) this.#stats.droppedBacklog++
    else this.tcp.write(data)
  }

  /** The next message of the stream; what may be said depends on whether there is an allocation. */
  pop(): Uint8Array | undefined {
    this.framer.maxLength = this.find(this.tcp.remote) === undefined ? MAX_STRANGER : MAX_MESSAGE
    return this.framer.pop()
  }
}
