import { createHmac } from 'node:crypto'
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram'

/**
 * The least that a browser takes for an ICE peer: an ice-lite answerer on one loopback port that says yes to every connectivity check. What is
 * not STUN is handed on.
 */
export class LiteIce {
  readonly ufrag = 'kaondtls'
  readonly password = 'a-password-of-enough-length'
  ondatagram: ((datagram: Uint8Array) => void) | undefined
  readonly #socket: Socket
  #remote: RemoteInfo | undefined

  private constructor(socket: Socket) {
    this.#socket = socket
    socket.on('message', (data, from) => {
      if (data[0]! < 4) this.#answer(data, from)
      else this.ondatagram?.(data)
    })
  }

  static async bind(): Promise<LiteIce> {
    const socket = createSocket('udp4')
    await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve))
    return new LiteIce(socket)
  }

  get port(): number {
    return this.#socket.address().port
  }

  send(datagram: Uint8Array): void {
    if (this.#remote !== undefined) this.#socket.send(datagram, this.#remote.port, this.#remote.address)
  }

  close(): void {
    this.#socket.close()
  }

  /** A success response with XOR-MAPPED-ADDRESS, MESSAGE-INTEGRITY and FINGERPRINT (RFC 8489 §14). */
  #answer(request: Buffer, from: RemoteInfo): void {
    if (request.readUInt16BE(0) !== 0x0001) return
    this.#remote = from
    const response = Buffer.alloc(20 + 12 + 24 + 8)
    response.writeUInt16BE(0x0101, 0)
    request.copy(response, 4, 4, 20)
    response.writeUInt16BE(0x0020, 20)
    response.writeUInt16BE(8, 22)
    response.writeUInt8(1, 25)
    response.writeUInt16BE(from.port ^ 0x2112, 26)
    from.address
      .split('.')
      .forEach((part, i) => response.writeUInt8(Number(part) ^ [0x21, 0x12, 0xa4, 0x42][i]!, 28 + i))
    response.writeUInt16BE(12 + 24, 2)
    response.writeUInt16BE(0x0008, 32)
    response.writeUInt16BE(20, 34)
    createHmac('sha1', this.password).update(response.subarray(0, 32)).digest().copy(response, 36)
    response.writeUInt16BE(12 + 24 + 8, 2)
    response.writeUInt16BE(0x8028, 56)
    response.writeUInt16BE(4, 58)
    response.writeUInt32BE((crc32(response.subarray(0, 56)) ^ 0x5354554e) >>> 0, 60)
    this.#socket.send(response, from.port, from.address)
  }

  /** An answer to an offer with one data channel. */
  answer(setup: 'active' | 'passive', fingerprint: string, mid: string): string {
    return [
      'v=0',
      'o=- 1 1 IN IP4 127.0.0.1',
      's=-',
      't=0 0',
      'a=ice-lite',
      `a=group:BUNDLE ${mid}`,
      'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
      'c=IN IP4 127.0.0.1',
      `a=mid:${mid}`,
      `a=ice-ufrag:${this.ufrag}`,
      `a=ice-pwd:${this.password}`,
      `a=fingerprint:sha-256 ${fingerprint}`,
      `a=setup:${setup}`,
      'a=sctp-port:5000',
      'a=max-message-size:262144',
      `a=candidate:1 1 udp 2113937151 127.0.0.1 ${this.port} typ host`,
      'a=end-of-candidates',
      '',
    ].join('\r\n')
  }
}

function crc32(data: Uint8Array): number {
  let crc = 0xffffffff
  for (const byte of data) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0xedb88320 : crc >>> 1
  }
  return ~crc >>> 0
}
