/** The settings of the layers below, as the configuration hands them through. */
import type { DtlsOptions } from '@kaon/dtls'
import type { IceConnectionOptions } from '@kaon/ice/driver'
import type { Endpoint } from '@kaon/net'
import type { AssociationOptions } from '@kaon/sctp'

export type Trace = (event: { layer: string; name: string; data?: unknown }) => void

export interface IceSettings extends Omit<
  IceConnectionOptions,
  'network' | 'crypto' | 'iceServers' | 'iceTransportPolicy' | 'role' | 'trace'
> {
  /**
   * What comes in on the connection's own sockets and is nobody's: no check has vouched for where it comes from. The receiver owns the bytes.
   * Ports that are shared have a hook of the same name.
   */
  readonly onUnhandledDatagram?: (datagram: Uint8Array, from: Endpoint) => void
}

export type DtlsSettings = Omit<
  DtlsOptions,
  'role' | 'now' | 'certificate' | 'crypto' | 'remoteFingerprints' | 'verifyPeer' | 'cookie' | 'trace'
>

export interface SctpSettings extends Omit<
  AssociationOptions,
  'now' | 'localPort' | 'remotePort' | 'maxMessageSize' | 'maxReceiveMessageSize' | 'maxBufferedAmount' | 'trace'
> {
  /**
   * Bytes of the largest message that the peer may send: our `a=max-message-size`. Default 262144, as browsers have it;
   * 0 is without a limit.
   */
  readonly maxMessageSize?: number
  /** Bytes that one channel may hold unsent before `send` throws `OperationError`. Default 16 MiB; 0 is without a limit. */
  readonly sendBufferSize?: number
}
