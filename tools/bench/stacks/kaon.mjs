import { RTCPeerConnection } from '@kaon/webrtc'
import { w3cPeer } from './w3c.mjs'

/** @type {import('./w3c.mjs').Stack} */
export default {
  name: 'Kaon',
  create: w3cPeer((onCandidate) => {
    const connection = new RTCPeerConnection({ ice: { includeLoopback: true } })
    connection.onicecandidate = ({ candidate }) => candidate && onCandidate(candidate.toJSON())
    return connection
  }),
}
