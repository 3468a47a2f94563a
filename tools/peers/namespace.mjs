import { spawnSync } from 'node:child_process'

// Real-peer tests run in a network namespace of their own where they can (Linux, root): one veth with an IPv4 and an IPv6
// address and a default route to nowhere. A browser gathers normally there, mDNS stays inside, and no packet leaves the machine.

/** @param {string[]} args */
function ip(args) {
  return spawnSync('ip', args, { stdio: 'ignore' }).status === 0
}

/**
 * Makes the namespace.
 * @param {string} name
 * @returns {{ prefix: string[], remove: () => void } | undefined} what to put before a command, or undefined where namespaces cannot be had
 */
export function createNamespace(name) {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return undefined
  const steps = [
    ['netns', 'add', name],
    ['-n', name, 'link', 'set', 'lo', 'up'],
    ['-n', name, 'link', 'add', 'v0', 'type', 'veth', 'peer', 'name', 'v1'],
    ['-n', name, 'link', 'set', 'v0', 'up'],
    ['-n', name, 'link', 'set', 'v1', 'up'],
    ['-n', name, 'addr', 'add', '10.99.0.1/24', 'dev', 'v0'],
    ['-n', name, 'addr', 'add', 'fd99::1/64', 'dev', 'v0', 'nodad'],
    ['-n', name, 'route', 'add', 'default', 'via', '10.99.0.2', 'dev', 'v0'],
  ]
  const remove = () => void ip(['netns', 'del', name])
  if (!steps.every(ip)) {
    remove()
    return undefined
  }
  return { prefix: ['ip', 'netns', 'exec', name], remove }
}
