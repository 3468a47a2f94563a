// Makes kaon.webm: node clip/make.mjs. Draws in Chromium, encodes with ffmpeg; everything moves in whole turns, so that the end meets the beginning.
import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { chromium } from 'playwright-core'
import { peers } from '../../../tools/peers/catalogue.mjs'

const seconds = 8
const rate = 25
const [width, height] = [480, 270]
const kilobits = { video: 92, audio: 20 }

/** Runs in the page. @param {number} t 0 to 1 @param {number} width @param {number} height @param {number} seconds */
function draw(t, width, height, seconds) {
  const canvas = document.querySelector('canvas') ?? document.body.appendChild(document.createElement('canvas'))
  canvas.width = width
  canvas.height = height
  const c = canvas.getContext('2d', { alpha: false })
  const turn = 2 * Math.PI
  const [blue, orange, paper, night] = ['#4cc2ff', '#ffb454', '#eef2f8', '#12161f']
  c.fillStyle = night
  c.fillRect(0, 0, width, height)
  const ends = [
    { x: 84, color: blue, name: 'browser' },
    { x: width - 84, color: orange, name: 'Node' },
  ]
  const y = 112
  // Waves that leave both ends.
  for (const [side, { x, color }] of ends.entries()) {
    c.strokeStyle = color
    for (let wave = 0; wave < 3; wave++) {
      const age = (t * 4 + wave / 3 + side / 6) % 1
      c.globalAlpha = 0.55 * (1 - age) ** 2
      c.lineWidth = 2
      c.beginPath()
      c.arc(x, y, 26 + age * 46, 0, turn)
      c.stroke()
    }
    c.globalAlpha = 1
    c.fillStyle = color
    c.beginPath()
    c.arc(x, y, 24 + 1.5 * Math.sin(t * 4 * turn + side * Math.PI), 0, turn)
    c.fill()
    c.fillStyle = paper
    c.font = '15px "DejaVu Sans", sans-serif'
    c.textAlign = 'center'
    c.fillText(ends[side].name, x, y + 62)
  }
  // Packets on two arcs, one for each direction.
  const span = ends[1].x - ends[0].x - 64
  for (let packet = 0; packet < 7; packet++) {
    for (const way of [0, 1]) {
      const along = (t * 3 + packet / 7) % 1
      const x = way === 0 ? ends[0].x + 32 + along * span : ends[1].x - 32 - along * span
      c.fillStyle = ends[way].color
      c.globalAlpha = Math.min(1, Math.sin(along * Math.PI) * 2.5)
      c.beginPath()
      c.arc(x, y + (way === 0 ? -1 : 1) * Math.sin(along * Math.PI) * 56, 4, 0, turn)
      c.fill()
    }
  }
  c.globalAlpha = 1
  // The K of the logo.
  c.save()
  c.translate(width / 2 - 32, y - 32)
  c.strokeStyle = paper
  c.lineWidth = 6
  c.lineCap = 'round'
  c.stroke(new Path2D('M18 12v40M18 34 44 12M27 27l19 25'))
  c.restore()
  c.fillStyle = paper
  c.font = '16px "DejaVu Sans", sans-serif'
  c.fillText('a file, played by Node', width / 2, 216)
  c.fillStyle = '#2b3342'
  c.fillRect(96, 238, width - 192, 4)
  c.fillStyle = paper
  c.fillRect(96, 238, (width - 192) * t, 4)
  for (let tick = 0; tick <= seconds; tick++) c.fillRect(96 + ((width - 192) * tick) / seconds - 1, 246, 2, 4)
  return canvas.toDataURL('image/png').slice('data:image/png;base64,'.length)
}

const chord = [220, 277.25, 329.625]
  .map((hertz, index) => `0.09*sin(2*PI*${hertz}*t)*(0.6+0.4*sin(2*PI*t/${2 ** (index + 1)}+${2 * index}))`)
  .join('+')
const output = fileURLToPath(new URL('kaon.webm', import.meta.url))
// Key frames each second: nobody makes one on request.
const options =
  `-v error -y -f image2pipe -framerate ${rate} -i - -f lavfi -i aevalsrc=${chord}:s=48000:d=${seconds} -pix_fmt yuv420p ` +
  `-c:v libvpx -deadline best -b:v ${kilobits.video}k -g ${rate} -auto-alt-ref 0 -c:a libopus -b:a ${kilobits.audio}k -ac 1`
const ffmpeg = spawn('ffmpeg', [...options.split(' '), output], { stdio: ['pipe', 'inherit', 'inherit'] })
const executablePath = peers.find(({ name }) => name === 'chromium')?.find()
const browser = await chromium.launch({ executablePath, args: ['--no-sandbox'] })
const page = await browser.newPage()
for (let frame = 0; frame < seconds * rate; frame++) {
  const png = await page.evaluate(`(${draw})(${frame / (seconds * rate)}, ${width}, ${height}, ${seconds})`)
  ffmpeg.stdin.write(Buffer.from(/** @type {string} */ (png), 'base64'))
}
ffmpeg.stdin.end()
await browser.close()
