import { execFileSync, spawn, type ChildProcess } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { launchChromium, type Chromium } from '../../../tools/peers/chromium.ts'

const main = fileURLToPath(new URL('../dist/main.js', import.meta.url))
const patience = { timeout: 20_000 }

/** What ffmpeg decodes: the frames of each codec. Throws when it complains. */
function decode(path: string): Map<string, number> {
  const complaints = execFileSync('ffmpeg', ['-v', 'error', '-i', path, '-enc_time_base', '-1', '-f', 'null', '-'], {
    encoding: 'utf8',
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  expect(complaints).toBe('')
  const args = [
    '-v',
    'error',
    '-count_frames',
    '-show_entries',
    'stream=codec_name,nb_read_frames',
    '-of',
    'json',
    path,
  ]
  const { streams } = JSON.parse(execFileSync('ffprobe', args, { encoding: 'utf8' })) as {
    streams: { codec_name: string; nb_read_frames: string }[]
  }
  return new Map(streams.map(({ codec_name, nb_read_frames }) => [codec_name, Number(nb_read_frames)]))
}

/** The colour at a place of a video, each of its coordinates from 0 to 1. */
function pixel(page: Page, id: string, x: number, y: number): Promise<number[]> {
  return page.evaluate(
    ([id, x, y]) => {
      const video = document.getElementById(id) as HTMLVideoElement
      const canvas = new OffscreenCanvas(video.videoWidth || 1, video.videoHeight || 1)
      const context = canvas.getContext('2d')!
      context.drawImage(video, 0, 0)
      const data = context.getImageData(Math.floor(x * canvas.width), Math.floor(y * canvas.height), 1, 1).data
      return [...data].slice(0, 3)
    },
    [id, x, y] as const,
  )
}

/** Frames that a video element has shown. */
function shown(page: Page, id: string): Promise<number> {
  return page.evaluate(
    (id) => (document.getElementById(id) as HTMLVideoElement).getVideoPlaybackQuality().totalVideoFrames,
    id,
  )
}

async function expectMoving(page: Page, id: string): Promise<void> {
  const before = await shown(page, id)
  await expect.poll(() => shown(page, id), patience).toBeGreaterThan(before + 10)
}

/** The rows of a table of streams, each a list of its cells. */
function flows(page: Page, side: 'browser' | 'node'): Promise<string[][]> {
  return page.$$eval(`#flows-${side} tr`, (rows) =>
    rows.map((row) => [...row.children].map((cell) => cell.textContent)),
  )
}

describe('the media of the page', () => {
  const folder = mkdtempSync(join(tmpdir(), 'kaon-demo-'))
  let server: ChildProcess
  let address: string
  let chromium: Chromium
  let page: Page
  let errors: string[]

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
    chromium = await launchChromium({ loopback: true, args: ['--autoplay-policy=no-user-gesture-required'] })
  })

  afterAll(async () => {
    await chromium?.close()
    server?.kill()
    rmSync(folder, { recursive: true, force: true })
  })

  beforeEach(async () => {
    page = await chromium.context.newPage()
    errors = []
    page.on('pageerror', (error) => errors.push(String(error)))
  })

  afterEach(async () => {
    await page.close()
  })

  async function connect(offerer = 'browser'): Promise<void> {
    await page.goto(address)
    await page.check(`input[value=${offerer}]`, { force: true })
    await page.click('#connect')
    await page.waitForSelector('#camera:not([disabled])')
  }

  async function downloadRecording(): Promise<string> {
    await page.waitForSelector('#recording:not([hidden])', patience)
    const [download] = await Promise.all([page.waitForEvent('download'), page.click('#recording')])
    const path = join(folder, download.suggestedFilename())
    await download.saveAs(path)
    return path
  }

  it.each(['browser', 'node'])(
    'echoes the camera, plays a file, records and draws charts when the %s offered; data flows beside it',
    async (offerer) => {
      await connect(offerer)
      await page.click('#camera')
      await page.waitForSelector('#returned-note:has-text("what you send, ")', patience)
      await expectMoving(page, 'returned')
      // The fake camera's ground is green.
      await expect
        .poll(async () => {
          const [red, green, blue] = await pixel(page, 'returned', 0.05, 0.95)
          return green! - Math.max(red!, blue!)
        }, patience)
        .toBeGreaterThan(60)

      await page.click('#record')
      await page.waitForSelector('#record:has-text("Stop recording")')
      await page.click('#play')
      await page.waitForSelector('#returned-note:has-text("a file, 480×270")', patience)
      await expectMoving(page, 'returned')
      await page.click('#download') // five seconds of data beside the media
      await page.waitForSelector('#transfer:has-text("Node → browser: ")', patience)
      await expectMoving(page, 'returned')
      await page.click('#record')
      const path = await downloadRecording()
      expect(path).toMatch(/\.webm$/)
      const decoded = decode(path)
      expect([...decoded.keys()].toSorted()).toEqual(['opus', 'vp8'])
      expect(decoded.get('vp8')).toBeGreaterThan(20)
      expect(decoded.get('opus')).toBeGreaterThan(100)

      // Both ends have measured, and name both pictures.
      for (const meter of await page.$$eval('#meters .meter', (meters) =>
        meters.map((meter) => [...meter.querySelectorAll('output')].map((output) => output.textContent)),
      )) {
        expect(meter).toHaveLength(2)
        for (const value of meter) expect(value).toMatch(/^\d+(\.\d+)?$/)
      }
      const received = (await flows(page, 'browser')).filter(([way, codec]) => way === 'receives' && codec === 'VP8')
      expect(received.map((cells) => cells[2])).toContain('480×270')
      for (const cells of received) expect(Number(cells[3])).toBeGreaterThan(10)
      const nodes = await flows(page, 'node')
      expect(nodes.filter(([way, codec]) => way === 'receives' && codec === 'VP8')).toHaveLength(1)
      expect(nodes.filter(([way, codec]) => way === 'sends' && codec === 'VP8')).toHaveLength(2)

      // What was the file's is taken away again; the echo is there as before.
      await page.click('#play')
      await page.waitForSelector('#returned-note:has-text("what you send, ")', patience)
      await expectMoving(page, 'returned')
      await page.click('#camera')
      await page.waitForSelector('#returned-note:has-text("nothing yet")')
      await page.click('#play')
      await page.waitForSelector('#returned-note:has-text("a file, 480×270")', patience)
      await expectMoving(page, 'returned')
      expect(errors).toEqual([])
    },
  )

  it('changes the codec while it sends, and records H.264 as MP4', async () => {
    await connect()
    await page.click('#drawn')
    for (const codec of ['VP9', 'H264', 'AV1', 'VP8', 'H264']) {
      await page.selectOption('#codec', codec)
      await expect
        .poll(
          async () => (await flows(page, 'node')).filter(([way]) => way === 'receives').map((cells) => cells[1]),
          patience,
        )
        .toContain(codec)
      await expectMoving(page, 'returned')
    }
    await page.click('#record')
    await page.waitForTimeout(2500)
    await page.click('#record')
    const path = await downloadRecording()
    expect(path).toMatch(/\.mp4$/)
    expect(decode(path).get('h264')).toBeGreaterThan(10)
    // An offer of Node, which has an order of codecs of its own, leaves the choice as it is.
    await page.click('#play')
    await page.waitForSelector('#returned-note:has-text("a file, 480×270")', patience)
    await page.click('#play')
    await page.waitForSelector('#returned-note:has-text("what you send, ")', patience)
    await expectMoving(page, 'returned')
    expect((await flows(page, 'browser')).map((cells) => cells[1])).toEqual(['H264', 'opus', 'H264', 'opus'])
    // From the drawn picture to the camera and back, without negotiation.
    await page.click('#camera')
    await page.waitForSelector('#preview-note:has-text("the camera")')
    await expect
      .poll(async () => {
        const [red, green, blue] = await pixel(page, 'returned', 0.05, 0.95)
        return green! - Math.max(red!, blue!)
      }, patience)
      .toBeGreaterThan(60)
    expect(errors).toEqual([])
  })

  it('says what is wrong with the camera, and does without', async () => {
    await page.addInitScript(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))
    })
    await connect()
    await page.click('#camera')
    await page.waitForSelector(
      '#media-note:has-text("The browser may not use the camera. “Drawn picture” works without one.")',
    )
    await page.click('#drawn')
    await page.waitForSelector('#returned-note:has-text("what you send, ")', patience)
    await expectMoving(page, 'returned')
    expect((await pixel(page, 'returned', 0.02, 0.02)).every((value) => value < 60)).toBe(true)
    await page.click('#connect')
    await page.waitForSelector('#returned-note:has-text("nothing yet")')
    expect(errors).toEqual([])
  })

  it('both sides negotiate at once, again and again', async () => {
    await connect()
    // Nothing is waited for: the offers of both sides cross, the page's gives way and comes again.
    const clickAll = (...ids: string[]): Promise<void> =>
      page.evaluate((ids) => ids.forEach((id) => document.getElementById(id)!.click()), ids)
    for (let round = 0; round < 3; round++) {
      await clickAll('play', 'restart', 'drawn')
      await page.waitForSelector('#returned-note:has-text("a file, 480×270")', patience)
      await page.waitForSelector('#preview-note:has-text("a drawn picture")', patience)
      await expectMoving(page, 'returned')
      await page.waitForSelector('#play:has-text("Stop the file")')
      await clickAll('play', 'drawn')
      await page.waitForSelector('#returned-note:has-text("nothing yet")', patience)
      await expect.poll(() => page.textContent('#flows-node'), patience).toBe('none yet')
    }
    await page.click('#drawn')
    await page.waitForSelector('#returned-note:has-text("what you send, ")', patience)
    await expectMoving(page, 'returned')
    expect(errors).toEqual([])
  })
})
