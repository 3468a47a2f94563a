const drawEvery = 1000 / 30 // ms

/** What the page sends. */
export interface Source {
  readonly name: 'camera' | 'drawn'
  readonly stream: MediaStream
  stop(): void
}

const reasons: Record<string, string> = {
  NotAllowedError: 'The browser may not use the camera.',
  NotFoundError: 'This computer has no camera.',
  NotReadableError: 'The camera is used by another program.',
  OverconstrainedError: 'The camera does not do what was asked of it.',
}

/** Rejects with an `Error` whose message is for people. */
export async function openCamera(): Promise<Source> {
  // Pages of other machines need https for a camera.
  const { mediaDevices } = navigator as Partial<Navigator>
  if (mediaDevices === undefined) throw new Error('Browsers give cameras only to pages of localhost and https.')
  const video = { width: { ideal: 640 }, height: { ideal: 360 }, frameRate: { ideal: 30 } }
  let stream: MediaStream
  try {
    stream = await mediaDevices.getUserMedia({ video, audio: true }).catch((error: unknown) => {
      // Many computers have a camera and no microphone.
      if ((error as Error).name === 'NotFoundError') return mediaDevices.getUserMedia({ video })
      throw error
    })
  } catch (error) {
    const { name, message } = error as Error
    throw new Error(reasons[name] ?? `The camera does not start: ${message}.`, { cause: error })
  }
  return { name: 'camera', stream, stop: () => stream.getTracks().forEach((track) => track.stop()) }
}

/** A picture drawn here and a quiet chord: needs no device and no permission. */
export function drawPicture(): Source {
  const canvas = document.createElement('canvas')
  canvas.width = 640
  canvas.height = 360
  const context = canvas.getContext('2d', { alpha: false })!
  // Without motion for those who asked for little of it, but for the clock.
  const turns = matchMedia('(prefers-reduced-motion: reduce)').matches ? 0 : 0.35
  const draw = (): void => drawFrame(context, (performance.now() / 1000) * turns)
  draw()
  const timer = setInterval(draw, drawEvery)

  const audio = new AudioContext()
  const chord = audio.createMediaStreamDestination()
  const volume = audio.createGain()
  volume.gain.value = 0.04
  volume.connect(chord)
  for (const frequency of [220, 277.2, 329.6]) {
    const oscillator = audio.createOscillator()
    oscillator.frequency.value = frequency
    oscillator.connect(volume)
    oscillator.start()
  }
  const stream = new MediaStream([...canvas.captureStream(30).getTracks(), ...chord.stream.getTracks()])
  const stop = (): void => {
    clearInterval(timer)
    void audio.close()
    stream.getTracks().forEach((track) => track.stop())
  }
  return { name: 'drawn', stream, stop }
}

/** Two circles in the colours of the page's two ends go round each other above a clock. */
function drawFrame(context: CanvasRenderingContext2D, turn: number): void {
  const { width, height } = context.canvas
  context.fillStyle = '#12161f'
  context.fillRect(0, 0, width, height)
  for (const [color, phase] of [
    ['#4cc2ff', 0],
    ['#ffb454', Math.PI],
  ] as const) {
    const angle = turn * 2 * Math.PI + phase
    context.fillStyle = color
    context.beginPath()
    context.arc(width / 2 + Math.cos(angle) * 150, height / 2 - 24 + Math.sin(angle) * 52, 46, 0, 2 * Math.PI)
    context.fill()
  }
  context.fillStyle = '#eef2f8'
  context.font = '600 34px system-ui, sans-serif'
  context.textAlign = 'center'
  context.fillText(new Date().toLocaleTimeString('en-GB'), width / 2, height - 42)
}
