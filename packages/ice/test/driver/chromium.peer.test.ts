// ICE alone against Chromium: its ICE transport connects before, and whatever becomes of, DTLS.
import { createNetwork } from '@kaon/net'
import type { Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../../../../tools/peers/chromium.ts'
import { formatCandidate, type IceParameters, parseCandidate } from '../../src/index.ts'
import { IceConnection, type IceConnectionOptions } from '../../src/driver/index.ts'

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

async function install(page: Page, onCandidate: (candidate: string) => void): Promise<void> {
  await page.exposeFunction('tell', onCandidate)
  await page.evaluate(() => {
    const pc = new RTCPeerConnection()
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
  })
}

class Session {
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

  static async open(chromium: Chromium, options: Partial<IceConnectionOptions>): Promise<Session> {
    const session = new Session(await chromium.newPage(), options)
    await install(session.page, (line) => {
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

describe.each([
  { name: 'with mDNS candidates', mdns: true },
  { name: 'with plain addresses', mdns: false },
])('Chromium $name', ({ mdns }) => {
  let chromium: Chromium
  beforeAll(async () => {
    chromium = await launchChromium({ mdns })
  })
  afterAll(() => chromium?.close())

  test('Kaon controls', async () => {
    const session = await Session.open(chromium, { role: 'controlling' })
    await session.kaonOffers()
    await session.connected()
    await session.until(() => session.firstBytes.includes(22)) // its ClientHello: the path carries data
    expect(session.ice.role).toBe('controlling')
    await session.close()
  })

  test('Chromium controls', async () => {
    const session = await Session.open(chromium, { role: 'controlled' })
    await session.chromiumOffers()
    await session.connected()
    await session.until(() => session.firstBytes.includes(22))
    expect(session.ice.stats().agent.roleConflicts).toBe(0)
    await session.close()
  })

  test('both believe to control', async () => {
    const session = await Session.open(chromium, { role: 'controlling' })
    await session.chromiumOffers()
    await session.connected()
    await session.close()
  })

  test("Kaon's addresses hidden behind names", async () => {
    const session = await Session.open(chromium, { role: 'controlling', mdns: 'hide' })
    await session.kaonOffers()
    await session.connected()
    await session.close()
  })

  test('Chromium restarts ICE', async () => {
    const session = await Session.open(chromium, { role: 'controlled' })
    await session.chromiumOffers()
    await session.connected()
    const before = session.ice.localParameters.usernameFragment
    await session.chromiumOffers({ iceRestart: true })
    expect(session.ice.localParameters.usernameFragment).not.toBe(before)
    await session.connected()
    expect(session.states).not.toContain('disconnected')
    await session.close()
  })

  test('Kaon restarts ICE', async () => {
    const session = await Session.open(chromium, { role: 'controlling' })
    await session.kaonOffers()
    await session.connected()
    session.ice.restart()
    await session.kaonOffers()
    await session.connected()
    expect(session.states).not.toContain('disconnected')
    await session.close()
  })
})

test('consent with Chromium holds, and a page that has gone is noticed', async () => {
  const chromium = await launchChromium({ mdns: false })
  try {
    const session = await Session.open(chromium, { role: 'controlling' })
    await session.kaonOffers()
    await session.connected()
    await new Promise((resolve) => setTimeout(resolve, 12_000))
    expect(session.ice.stats().agent.consentChecksSent).toBeGreaterThanOrEqual(2)
    expect(session.states).not.toContain('disconnected')
    await session.page.close()
    await session.until(() => session.ice.state === 'disconnected', 15_000)
    session.ice.close()
  } finally {
    await chromium.close()
  }
})
