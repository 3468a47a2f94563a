// One connection of Kaon's ICE and a page's RTCPeerConnection, and the signalling between them.
import { createNetwork } from '@kaon/net'
import type { Page } from 'playwright-core'
import type { Chromium } from '../../../../tools/peers/chromium.ts'
import { IceConnection, type IceConnectionOptions } from '../../src/driver/index.ts'
import { formatCandidate, type IceParameters, parseCandidate } from '../../src/index.ts'

type Description = { type: 'offer' | 'answer'; sdp: string }

/** What `install` leaves in the page. */
interface InPage {
  kaon: {
    pc: RTCPeerConnection
    candidates: string[]
    states: string[]
    offer(options?: RTCOfferOptions): Promise<Description>
    answer(offer: Description): Promise<Description>
    accept(answer: Description): Promise<void>
    add(candidate: string): Promise<void>
  }
}

const MACHINE_ONLY = '0'.repeat(64).match(/../g)!.join(':')

function describeKaon(type: Description['type'], parameters: IceParameters): Description {
  const sdp = [
    'v=0',
    'o=- 1 1 IN IP4 127.0.0.1',
    's=-',
    't=0 0',
    ...(parameters.iceLite === true ? ['a=ice-lite'] : []),
    'a=group:BUNDLE 0',
    'm=application 9 UDP/DTLS/SCTP webrtc-datachannel',
    'c=IN IP4 0.0.0.0',
    `a=ice-ufrag:${parameters.usernameFragment}`,
    `a=ice-pwd:${parameters.password}`,
    'a=ice-options:trickle renomination',
    `a=ice-pacing:${parameters.pacing}`,
    `a=fingerprint:sha-256 ${MACHINE_ONLY}`,
    `a=setup:${type === 'offer' ? 'actpass' : 'passive'}`,
    'a=mid:0',
    'a=sctp-port:5000',
    '',
  ].join('\r\n')
  return { type, sdp }
}

function parametersOf({ sdp }: Description): IceParameters {
  const value = (name: string): string => new RegExp(`a=${name}:(\\S+)`).exec(sdp)![1]!
  return { usernameFragment: value('ice-ufrag'), password: value('ice-pwd') }
}

async function install(
  page: Page,
  configuration: RTCConfiguration,
  onCandidate: (candidate: string) => void,
): Promise<void> {
  await page.exposeFunction('tell', onCandidate)
  await page.evaluate((config) => {
    const pc = new RTCPeerConnection(config)
    const here = window as unknown as InPage & { tell(candidate: string): void }
    const states: string[] = []
    pc.oniceconnectionstatechange = () => states.push(pc.iceConnectionState)
    pc.onicecandidate = ({ candidate }) => here.tell(candidate?.candidate ?? '')
    here.kaon = {
      pc,
      candidates: [],
      states,
      async offer(options) {
        if (pc.localDescription === null) pc.createDataChannel('x')
        await pc.setLocalDescription(await pc.createOffer(options))
        return pc.localDescription!.toJSON() as { type: 'offer'; sdp: string }
      },
      async answer(offer) {
        await pc.setRemoteDescription(offer)
        await pc.setLocalDescription()
        return pc.localDescription!.toJSON() as { type: 'answer'; sdp: string }
      },
      accept: (answer) => pc.setRemoteDescription(answer),
      add: (candidate) => pc.addIceCandidate({ candidate, sdpMid: '0' }),
    }
  }, configuration)
}

export class Session {
  readonly ice: IceConnection
  readonly page: Page
  readonly states: string[] = []
  readonly firstBytes: number[] = []

  constructor(page: Page, options: Partial<IceConnectionOptions>) {
    this.page = page
    this.ice = new IceConnection({ network: createNetwork(), ...options })
    this.ice.onStateChange = (state) => this.states.push(state)
    this.ice.onDatagram = (datagram) => this.firstBytes.push(datagram[0]!)
    this.ice.onCandidate = (candidate) => {
      const text = candidate === undefined ? '' : formatCandidate(candidate)
      void this.page.evaluate((line) => (window as unknown as InPage).kaon.add(line), text).catch(() => undefined)
    }
  }

  static async open(
    chromium: Chromium,
    options: Partial<IceConnectionOptions>,
    configuration: RTCConfiguration = {},
  ): Promise<Session> {
    const session = new Session(await chromium.newPage(), options)
    await install(session.page, configuration, (line) => {
      const candidate = line === '' ? undefined : parseCandidate(line)
      if (line === '' || candidate !== undefined) session.ice.addRemoteCandidate(candidate)
    })
    return session
  }

  async kaonOffers(): Promise<void> {
    const offer = describeKaon('offer', this.ice.localParameters)
    const answer = await this.page.evaluate((it) => (window as unknown as InPage).kaon.answer(it), offer)
    this.ice.setRemoteParameters(parametersOf(answer))
    this.ice.gather()
  }

  async chromiumOffers(options?: RTCOfferOptions): Promise<void> {
    const offer = await this.page.evaluate((it) => (window as unknown as InPage).kaon.offer(it), options)
    this.ice.setRemoteParameters(parametersOf(offer))
    const answer = describeKaon('answer', this.ice.localParameters)
    await this.page.evaluate((it) => (window as unknown as InPage).kaon.accept(it), answer)
    this.ice.gather()
  }

  async until(condition: () => boolean | Promise<boolean>, ms = 20_000): Promise<void> {
    for (const end = Date.now() + ms; !(await condition());) {
      if (Date.now() > end) {
        const theirs = this.page.isClosed() ? 'gone' : await this.chromiumState()
        throw new Error(`still ${this.ice.state} and ${theirs} after ${ms} ms`)
      }
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }

  /** The types and protocols of the pair that Chromium has selected, its own candidate first. */
  chromiumPair(): Promise<string> {
    return this.page.evaluate(async () => {
      const report = await (window as unknown as InPage).kaon.pc.getStats()
      const all = [...(report as unknown as Map<string, Record<string, string>>).values()]
      const transport = all.find(({ type }) => type === 'transport')!
      const pair = report.get(transport.selectedCandidatePairId!) as Record<string, string>
      const describe = (id: string): string => {
        const { candidateType, protocol } = report.get(id) as Record<string, string>
        return `${candidateType}/${protocol}`
      }
      return `${describe(pair.localCandidateId!)} ${describe(pair.remoteCandidateId!)}`
    })
  }

  chromiumState(): Promise<string> {
    return this.page.evaluate(() => (window as unknown as InPage).kaon.pc.iceConnectionState)
  }

  async connected(): Promise<void> {
    await this.until(() => this.ice.state === 'connected' || this.ice.state === 'completed')
    await this.until(async () => /connected|completed/.test(await this.chromiumState()))
    await this.until(() => this.ice.stats().pairs.some((pair) => pair.nominated && pair.selected))
  }

  async close(): Promise<void> {
    this.ice.close()
    await this.page.close()
  }
}
