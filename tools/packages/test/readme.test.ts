import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { packages, root } from '../workspaces.mjs'

// Every package's README shows a program; here it runs, as it stands.

const snippets = join(root, 'tools/packages/.snippets')

function firstSnippet(readme: string): string | undefined {
  return /^```ts\n([\s\S]*?)^```$/m.exec(readme)?.[1]
}

describe('README snippets', () => {
  beforeAll(() => mkdirSync(snippets, { recursive: true }))
  afterAll(() => rmSync(snippets, { recursive: true, force: true }))

  it.each(packages())(
    '$manifest.name: its snippet runs and prints',
    { timeout: 30_000 },
    async ({ folder, directory, manifest }) => {
      expect(existsSync(join(directory, 'README.md'))).toBe(true)
      const snippet = firstSnippet(readFileSync(join(directory, 'README.md'), 'utf8'))
      expect(snippet).toContain(manifest.name)
      const file = join(snippets, `${folder}.ts`)
      writeFileSync(file, snippet!)
      const log = vi.spyOn(console, 'log').mockImplementation(() => {})
      try {
        await import(/* @vite-ignore */ file)
        expect(log).toHaveBeenCalled()
      } finally {
        log.mockRestore()
      }
    },
  )
})
