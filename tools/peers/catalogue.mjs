import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/**
 * The real programs that the peer tests talk to. A test file names its peer by how its name begins:
 * `chromium.*.peer.test.ts` needs Chromium; a file that begins with no peer's name needs none.
 *
 * @typedef {{ name: string, why: string, apt: string, find: () => string | undefined }} Peer
 */

/** @param {string} command */
function onPath(command) {
  const probe = spawnSync(process.platform === 'win32' ? 'where' : 'which', [command], { encoding: 'utf8' })
  return probe.status === 0 ? probe.stdout.split(/\r?\n/)[0] : undefined
}

/** @type {Peer[]} */
export const peers = [
  {
    name: 'chromium',
    why: 'the browser that Kaon has to please; it runs headless',
    apt: 'chromium',
    find: () =>
      process.env.KAON_CHROMIUM ??
      [
        '/usr/bin/chromium',
        '/usr/bin/chromium-browser',
        '/usr/bin/google-chrome',
        '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
      ].find((path) => existsSync(path)),
  },
  {
    name: 'openssl',
    why: 's_client and s_server are the other end of the DTLS tests',
    apt: 'openssl',
    find: () => onPath('openssl'),
  },
  {
    name: 'ip',
    why: 'makes the network namespace in which the other peers run',
    apt: 'iproute2',
    find: () => (process.platform === 'linux' ? onPath('ip') : 'not needed'),
  },
]

/** Debian and its children, as root: the only place where a missing peer is installed without asking. */
export function canInstall() {
  if (process.platform !== 'linux' || process.getuid?.() !== 0 || onPath('apt-get') === undefined) return false
  return existsSync('/etc/debian_version') || /debian/.test(readFileSync('/etc/os-release', 'utf8'))
}

/** @param {Peer[]} missing */
export function install(missing) {
  const packages = missing.map((peer) => peer.apt)
  for (const peer of missing) console.log(`installing ${peer.apt} with apt-get: ${peer.why}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-q'], { stdio: 'ignore', env })
  spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  })
}
