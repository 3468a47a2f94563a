// Takes away a netlab when the process that made it has ended, however it ended: run by `guardNetlab`, it waits for its
// standard input to close.
import { spawn, spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { namespacesOf, removeNetlab } from './netlab.mjs'

const file = fileURLToPath(import.meta.url)

/**
 * Sees to it that nothing is left of a netlab, not even after SIGKILL: neither its namespaces nor the programs that run in them.
 *
 * @param {string} name as given to `createNetlab`
 * @param {string} folder what its programs have written goes with it
 */
export function guardNetlab(name, folder) {
  // In a process group of its own, or Ctrl-C would end it before its work begins.
  const guard = spawn(process.execPath, [file, name, folder], { detached: true, stdio: ['pipe', 'ignore', 'ignore'] })
  guard.unref()
  const input = /** @type {import('node:net').Socket} */ (guard.stdin)
  input.unref()
}

if (process.argv[1] === file) {
  const [name, folder] = /** @type {[string, string]} */ (process.argv.slice(2))
  process.stdin.on('end', () => {
    for (const namespace of namespacesOf(name)) {
      const { stdout } = spawnSync('ip', ['netns', 'pids', namespace], { encoding: 'utf8' })
      for (const pid of stdout.split('\n').filter(Boolean)) {
        try {
          process.kill(Number(pid), 'SIGKILL')
        } catch {
          // It has ended by itself.
        }
      }
    }
    removeNetlab(name)
    rmSync(folder, { recursive: true, force: true })
  })
  process.stdin.resume()
}
