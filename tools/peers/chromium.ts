import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { chromium, type BrowserContext, type Page } from 'playwright-core'
import { serveBlankPage } from './blank-page.ts'
import { peers } from './catalogue.mjs'

export interface ChromiumOptions {
  /** Hide host addresses behind mDNS names, Chromium's default; false shows them. */
  mdns?: boolean
  /** More switches for the command line. */
  args?: string[]
  /** Gather 127.0.0.1 too, which takes media permission; that also turns mDNS off. */
  loopback?: boolean
  /** What to put before the command, to run it in a network namespace: `['ip', 'netns', 'exec', …]`. */
  prefix?: readonly string[]
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
  const removeProfile = (): void => rmSync(profile, { recursive: true, force: true, maxRetries: 5 })
  const blank = await serveBlankPage()
  const { origin } = blank
  let context: BrowserContext | undefined
  try {
    context = await chromium.launchPersistentContext(profile, {
      executablePath: options.prefix ? prefixed(profile, options.prefix, executablePath) : executablePath,
      headless: true,
      args: [...args, ...(options.args ?? [])],
    })
    // Its loopback is not ours: the page comes by way of the debugger.
    if (options.prefix) await context.route(`${origin}/**`, (route) => route.fulfill({ contentType: 'text/html' }))
    if (options.loopback) await context.grantPermissions(['camera', 'microphone'], { origin })
  } catch (error) {
    await context?.close()
    blank.close()
    removeProfile()
    throw error
  }
  const started = context
  return {
    context: started,
    origin,
    newPage: async () => {
      const page = await started.newPage()
      page.on('pageerror', (error) => console.error('page error:', error))
      await page.goto(origin)
      return page
    },
    close: async () => {
      await started.close()
      blank.close()
      removeProfile()
    },
  }
}

/** A program that starts another one behind a prefix, since Playwright wants the name of a file. */
function prefixed(folder: string, prefix: readonly string[], command: string): string {
  const path = join(folder, 'start.sh')
  const words = [...prefix, command].map((word) => `'${word.replaceAll("'", "'\\''")}'`)
  writeFileSync(path, `#!/bin/sh\nexec ${words.join(' ')} "$@"\n`, { mode: 0o755 })
  return path
}
