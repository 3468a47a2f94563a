// A forwarder of one stack in a process of its own: one peer sends it a track, it sends that to every other. Driven by `forwarding.mjs`
// through messages; all descriptions have their candidates in them.
/** @type {Record<string, () => Promise<{ answer(offer: string, isSource: boolean): Promise<string> }>>} */
const stacks = {
  async kaon() {
    const { RTCPeerConnection } = await import('@kaon/webrtc')
    /** @type {import('@kaon/webrtc').MediaStreamTrack} */
    let track
    return {
      async answer(offer, isSource) {
        const connection = new RTCPeerConnection({ ice: { includeLoopback: true } })
        if (isSource) connection.ontrack = (event) => (track = event.track)
        else connection.addTrack(track)
        await connection.setRemoteDescription({ type: 'offer', sdp: offer })
        await connection.setLocalDescription()
        while (connection.iceGatheringState !== 'complete') await new Promise((resolve) => setTimeout(resolve, 5))
        return /** @type {string} */ (connection.localDescription?.sdp)
      },
    }
  },
  async werift() {
    const werift = /** @type {any} */ (await import(/** @type {string} */ ('werift')))
    /** @type {any[]} */
    const senders = []
    return {
      async answer(offer, isSource) {
        const connection = new werift.RTCPeerConnection({
          iceUseIpv6: false,
          iceAdditionalHostAddresses: ['127.0.0.1'],
          codecs: {
            video: [
              new werift.RTCRtpCodecParameters({
                mimeType: 'video/VP8',
                clockRate: 90000,
                rtcpFeedback: [{ type: 'nack' }, { type: 'nack', parameter: 'pli' }],
              }),
            ],
          },
        })
        if (isSource) {
          connection.onTrack.subscribe((/** @type {any} */ track) =>
            track.onReceiveRtp.subscribe((/** @type {any} */ rtp) => {
              for (const sender of senders) sender.writeRtp(rtp.clone())
            }),
          )
        } else {
          const track = new werift.MediaStreamTrack({ kind: 'video' })
          connection.addTrack(track)
          senders.push(track)
        }
        await connection.setRemoteDescription({ type: 'offer', sdp: offer })
        await connection.setLocalDescription(await connection.createAnswer())
        return connection.localDescription.sdp
      },
    }
  },
}

const hub = await stacks[process.argv[2]]()
/** @type {NodeJS.CpuUsage} */
let started
process.on('message', async (/** @type {any} */ message) => {
  switch (message.type) {
    case 'offer':
      process.send?.({ type: 'answer', sdp: await hub.answer(message.sdp, message.isSource) })
      break
    case 'start':
      started = process.cpuUsage()
      process.send?.({ type: 'started' })
      break
    case 'stop': {
      const { user, system } = process.cpuUsage(started)
      process.send?.({ type: 'stopped', cpu: (user + system) / 1e6 })
      break
    }
    default:
      process.exit(0)
  }
})
process.send?.({ type: 'ready' })
