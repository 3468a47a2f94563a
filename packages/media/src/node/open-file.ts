import { createMediaWriter } from '../create-writer.ts'
import { MediaError } from '../errors.ts'
import { formatOfName } from '../formats.ts'
import { MemorySink } from '../io/byte-sink.ts'
import { openMedia } from '../open.ts'
import type { OpenOptions } from '../open.ts'
import { sniffFormat, SNIFF_SIZE } from '../sniff.ts'
import type { MediaFormat, MediaReader, MediaTrackOptions, MediaWriter } from '../types.ts'
import { FileSink } from './file-sink.ts'
import { FileSource } from './file-source.ts'

/**
 * Opens a file. Its bytes say what it is; the name only where they do not (G.711 and G.722 without a header).
 * @throws MediaError as `openMedia` does; the error of `node:fs` when the file cannot be read
 */
export async function openFile(path: string | URL, options: OpenOptions = {}): Promise<MediaReader> {
  const source = await FileSource.open(path)
  let { format } = options
  if (format === undefined) {
    try {
      format = sniffFormat(await source.read(0, SNIFF_SIZE)) ?? formatOfName(nameOf(path))
    } catch (error) {
      await source.close()
      throw error
    }
  }
  return openMedia(source, { ...options, ...(format !== undefined && { format }) })
}

export interface CreateFileOptions {
  /** Default: what the name's extension stands for. */
  readonly format?: MediaFormat
}

/**
 * Begins a file; one that is there is overwritten.
 * @throws MediaError as `createMediaWriter` does, `ERR_MEDIA_FORMAT` when the name tells no format; the error of `node:fs` when the file cannot be made
 */
export async function createFile(
  path: string | URL,
  tracks: readonly MediaTrackOptions[],
  options: CreateFileOptions = {},
): Promise<MediaWriter> {
  const format = formatFor(path, options.format)
  createMediaWriter(format, tracks, new MemorySink()) // what it throws, it throws before a file is overwritten
  return createMediaWriter(format, tracks, await FileSink.open(path))
}

/** @throws MediaError `ERR_MEDIA_FORMAT` when the name tells none */
export function formatFor(path: string | URL, format: MediaFormat | undefined): MediaFormat {
  const found = format ?? formatOfName(nameOf(path))
  if (found === undefined) throw new MediaError('ERR_MEDIA_FORMAT', `The name ${nameOf(path)} stands for no format`)
  return found
}

export function nameOf(path: string | URL): string {
  return typeof path === 'string' ? path : decodeURIComponent(path.pathname)
}
