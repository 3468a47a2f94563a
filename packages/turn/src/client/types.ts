import type { ClientCredentials, TransportAddress } from '@kaon/stun'
import type { TurnError } from '../error.ts'

/** How an allocation is asked for and kept. All times are ms. */
export interface TurnAllocationOptions {
  /** Long-term credentials or a third party's token. One object per allocation: it remembers the server's nonce. */
  readonly credentials: ClientCredentials
  /** TCP or TLS to the server: requests are sent once, channel data is padded. Default false. */
  readonly reliable?: boolean
  /** What is relayed: UDP, or TCP connections (RFC 6062), which need a reliable way to the server. Default `udp`. */
  readonly relay?: 'udp' | 'tcp'
  /** The families of the relayed address: one, or both with IPv4 first (RFC 8656 §7.1). Default: the server's choice, which is IPv4. */
  readonly families?: readonly (4 | 6)[]
  /** How long the allocation shall live between refreshes. Default: the server's choice, ten minutes mostly. */
  readonly lifetime?: number
  /** An even port, or one with the next one reserved (EVEN-PORT): for RTP and RTCP apart. */
  readonly evenPort?: 'even' | 'pair'
  /** The token of such a pair, to get its second port. */
  readonly reservationToken?: Uint8Array
  /**
   * How long silence of the server is borne before it is asked whether the allocation still is, which also keeps NATs open. Default
   * 25,000; Infinity for never.
   */
  readonly keepaliveInterval?: number
  /** Bind a channel to each peer that something is sent to (four bytes of overhead instead of 36). Default true. */
  readonly bindChannels?: boolean
  /** Peers (addresses with ports) that are kept at a time. Default 1000. */
  readonly maxPeers?: number
  /** SOFTWARE in requests. Default: none. */
  readonly software?: string
  /** First retransmission timeout (UDP). Default 500. */
  readonly rto?: number
  /** Rc of RFC 8489 §6.2.1. Default 7. */
  readonly maxTransmissions?: number
  /** The random source for transaction ids. Default: the platform's. */
  readonly random?: (length: number) => Uint8Array
  readonly trace?: (event: { layer: string; name: string; data?: unknown }) => void
}

/** What an allocation has to tell. */
export type TurnEvent =
  | {
      readonly type: 'allocated'
      /** One, or one per family. */
      readonly relayed: readonly TransportAddress[]
      /** The own address as the server sees it. */
      readonly mapped: TransportAddress
      /** ms. */
      readonly lifetime: number
      readonly reservationToken: Uint8Array | undefined
      readonly software: string | undefined
    }
  /** Another server is to be asked (300): the allocation has ended. */
  | { readonly type: 'redirected'; readonly server: TransportAddress; readonly domain: string | undefined }
  /** The end, before or after it was allocated. `ERR_TURN_LOST`: the server has forgotten it. */
  | { readonly type: 'failed'; readonly error: TurnError }
  | { readonly type: 'data'; readonly peer: TransportAddress; readonly data: Uint8Array }
  | { readonly type: 'refreshed'; readonly lifetime: number }
  | { readonly type: 'permitted'; readonly address: string }
  /** The server does not let anything through to and from this address, or did not answer. */
  | { readonly type: 'refused'; readonly address: string; readonly error: TurnError }
  | { readonly type: 'channel-bound'; readonly peer: TransportAddress; readonly channel: number }
  /** An ICMP error that the relayed address received (RFC 8656 §11.5). */
  | { readonly type: 'icmp'; readonly peer: TransportAddress; readonly icmpType: number; readonly icmpCode: number }
  /** RFC 6062: a connection to or from a peer waits for `ConnectionBind` on a new connection to the server, for 30 s. */
  | {
      readonly type: 'connection'
      readonly peer: TransportAddress
      readonly connectionId: number
      readonly incoming: boolean
    }
  | { readonly type: 'connection-failed'; readonly peer: TransportAddress; readonly error: TurnError }
  /** After `close`: the server has been told. */
  | { readonly type: 'closed' }

/** Plain counters. */
export interface TurnAllocationStats {
  datagramsSent: number
  bytesSent: number
  datagramsReceived: number
  bytesReceived: number
  /** Of `datagramsSent`, those that went in ChannelData. */
  channelDataSent: number
  /** Neither STUN nor ChannelData. */
  droppedMalformed: number
  /** Data of channels that are not bound and of peers without permission. */
  droppedUnexpected: number
  /** Responses to nothing. */
  droppedForeign: number
  /** Own datagrams: the peer is refused, too many waited for its permission, or the stream to the server takes no more. */
  droppedOutgoing: number
  /** Datagrams that nobody polled. */
  droppedOverflow: number
}
