// TLS 1.3 as far as a network sees it: a handshake of one round trip (RFC 8446 §2), records, and a certificate that is
// checked. No cryptography.

import { NetError } from '../../errors.ts'
import type { TcpConnection, TlsOptions, TlsServerOptions } from '../../network.ts'
import type { Core } from '../core.ts'
import { parseCertificate, rejectionOf } from './certificate.ts'
import { ALERT, HANDSHAKE, readMessage, RecordReader, writeMessage } from './records.ts'
import { VirtualTlsConnection } from './tls-connection.ts'

/** Bytes that the messages usually have. */
const CLIENT_HELLO = 512
const SERVER_FLIGHT = 2400
const FINISHED = 58
const ALERT_SIZE = 19
/** How long a client may take for its handshake, in ms. */
const HANDSHAKE_TIMEOUT = 10_000

/** @throws NetError `ERR_NET_CONNECT`; the signal's reason */
export function connectTls(
  inner: TcpConnection,
  host: string,
  options: TlsOptions,
  core: Core,
  signal: AbortSignal | undefined,
): Promise<TcpConnection> {
  return new Promise((resolve, reject) => {
    const reader = new RecordReader()
    const fail = (reason: unknown): void => {
      signal?.removeEventListener('abort', onAbort)
      inner.close()
      core.scheduler.touched = true
      reject(reason)
    }
    const refuse = (systemCode: string): void => {
      inner.write(writeMessage(ALERT, { systemCode }, ALERT_SIZE))
      inner.end()
      fail(connectError(systemCode, inner))
    }
    const onAbort = (): void => fail(signal?.reason)
    signal?.addEventListener('abort', onAbort, { once: true })
    inner.onend = () => fail(connectError('ECONNRESET', inner))
    inner.onclose = (error) => fail(connectError((error as NetError | undefined)?.systemCode ?? 'ECONNRESET', inner))
    inner.ondata = (data) => {
      reader.push(data)
      const record = reader.read()
      if (reader.isMalformed) return fail(connectError('ERR_SSL_WRONG_VERSION_NUMBER', inner))
      if (record === undefined) return
      const message = readMessage(record)
      if (record.type !== HANDSHAKE || message === undefined) return fail(connectError(alertOf(message), inner))
      const certificate = parseCertificate(String(message.certificate))
      const wallClock = core.epoch + core.scheduler.now
      const rejection = rejectionOf(certificate, host, options, core.authority.certificate, wallClock)
      if (rejection !== undefined) return refuse(rejection)
      inner.write(writeMessage(HANDSHAKE, {}, FINISHED))
      signal?.removeEventListener('abort', onAbort)
      core.scheduler.touched = true
      resolve(new VirtualTlsConnection(inner, reader, core.scheduler))
    }
    const { serverName, alpnProtocols } = options
    inner.write(writeMessage(HANDSHAKE, { serverName: serverName ?? host, alpnProtocols }, CLIENT_HELLO))
  })
}

/** Hands on the connection once its handshake is done. One that fails is the client's trouble, and is closed. */
export function acceptTls(
  inner: TcpConnection,
  options: TlsServerOptions,
  core: Core,
  onSecure: (connection: TcpConnection) => void,
): void {
  const { scheduler } = core
  const reader = new RecordReader()
  let hasAnswered = false
  const timer = scheduler.schedule(scheduler.now + HANDSHAKE_TIMEOUT, () => inner.close())
  const fail = (): void => {
    scheduler.cancel(timer)
    inner.close()
  }
  inner.onend = fail
  inner.onclose = fail
  inner.ondata = (data) => {
    reader.push(data)
    for (let record = reader.read(); record !== undefined; record = reader.read()) {
      const message = readMessage(record)
      if (record.type !== HANDSHAKE || message === undefined) return fail()
      if (hasAnswered) {
        scheduler.cancel(timer)
        onSecure(new VirtualTlsConnection(inner, reader, scheduler))
        return
      }
      hasAnswered = true
      if (!hasCommonProtocol(options.alpnProtocols, message.alpnProtocols)) {
        // RFC 7301 §3.2
        inner.write(writeMessage(ALERT, { systemCode: 'ERR_SSL_TLSV1_ALERT_NO_APPLICATION_PROTOCOL' }, ALERT_SIZE))
        inner.end()
        return
      }
      inner.write(writeMessage(HANDSHAKE, { certificate: options.certificate }, SERVER_FLIGHT))
    }
    if (reader.isMalformed) fail()
  }
}

function hasCommonProtocol(own: readonly string[] | undefined, theirs: unknown): boolean {
  if (own === undefined || !Array.isArray(theirs)) return true
  return own.some((protocol) => theirs.includes(protocol))
}

function alertOf(message: Readonly<Record<string, unknown>> | undefined): string {
  return typeof message?.systemCode === 'string' ? message.systemCode : 'ERR_SSL_WRONG_VERSION_NUMBER'
}

function connectError(systemCode: string, { remote }: TcpConnection): NetError {
  const message = `TLS with ${remote.address}:${remote.port}: ${systemCode}`
  return new NetError('ERR_NET_CONNECT', message, { systemCode, remote })
}
