// ICE alone against Chromium: its ICE transport connects before, and whatever becomes of, DTLS.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Chromium, launchChromium } from '../../../../tools/peers/chromium.ts'
import { Session } from './chromium-session.ts'

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
