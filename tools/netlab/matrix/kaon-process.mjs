// Kaon's peers in one namespace, by remote control: JSON lines with the number of a peer.
import { createInterface } from 'node:readline'
import { RTCPeerConnection } from '@kaon/webrtc'
import { startPeer } from './peer.mjs'

/** @type {Map<number, (message: import('./peer.mjs').Message) => void>} */
const peers = new Map()

createInterface({ input: process.stdin })
  .on('line', (line) => {
    const { peer, configuration, message } = JSON.parse(line)
    if (configuration !== undefined) {
      const tell = (/** @type {object} */ said) => process.stdout.write(`${JSON.stringify({ peer, message: said })}\n`)
      const PeerConnection = /** @type {typeof globalThis.RTCPeerConnection} */ (
        /** @type {unknown} */ (RTCPeerConnection)
      )
      peers.set(peer, startPeer(PeerConnection, configuration, tell))
    } else {
      peers.get(peer)?.(message)
      if (message.do === 'close') peers.delete(peer)
    }
  })
  .on('close', () => process.exit())
