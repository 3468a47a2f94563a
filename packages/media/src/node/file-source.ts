import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import { MediaError } from '../errors.ts'
import type { ByteSource } from '../io/byte-source.ts'

/** A file on disk. */
export class FileSource implements ByteSource {
  /** As it was when the file was opened. */
  readonly size: number
  readonly #handle: FileHandle
  #closed = false

  private constructor(handle: FileHandle, size: number) {
    this.#handle = handle
    this.size = size
  }

  /** Rejects with the error of `node:fs` when there is no such file. */
  static async open(path: string | URL): Promise<FileSource> {
    const handle = await open(path, 'r')
    try {
      return new FileSource(handle, (await handle.stat()).size)
    } catch (error) {
      await handle.close()
      throw error
    }
  }

  async read(position: number, length: number): Promise<Uint8Array> {
    if (this.#closed) throw new MediaError('ERR_MEDIA_STATE', 'The file is closed')
    const bytes = new Uint8Array(Math.max(0, Math.min(length, this.size - position)))
    let filled = 0
    while (filled < bytes.length) {
      const { bytesRead } = await this.#handle.read(bytes, filled, bytes.length - filled, position + filled)
      if (bytesRead === 0) break
      filled += bytesRead
    }
    return bytes.subarray(0, filled)
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#handle.close()
  }
}
