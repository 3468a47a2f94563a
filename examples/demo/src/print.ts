import { styleText } from 'node:util'
import type { PeerToPeerResult } from './peer-to-peer.ts'

const bar = '▏▎▍▌▋▊▉█'

/** A bar of the given width in columns, in eighths of a column. */
function drawBar(start: number, end: number, scale: number): string {
  const from = Math.floor(start * scale)
  const eighths = Math.max(1, Math.round((end * scale - from) * 8))
  return ' '.repeat(from) + '█'.repeat(Math.floor(eighths / 8)) + (eighths % 8 === 0 ? '' : bar[(eighths % 8) - 1])
}

const titles = { signaling: 'offer/answer', ice: 'ICE', dtls: 'DTLS', sctp: 'SCTP', channel: 'channel open' }

/** The report of `npm start`: each phase with its milliseconds, and the throughput. */
export function describePeerToPeer(result: PeerToPeerResult): string {
  const scale = 30 / Math.max(result.total, 1)
  const details = {
    signaling: `offer ${result.offerBytes} bytes, answer ${result.answerBytes} bytes`,
    ice: result.pair,
    dtls: result.cipher,
    sctp: '',
    channel: '',
  }
  const lines = result.marks.map(({ phase, start, end }) => {
    const took = `${(end - start).toFixed(1)} ms`
    return `  ${titles[phase].padEnd(14)}${took.padStart(9)}  ${styleText('cyan', drawBar(start, end, scale).padEnd(31))} ${styleText('dim', details[phase])}`
  })
  const { media } = result
  const codec = media.mimeType.split('/')[1] ?? '?'
  const rate = (result.bytes * 8) / 1000 / result.elapsed
  return [
    styleText('bold', 'Two Kaon peers in this process, over UDP sockets'),
    ...lines,
    `  ${'open after'.padEnd(14)}${`${result.total.toFixed(1)} ms`.padStart(9)}`,
    `  ${'throughput'.padEnd(14)}${`${rate.toFixed(0)} Mbit/s`.padStart(9)}  ${styleText('dim', `${result.bytes / 1e6} MB in ${(result.elapsed / 1000).toFixed(2)} s, 64 KB messages, one thread doing both ends`)}`,
    `  ${'video track'.padEnd(14)}${`${media.framesReceived} frames`.padStart(9)}  ${styleText('dim', `of ${media.framesSent} sent, ${codec}, a file played in ${(media.elapsed / 1000).toFixed(2)} s`)}`,
  ].join('\n')
}
