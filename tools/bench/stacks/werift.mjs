import { RTCPeerConnection } from 'werift'
import { w3cPeer } from './w3c.mjs'

/** @type {import('./w3c.mjs').Stack} */
export default {
  name: 'werift',
  create: w3cPeer((onCandidate) => {
    // werift asks a public STUN server unless told otherwise, and needs an address to bind when only loopback is up.
    const connection = new RTCPeerConnection({ iceServers: [], iceAdditionalHostAddresses: ['127.0.0.1'] })
    connection.onIceCandidate.subscribe((candidate) => candidate && onCandidate(candidate.toJSON()))
    return connection
  }),
}
