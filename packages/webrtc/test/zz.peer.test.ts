import { it } from 'vitest'
import { launchChromium } from '../../../tools/peers/chromium.ts'
import { ChromiumPair, once } from './support/chromium-pair.ts'
import { Association } from '@kaon/sctp'
it('x', async () => {
  let assoc: any
  const orig = Association.prototype.pollTransmit
  Association.prototype.pollTransmit = function (now) {
    assoc = this
    return orig.call(this, now)
  }
  const chromium = await launchChromium({ mdns: false })
  const page = await chromium.newPage()
  const pair = await ChromiumPair.create(page, { offerer: 'kaon', trickle: true })
  const ch = pair.createChannel('main')
  await pair.negotiate()
  await pair.channel('main')
  const total = 30_000_000
  const t = performance.now()
  const col = pair.page.collected('main', total)
  const timer = setInterval(() => {
    const s = assoc.stats
    console.log(
      Math.round(performance.now() - t),
      JSON.stringify({
        sent: s.messageBytesSent,
        rtx: s.retransmittedChunks,
        fr: s.fastRetransmits,
        to: s.retransmissionTimeouts,
        tlp: s.tailLossProbes,
        spur: s.spuriousRetransmits,
        sacks: s.sacksReceived,
        cwnd: assoc.congestionWindow,
        srtt: assoc.smoothedRoundTripTime,
        rwnd: assoc.peerReceiveWindow,
        buf: ch.bufferedAmount,
        cpu: (process.cpuUsage().user / 1000) | 0,
      }),
    )
  }, 500)
  const data = new Uint8Array(total)
  ch.bufferedAmountLowThreshold = 1 << 20
  for (let o = 0; o < total; o += 65536) {
    if (ch.bufferedAmount > 4 << 20) await once(ch, 'bufferedamountlow')
    ch.send(data.slice(o, o + 65536))
  }
  await col
  clearInterval(timer)
  console.log('total', performance.now() - t)
  await pair.close()
  await chromium.close()
})
