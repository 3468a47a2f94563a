// Writes the kernels of this folder as base64 into src/wasm/: `node wasm/build.mjs`. A test compares the result with what is checked in.
import { writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import * as chacha20Poly1305 from './chacha20-poly1305.mjs'
import * as ctr from './ctr.mjs'
import * as gcm from './gcm.mjs'
import * as sha1 from './sha1.mjs'

const KERNELS = { 'chacha20-poly1305': chacha20Poly1305.bytes, ctr: ctr.bytes, gcm: gcm.bytes, sha1: sha1.bytes }

/** The generated module of a kernel, by its path from the package's folder. */
export function generate() {
  const files = new Map()
  for (const [name, bytes] of Object.entries(KERNELS)) {
    const base64 = Buffer.from(bytes).toString('base64')
    const lines = base64.match(/.{1,110}/g).map((line) => `  '${line}'`)
    files.set(
      `src/wasm/${name}.bytes.ts`,
      `// Made from wasm/${name}.mjs by wasm/build.mjs. Do not edit.\n\n` +
        `/** A WebAssembly module of ${bytes.length} bytes, in base64. */\n` +
        `export const MODULE: string =\n${lines.join(' +\n')}\n`,
    )
  }
  return files
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [path, text] of generate()) writeFileSync(new URL(`../${path}`, import.meta.url), text)
}
