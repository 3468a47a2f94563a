import { open } from 'node:fs/promises'
import type { FileHandle } from 'node:fs/promises'
import type { ByteSink } from '../io/byte-sink.ts'

/** A file on disk, which is made anew. What is written goes to the system at once: a process that dies leaves what it had. */
export class FileSink implements ByteSink {
  readonly seekable = true
  readonly #handle: FileHandle
  #closed = false

  private constructor(handle: FileHandle) {
    this.#handle = handle
  }

  /** Rejects with the error of `node:fs` when there can be no such file. */
  static async open(path: string | URL): Promise<FileSink> {
    return new FileSink(await open(path, 'w'))
  }

  async write(data: Uint8Array, position: number): Promise<void> {
    let written = 0
    while (written < data.length) {
      const { bytesWritten } = await this.#handle.write(data, written, data.length - written, position + written)
      written += bytesWritten
    }
  }

  async close(): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    await this.#handle.close()
  }
}
