import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, type Chromium } from '../../../tools/peers/chromium.ts'

const folder = new URL('../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8')) as {
  exports: { '.': { browser: string } }
}

describe('the browser export condition', () => {
  let chromium: Chromium
  beforeAll(async () => {
    chromium = await launchChromium()
  })
  afterAll(() => chromium?.close())

  it('hands out Chromium’s own classes, and needs nothing else', async () => {
    const page = await chromium.newPage()
    const source = readFileSync(new URL(manifest.exports['.'].browser, folder), 'utf8')
    // As text: the page, not the test runner, has to see this import.
    const names = await page.evaluate<string[]>(`(async () => {
      const url = URL.createObjectURL(new Blob([${JSON.stringify(source)}], { type: 'text/javascript' }))
      const module = await import(url)
      return Object.keys(module).filter((name) => module[name] !== window[name] || (name === 'RTCPeerConnection' && !window[name]))
    })()`)
    expect(names).toEqual([])
    await page.close()
  })
})
