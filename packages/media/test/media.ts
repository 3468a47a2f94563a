import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { createMediaWriter, MemorySink, openMedia } from '@kaon/media'
import type { EncodedFrame, MediaFormat, MediaReader, OpenOptions } from '@kaon/media'

export function fixture(name: string): Uint8Array {
  return new Uint8Array(readFileSync(fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))))
}

export interface ReadTrack {
  mimeType: string
  frames: EncodedFrame[]
}

export async function collect(reader: MediaReader): Promise<ReadTrack[]> {
  const tracks = reader.tracks.map(({ mimeType }) => ({ mimeType, frames: [] as EncodedFrame[] }))
  for await (const { track, frame } of reader.frames()) tracks[track.id - 1]!.frames.push(frame)
  await reader.close()
  return tracks
}

export async function readAll(bytes: Uint8Array, options?: OpenOptions): Promise<ReadTrack[]> {
  return collect(await openMedia(bytes, options))
}

/** A file of these tracks, frames by time. */
export async function writeAll(
  format: MediaFormat,
  tracks: readonly ReadTrack[],
  options: { seekable?: boolean; channels?: number } = {},
): Promise<Uint8Array> {
  const sink = new MemorySink(options)
  const { channels } = options
  const writer = createMediaWriter(
    format,
    tracks.map(({ mimeType }) => ({ mimeType, ...(channels !== undefined && { channels }) })),
    sink,
  )
  const queues = tracks.map(({ frames }) => [...frames])
  for (;;) {
    let next = -1
    queues.forEach((queue, index) => {
      if (queue.length > 0 && (next < 0 || queue[0]!.timestamp < queues[next]![0]!.timestamp)) next = index
    })
    if (next < 0) break
    await writer.write(writer.tracks[next]!, queues[next]!.shift()!)
  }
  await writer.finish()
  return sink.bytes.slice()
}

/** What has to survive every container. */
export function essence(tracks: readonly ReadTrack[]): unknown {
  return tracks.map(({ mimeType, frames }) => ({
    mimeType,
    frames: frames.map(({ payload, keyFrame }) => `${keyFrame ? 'key ' : ''}${payload.length} ${digest(payload)}`),
  }))
}

function digest(bytes: Uint8Array): string {
  return createHash('sha256').update(bytes).digest('hex').slice(0, 16)
}
