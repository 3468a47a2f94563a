// Shared ports, TCP, ICE-lite, 1:1 mappings and renomination against Chromium.
import { createNetwork } from '@kaon/net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../../../../tools/peers/chromium.ts'
import type { Candidate } from '../../src/index.ts'
import { SharedPorts } from '../../src/driver/index.ts'
import { Session } from './chromium-session.ts'

let chromium: Chromium
beforeAll(async () => {
  chromium = await launchChromium({ mdns: false })
})
afterAll(() => chromium?.close())

const onlyTcp = ({ protocol }: Candidate): boolean => protocol === 'tcp'

describe('Chromium', () => {
  for (const which of ['Kaon', 'Chromium'] as const) {
    test(`connects to a passive TCP candidate when there is nothing else, ${which} offers`, async () => {
      const session = await Session.open(chromium, {
        role: which === 'Kaon' ? 'controlling' : 'controlled',
        tcp: ['passive'],
        candidateFilter: onlyTcp,
      })
      await (which === 'Kaon' ? session.kaonOffers() : session.chromiumOffers())
      await session.connected()
      await session.until(() => session.firstBytes.includes(22))
      expect(session.ice.selectedPair).toMatchObject({
        local: { protocol: 'tcp', tcpType: 'passive' },
        remote: { protocol: 'tcp', type: 'prflx', tcpType: 'active' },
      })
      expect(await session.chromiumPair()).toMatch(/tcp host\/tcp$/)
      await session.close()
    })

    test(`and an ICE-lite agent, ${which} offers`, async () => {
      const session = await Session.open(chromium, { lite: true })
      await (which === 'Kaon' ? session.kaonOffers() : session.chromiumOffers())
      await session.connected()
      await session.until(() => session.firstBytes.includes(22))
      const { agent, pairs } = session.ice.stats()
      expect(agent.checksSent + agent.consentChecksSent).toBe(0)
      expect(pairs.find(({ selected }) => selected)!.nominated).toBe(true)
      if (which === 'Kaon') {
        // It is asked nothing any more, which is how it knows.
        await session.page.close()
        await session.until(() => session.ice.state === 'disconnected', 25_000)
        session.ice.close()
      } else await session.close()
    })
  }

  test('five pages at one UDP and TCP port', async () => {
    const sharedPorts = await SharedPorts.open({ network: createNetwork(), tcp: true })
    const sessions: Session[] = []
    for (let i = 0; i < 5; i++) {
      const isTcp = i % 2 === 1
      const options = { sharedPorts, tcp: ['passive'] as const, ...(isTcp && { candidateFilter: onlyTcp }) }
      const session = await Session.open(chromium, { role: 'controlled', ...options })
      sessions.push(session)
      await session.chromiumOffers()
    }
    for (const [i, session] of sessions.entries()) {
      await session.connected()
      await session.until(() => session.firstBytes.includes(22))
      const { local } = session.ice.selectedPair!
      expect(local.port).toBe(i % 2 === 1 ? sharedPorts.tcpPort : sharedPorts.port)
      expect(local.protocol).toBe(i % 2 === 1 ? 'tcp' : 'udp')
    }
    for (const session of sessions) await session.close()
    expect(sharedPorts.stats).toMatchObject({ shares: 0, entries: 0 })
    sharedPorts.close()
  })
})
