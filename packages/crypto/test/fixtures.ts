import { readFileSync } from 'node:fs'

/** A file of test/fixtures. They were made with the OpenSSL command, version 3.0. */
export function fixture(name: string): string {
  return readFileSync(new URL(`./fixtures/${name}`, import.meta.url), 'utf8')
}
