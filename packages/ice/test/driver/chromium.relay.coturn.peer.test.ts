// Chromium and Kaon by way of coturn: each with its own allocation, or one of them.
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../../../../tools/peers/chromium.ts'
import { type Coturn, startCoturn } from '../../../turn/test/coturn.ts'
import { Session } from './chromium-session.ts'

const address = Object.values(networkInterfaces())
  .flat()
  .find((one) => one!.family === 'IPv4' && !one!.internal)!.address
const account = { username: 'alice', credential: 'secret' }
let chromium: Chromium
let coturn: Coturn
beforeAll(async () => {
  chromium = await launchChromium({ mdns: false })
  coturn = await startCoturn(['--lt-cred-mech', '--user', 'alice:secret', '-L', address, '-E', address])
})
afterAll(async () => {
  await chromium?.close()
  await coturn?.kill()
})

describe('through coturn', () => {
  test.each([
    ['relay', 'relay'],
    ['relay', 'all'],
    ['all', 'relay'],
  ] as const)('Kaon %s, Chromium %s', async (kaon, theirs) => {
    for (const transport of ['udp', 'tcp'] as const) {
      const iceServers = [{ urls: `turn:${address}:${coturn.port}?transport=${transport}`, ...account }]
      const session = await Session.open(
        chromium,
        { role: 'controlling', iceServers, iceTransportPolicy: kaon },
        { iceServers, iceTransportPolicy: theirs },
      )
      await session.kaonOffers()
      await session.connected()
      await session.until(() => session.firstBytes.includes(22))
      const { local } = session.ice.selectedPair!
      if (kaon === 'relay') expect(local).toMatchObject({ type: 'relay', relayProtocol: transport })
      if (theirs === 'relay') expect(await session.chromiumPair()).toMatch(/^relay/)
      await session.close()
    }
  })
})
