import type { LiveChart } from './charts.js'

const seconds = 5
const highWater = 4 << 20
const drawEvery = 200 // ms

export interface Transfer {
  megabytes: number
  /** Mbit/s, over the whole transfer */
  rate: number
}

/** Asks Node to send for some seconds and counts what arrives here. */
export async function download(
  bulk: RTCDataChannel,
  control: RTCDataChannel,
  chart: LiveChart,
  onRate: (rate: number) => void,
): Promise<Transfer> {
  chart.clear()
  let total = 0
  let since = 0
  const started = performance.now()
  let last = started
  const count = (event: MessageEvent): void => {
    const size = (event.data as ArrayBuffer).byteLength
    total += size
    since += size
  }
  bulk.addEventListener('message', count)
  control.send(JSON.stringify({ type: 'send' }))
  await new Promise<void>((resolve) => {
    const timer = setInterval(() => {
      const now = performance.now()
      const rate = (since * 8) / 1000 / (now - last)
      chart.add((now - started) / 1000, rate)
      onRate(rate)
      since = 0
      last = now
      if (now - started < seconds * 1000 && bulk.readyState === 'open') return
      clearInterval(timer)
      resolve()
    }, drawEvery)
  })
  const elapsed = performance.now() - started
  if (control.readyState === 'open') control.send(JSON.stringify({ type: 'stop' }))
  const result = { megabytes: total / 1e6, rate: (total * 8) / 1000 / elapsed }
  // What was on its way when Node stopped still comes; it belongs to no later test.
  setTimeout(() => bulk.removeEventListener('message', count), 1000)
  return result
}

/** Sends for some seconds; Node counts and reports. */
export async function upload(
  bulk: RTCDataChannel,
  control: RTCDataChannel,
  chart: LiveChart,
  onRate: (rate: number) => void,
): Promise<Transfer> {
  chart.clear()
  let total = 0
  let time = 0
  const report = (event: MessageEvent): void => {
    const { type, bytes, ms } = JSON.parse(event.data as string) as { type: string; bytes: number; ms: number }
    if (type !== 'received') return
    total += bytes
    time += ms
    const rate = (bytes * 8) / 1000 / ms
    chart.add(time / 1000, rate)
    onRate(rate)
  }
  control.addEventListener('message', report)
  control.send(JSON.stringify({ type: 'receive' }))
  const chunk = new Uint8Array(65_536)
  bulk.bufferedAmountLowThreshold = highWater / 4
  const started = performance.now()
  while (performance.now() - started < seconds * 1000 && bulk.readyState === 'open') {
    if (bulk.bufferedAmount > highWater)
      await new Promise((resolve) => bulk.addEventListener('bufferedamountlow', resolve, { once: true }))
    else bulk.send(chunk)
  }
  while (bulk.bufferedAmount > 0 && bulk.readyState === 'open') await new Promise((resolve) => setTimeout(resolve, 20))
  await new Promise((resolve) => setTimeout(resolve, 300))
  control.removeEventListener('message', report)
  return { megabytes: total / 1e6, rate: time === 0 ? 0 : (total * 8) / 1000 / time }
}
