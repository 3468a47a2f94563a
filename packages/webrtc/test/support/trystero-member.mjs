// One member of a Trystero room, as a program would be: `node trystero-member.mjs <relay url>`. Says on stdout what happens.
import { RTCPeerConnection } from '@kaon/webrtc'
import { joinRoom } from 'trystero'
import { WebSocket } from 'ws'

globalThis.WebSocket ??= /** @type {any} */ (WebSocket) // Node 20 has none of its own
const room = joinRoom(
  {
    appId: 'kaon-test',
    relayConfig: { urls: [/** @type {string} */ (process.argv[2])] },
    rtcPolyfill: /** @type {any} */ (RTCPeerConnection),
    rtcConfig: /** @type {RTCConfiguration} */ ({ iceServers: [], ice: { includeLoopback: true } }),
  },
  'room',
)
const greet = room.makeAction('greet')
const binary = room.makeAction('binary')
greet.onMessage = (text) => {
  console.log(`greeted: ${text}`)
  void binary.send(new Uint8Array(200_000).fill(5))
}
binary.onMessage = (data) => console.log(`binary: ${/** @type {ArrayBuffer} */ (data).byteLength}`)
room.onPeerJoin = () => {
  console.log('joined')
  void greet.send({ from: 'Kaon', text: 'grüezi' }.text)
}
process.stdin.on('data', async () => {
  await room.leave()
  process.exit(0)
})
