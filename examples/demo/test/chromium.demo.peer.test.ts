import { spawn, spawnSync, type ChildProcess } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { launchChromium, type Chromium } from '../../../tools/peers/chromium.ts'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const run = (...args: string[]): { status: number | null; stdout: string; stderr: string } =>
  spawnSync(process.execPath, [main, ...args], { encoding: 'utf8', timeout: 60_000 })

describe('npm start on the command line', () => {
  it('--once connects two peers, says how, and exits with 0', () => {
    const { status, stdout } = run('--once', '--megabytes', '2')
    expect(status).toBe(0)
    for (const phase of ['offer/answer', 'ICE', 'DTLS', 'SCTP', 'channel open', 'open after', 'throughput'])
      expect(stdout).toContain(phase)
    expect(stdout).toMatch(/ICE +[\d.]+ ms .*host \S+:\d+ ⇄ host \S+:\d+/)
    expect(stdout).toMatch(/video track +200 frames .*of 200 sent, VP8/)
    expect(stdout).toMatch(/throughput +\d+ Mbit\/s/)
  })

  it('explains itself', () => {
    expect(run('--help')).toMatchObject({ status: 0, stderr: '' })
    const wrong = run('--port', 'eighty')
    expect(wrong.status).toBe(1)
    expect(wrong.stderr).toContain('--port takes a whole number')
    expect(run('--nonsense').status).toBe(1)
  })
})

describe('the page', () => {
  let server: ChildProcess
  let address: string
  let chromium: Chromium

  beforeAll(async () => {
    server = spawn(process.execPath, [main, '--port', '0', '--host', '127.0.0.1', '--megabytes', '1'], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    address = await new Promise((resolve, reject) => {
      let output = ''
      server.stdout!.on('data', (data: Buffer) => {
        output += String(data)
        const found = /at (http:\S+)[\s\S]*Serving/.exec(output)
        if (found !== null) resolve(found[1]!)
      })
      server.once('exit', () => reject(new Error(`the server ended: ${output}`)))
    })
    chromium = await launchChromium()
  })

  afterAll(async () => {
    await chromium?.close()
    server?.kill()
  })

  it.each(['browser', 'node'])('connects when the %s offers, chats, measures and restarts ICE', async (offerer) => {
    const page = await chromium.context.newPage()
    const errors: string[] = []
    page.on('pageerror', (error) => errors.push(String(error)))
    try {
      await page.goto(address)
      await page.check(`input[value=${offerer}]`, { force: true })
      await page.click('#connect')
      await page.waitForSelector('#status[data-state=connected]')
      await page.waitForSelector('#messages li.node:has-text("Hello from Node")')
      await page.fill('#text', 'grüezi')
      await page.press('#text', 'Enter')
      await page.waitForSelector('#messages li.node:has-text("7 bytes: “grüezi”")')

      // Every floor is drawn for both sides, and the pair that carries the data is marked.
      await expect.poll(() => page.locator('.bar').count()).toBe(10)
      await page.waitForSelector('#pairs tr.selected')
      await expect.poll(async () => Number(await page.textContent('#rtt'))).toBeGreaterThan(0)
      await page.waitForSelector('#facts dd:has-text("TLS_ECDHE")')

      for (const way of ['download', 'upload']) {
        await page.click(`#${way}`)
        await page.waitForSelector(`#${way}:not([disabled])`, { timeout: 20_000 })
        await expect
          .poll(() => page.textContent('#transfer'))
          .toMatch(way === 'download' ? /^Node → browser: [\d.]+ MB/ : /^browser → Node: [\d.]+ MB/)
        expect(Number(await page.textContent('#rate'))).toBeGreaterThan(0)
      }

      await page.click('#restart')
      await page.waitForSelector('#log li:has-text("ICE restart")')
      await page.fill('#text', 'after the restart')
      await page.press('#text', 'Enter')
      await page.waitForSelector('#messages li.node:has-text("after the restart")')

      await page.click('#connect')
      await page.waitForSelector('#status[data-state=new]')
      expect(errors).toEqual([])
    } finally {
      await page.close()
    }
  })
})
