// The sockets that candidates are based on: own ones, shares of shared ones, TCP listeners.
import type { TcpListener } from '@kaon/net'
import type { TcpCandidateType } from '../candidate.ts'
import type { LocalAddress } from './addresses.ts'
import type { IceConnectionOptions } from './options.ts'
import type { PortSocket } from './port.ts'
import type { SharedTcp } from './shared-ports.ts'
import type { UdpShare } from './shared-udp.ts'
import { Strangers } from './strangers.ts'
import { TcpPort } from './tcp-port.ts'

/** RFC 6544 §4.5: what an active candidate has for a port. */
const DISCARD = 9

/** A part of a port that several connections share. */
export type Share = UdpShare | SharedTcp

export interface Opened {
  readonly socket: PortSocket
  /** To be told the username fragments. */
  readonly share: Share | undefined
}

/** Rejects with the network's error. Undefined when the shared ports are not on that address. */
export async function openUdp(options: IceConnectionOptions, at: LocalAddress): Promise<Opened | undefined> {
  const { network, sharedPorts, portRange } = options
  if (sharedPorts !== undefined) {
    if (options.continualGathering === true) await sharedPorts.refresh()
    const share = sharedPorts.shareUdp(at.address)
    return share && { socket: share, share }
  }
  return { socket: await network.bindUdp({ address: at.address, ...(portRange && { portRange }) }), share: undefined }
}

export async function openTcp(
  options: IceConnectionOptions,
  at: LocalAddress,
  tcpType: TcpCandidateType,
): Promise<Opened | undefined> {
  const { network, sharedPorts, portRange } = options
  const { address, family } = at
  if (tcpType === 'active') {
    return { socket: new TcpPort(network, { address, port: DISCARD, family }, tcpType), share: undefined }
  }
  if (tcpType === 'passive' && sharedPorts !== undefined) {
    const shared = sharedPorts.shareTcp(address)
    return shared && { socket: shared.port, share: shared }
  }
  const listener = await network.listenTcp({ address, ...(portRange && { portRange }) })
  const port = new TcpPort(network, listener.local, tcpType)
  if (tcpType === 'passive') listen(options, listener, port)
  else listener.close() // the port was free, and connections are made from it
  return { socket: port, share: undefined }
}

function listen({ network }: IceConnectionOptions, listener: TcpListener, port: TcpPort): void {
  const strangers = new Strangers(network, () => port)
  strangers.listen(listener)
  port.onclose = () => {
    listener.close()
    strangers.close()
  }
}
