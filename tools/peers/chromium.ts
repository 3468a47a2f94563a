import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { peers } from './catalogue.mjs'

export interface ChromiumOptions {
  /** Hide host addresses behind mDNS names, Chromium's default; false shows them. */
  mdns?: boolean
  /** More switches for the command line. */
  args?: string[]
  /** Gather 127.0.0.1 too, which takes media permission; that also turns mDNS off. */
  loopback?: boolean
}

export interface Chromium {
  /** A new page of `http://127.0.0.1:…`, blank, a secure context. */
  newPage(): Promise<Page>
  readonly context: BrowserContext
  readonly origin: string
  close(): Promise<void>
}

/** Starts headless Chromium with a profile of its own and a server for a blank page. Throws when Chromium is not installed. */
export async function launchChromium(options: ChromiumOptions = {}): Promise<Chromium> {
  const executablePath = peers.find((peer) => peer.name === 'chromium')?.find()
  if (executablePath === undefined) throw new Error('Chromium is not installed; set KAON_CHROMIUM to its path')
  const profile = mkdtempSync(join(tmpdir(), 'kaon-chromium-'))
  const args = [
    '--no-sandbox',
    '--disable-gpu',
    '--disable-quic',
    '--no-first-run',
    '--disable-background-networking',
    '--disable-component-update',
    '--disable-sync',
  ]
  // One --disable-features switch only: Chromium obeys the last. Timers of hidden pages must not be slowed down either.
  args.push('--disable-background-timer-throttling', '--disable-renderer-backgrounding')
  const disabled = ['Translate']
  if (options.mdns === false) disabled.push('WebRtcHideLocalIpsWithMdns')
  args.push(`--disable-features=${disabled.join(',')}`)
  if (options.loopback)
    args.push(
      '--allow-loopback-in-peer-connection',
      '--use-fake-ui-for-media-stream',
      '--use-fake-device-for-media-stream',
    )
  const context = await chromium.launchPersistentContext(profile, {
    executablePath,
    headless: true,
    args: [...args, ...(options.args ?? [])],
  })
  const server: Server = createServer((_request, response) => {
    response.setHeader('content-type', 'text/html')
    response.end('<!doctype html><meta charset="utf-8"><title>Kaon</title>')
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  if (options.loopback) await context.grantPermissions(['camera', 'microphone'], { origin })
  return {
    context,
    origin,
    newPage: async () => {
      const page = await context.newPage()
      page.on('pageerror', (error) => console.error('page error:', error))
      await page.goto(origin)
      return page
    },
    close: async () => {
      await context.close()
      server.close()
      rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
    },
  }
}
