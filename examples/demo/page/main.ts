import { LiveChart } from './charts.js'
import { MediaPanel } from './media-panel.js'
import { Negotiation } from './negotiation.js'
import { Signaling, type NodeEvent, type Stats } from './signaling.js'
import { addCandidate, describeTransport, showPairs } from './tables.js'
import { download, upload, type Transfer } from './throughput.js'
import { Waterfall, type Side } from './waterfall.js'

function byId<T extends HTMLElement = HTMLElement>(id: string): T {
  return document.getElementById(id) as T
}

const status = byId('status')
const connectButton = byId<HTMLButtonElement>('connect')
const restartButton = byId<HTMLButtonElement>('restart')
const chatForm = byId<HTMLFormElement>('chat')
const chatText = byId<HTMLInputElement>('text')
const transferNote = byId('transfer')
const waterfall = new Waterfall(byId('waterfall'))
const rttChart = new LiveChart(byId('rtt-chart'), 'ms', ['--browser'], 30)
const rateChart = new LiveChart(byId('rate-chart'), 'Mbit/s', ['--node'], 6)
const media = new MediaPanel((text) => log('browser', text))
const loaded = performance.now()

let connection: RTCPeerConnection | undefined
let signaling: Signaling | undefined
let negotiation: Negotiation | undefined
let began = 0
const channels = new Map<string, RTCDataChannel>()

/** Node's times on the page's axis: both clocks are this machine's. @param epoch ms since the Unix epoch */
function sinceBegan(epoch: number): number {
  return Math.max(0, epoch - performance.timeOrigin - began)
}

function log(side: Side, text: string, at = performance.now() - began): void {
  const item = document.createElement('li')
  const time = document.createElement('time')
  time.textContent = at < 10_000 ? `${at.toFixed(1)} ms` : `${(at / 1000).toFixed(2)} s`
  const who = document.createElement('span')
  who.className = `side-${side}`
  who.textContent = side === 'node' ? 'Node' : 'browser'
  const what = document.createElement('span')
  what.textContent = text
  item.append(time, who, what)
  const list = byId('log')
  list.append(item)
  list.scrollTop = list.scrollHeight
}

function say(side: Side, text: string): void {
  const item = document.createElement('li')
  item.className = side
  item.textContent = text
  const list = byId('messages')
  list.append(item)
  list.scrollTop = list.scrollHeight
}

function showState(state: string): void {
  status.dataset.state = state
  status.textContent = state === 'new' ? 'not connected' : state
}

/** Notes when each floor came up on the browser's side; a floor begins when the one below it is up. */
function watchPhases(pc: RTCPeerConnection): (phase: string) => void {
  const ends = new Map<string, number>()
  const order = ['signaling', 'ice', 'dtls', 'sctp', 'channel']
  const mark = (phase: string): void => {
    if (ends.has(phase)) return
    const end = performance.now() - began
    const before = order.slice(0, order.indexOf(phase)).findLast((earlier) => ends.has(earlier))
    ends.set(phase, end)
    waterfall.mark('browser', phase, before === undefined ? 0 : Math.min(end, ends.get(before)!), end)
    log('browser', `${phase} up`)
  }
  let watched = false
  const check = (): void => {
    if (pc.signalingState === 'stable' && pc.remoteDescription !== null) mark('signaling')
    if (['connected', 'completed'].includes(pc.iceConnectionState)) mark('ice')
    const { sctp } = pc
    if (sctp === null) return
    if (!watched) {
      watched = true
      sctp.addEventListener('statechange', check)
      sctp.transport.addEventListener('statechange', check)
    }
    if (sctp.transport.state === 'connected') mark('dtls')
    if (sctp.state === 'connected') mark('sctp')
  }
  for (const event of ['signalingstatechange', 'iceconnectionstatechange', 'connectionstatechange'])
    pc.addEventListener(event, check)
  return mark
}

function adopt(channel: RTCDataChannel, mark: (phase: string) => void): void {
  channel.binaryType = 'arraybuffer'
  channels.set(channel.label, channel)
  const ready = (): void => {
    if (channel.label === 'chat') {
      for (const phase of ['sctp', 'channel']) mark(phase)
      for (const element of chatForm.elements) (element as HTMLInputElement).disabled = false
    }
    if (channel.label === 'ping') ping(channel)
    if (channels.get('bulk')?.readyState === 'open' && channels.get('control')?.readyState === 'open')
      enableTransfers(true)
  }
  if (channel.readyState === 'open') ready()
  else channel.addEventListener('open', ready)
  channel.addEventListener('close', () => log('browser', `channel “${channel.label}” closed`))
  if (channel.label === 'chat') channel.addEventListener('message', (event) => say('node', String(event.data)))
}

function ping(channel: RTCDataChannel): void {
  const timer = setInterval(() => {
    if (channel.readyState !== 'open') return clearInterval(timer)
    channel.send(new Float64Array([performance.now()]))
  }, 200)
  channel.addEventListener('message', (event) => {
    const now = performance.now()
    const rtt = now - new Float64Array(event.data as ArrayBuffer)[0]!
    byId('rtt').textContent = rtt.toFixed(1)
    rttChart.add((now - loaded) / 1000, rtt)
  })
}

function enableTransfers(on: boolean): void {
  byId<HTMLButtonElement>('download').disabled = !on
  byId<HTMLButtonElement>('upload').disabled = !on
}

function onNodeEvent(event: NodeEvent): void {
  switch (event.type) {
    case 'description':
      log('node', event.description.type)
      negotiation!.receive(event.description).catch(report)
      return
    case 'candidate':
      if (event.candidate !== null) addCandidate(byId('candidates'), 'node', new RTCIceCandidate(event.candidate))
      log('node', event.candidate?.candidate ?? 'end of candidates')
      negotiation!.addCandidate(event.candidate).catch((error: unknown) => log('browser', String(error)))
      return
    case 'mark':
      waterfall.mark('node', event.phase, sinceBegan(event.start), sinceBegan(event.end))
      log('node', `${event.phase} up`, sinceBegan(event.end))
      return
    case 'state':
      log('node', `${event.name}: ${event.value}`, sinceBegan(event.at))
      return
    case 'media':
      media.showNode(event)
      return
    case 'stats':
      media.measure('node', event.entries, (performance.now() - loaded) / 1000)
  }
}

async function refresh(): Promise<void> {
  const pc = connection
  if (pc === undefined) return
  const report = await pc.getStats()
  if (pc !== connection) return // closed meanwhile
  media.measure('browser', [...report.values()] as Stats[], (performance.now() - loaded) / 1000)
  const count = showPairs(byId('pairs'), report)
  byId('pair-count').textContent = count === 0 ? '' : `${count} pair${count === 1 ? '' : 's'}`
  const facts: [string, string][] = [...describeTransport(report)]
  if (waterfall.total !== undefined) facts.unshift(['Open after', `${waterfall.total.toFixed(1)} ms`])
  if (pc.sctp !== null) facts.push(['Largest message', `${pc.sctp.maxMessageSize} bytes`])
  byId('facts').replaceChildren(
    ...facts.map(([term, value]) => {
      const group = document.createElement('div')
      const dt = document.createElement('dt')
      dt.textContent = term
      const dd = document.createElement('dd')
      dd.textContent = value
      group.append(dt, dd)
      return group
    }),
  )
}

/** Node is there, and has said its first description. */
function begin(pc: RTCPeerConnection, reply: Awaited<ReturnType<typeof Signaling.open>>): RTCSessionDescriptionInit {
  signaling = reply.signaling
  negotiation = new Negotiation(pc, signaling, report)
  signaling.listen(onNodeEvent)
  return reply.description
}

async function connect(): Promise<void> {
  for (const id of ['candidates', 'pairs', 'messages', 'log', 'facts']) byId(id).replaceChildren()
  waterfall.clear()
  channels.clear()
  began = performance.now()
  const pc = new RTCPeerConnection()
  connection = pc
  const mark = watchPhases(pc)
  const waiting: (RTCIceCandidate | null)[] = []
  const flush = (): void => {
    for (const candidate of waiting.splice(0))
      signaling!.candidate(candidate).catch((error: unknown) => log('browser', String(error)))
  }
  pc.onicecandidate = ({ candidate }) => {
    if (candidate?.candidate) addCandidate(byId('candidates'), 'browser', candidate)
    log('browser', candidate?.candidate || 'end of candidates')
    waiting.push(candidate)
    if (signaling !== undefined && pc.remoteDescription !== null) flush()
  }
  pc.onicecandidateerror = ({ errorText }) => log('browser', `candidate error: ${errorText}`)
  pc.oniceconnectionstatechange = () => log('browser', `iceConnectionState: ${pc.iceConnectionState}`)
  pc.onconnectionstatechange = () => {
    showState(pc.connectionState)
    log('browser', `connectionState: ${pc.connectionState}`)
    restartButton.disabled = pc.connectionState === 'closed'
  }
  pc.ondatachannel = ({ channel }) => adopt(channel, mark)
  showState('connecting')

  const offerer = document.querySelector<HTMLInputElement>('input[name=offerer]:checked')!.value
  if (offerer === 'browser') {
    adopt(pc.createDataChannel('chat'), mark)
    adopt(pc.createDataChannel('ping', { ordered: false, maxRetransmits: 0 }), mark)
    adopt(pc.createDataChannel('bulk'), mark)
    adopt(pc.createDataChannel('control'), mark)
    await pc.setLocalDescription()
    const description = begin(pc, await Signaling.open(pc.localDescription!))
    await pc.setRemoteDescription(description)
  } else {
    const description = begin(pc, await Signaling.open())
    await pc.setRemoteDescription(description)
    await pc.setLocalDescription()
    await signaling!.describe(pc.localDescription!)
  }
  media.attach(pc, signaling!, negotiation!)
  flush()
}

function disconnect(): void {
  connection?.close()
  connection = undefined
  media.detach()
  signaling?.close()
  signaling = undefined
  negotiation = undefined
  showState('new')
  enableTransfers(false)
  restartButton.disabled = true
  for (const element of chatForm.elements) (element as HTMLInputElement).disabled = true
}

function restart(): void {
  log('browser', 'ICE restart asked for')
  connection!.restartIce() // `negotiationneeded` follows
}

function report(error: unknown): void {
  log('browser', String(error))
  showState('failed')
}

connectButton.addEventListener('click', () => {
  if (connection === undefined) {
    connectButton.textContent = 'Disconnect'
    connect().catch(report)
  } else {
    connectButton.textContent = 'Connect'
    disconnect()
  }
})
restartButton.addEventListener('click', restart)
chatForm.addEventListener('submit', (event) => {
  event.preventDefault()
  const text = chatText.value
  if (text === '' || channels.get('chat')?.readyState !== 'open') return
  channels.get('chat')!.send(text)
  say('browser', text)
  chatText.value = ''
})

async function runTransfer(run: typeof download, name: string): Promise<void> {
  enableTransfers(false)
  const onRate = (rate: number): void => void (byId('rate').textContent = rate.toFixed(0))
  const result: Transfer = await run(channels.get('bulk')!, channels.get('control')!, rateChart, onRate)
  byId('rate').textContent = result.rate.toFixed(0)
  transferNote.textContent = `${name}: ${result.megabytes.toFixed(1)} MB, ${result.rate.toFixed(0)} Mbit/s over all`
  enableTransfers(connection !== undefined)
}
byId('download').addEventListener('click', () => runTransfer(download, 'Node → browser').catch(report))
byId('upload').addEventListener('click', () => runTransfer(upload, 'browser → Node').catch(report))
window.addEventListener('pagehide', disconnect)
setInterval(() => refresh().catch(report), 500)
