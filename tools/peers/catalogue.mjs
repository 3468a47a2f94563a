import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'

/**
 * The real programs that the peer tests talk to. A test file names its peer by how its name begins:
 * `chromium.*.peer.test.ts` needs Chromium; a file that begins with no peer's name needs none. One that needs a second program
 * ends with its name: `chromium.*.ffmpeg.peer.test.ts`.
 *
 * @typedef {{ name: string, why: string, apt: string, find: () => string | undefined }} Peer
 */

/** @param {string} command */
function onPath(command) {
  const probe = spawnSync(process.platform === 'win32' ? 'where' : 'which', [command], { encoding: 'utf8' })
  return probe.status === 0 ? probe.stdout.split(/\r?\n/)[0] : undefined
}

/** The Python that has aiortc: the distribution's, since that is where its packages go. */
function aiortcPython() {
  const python = process.env.KAON_AIORTC_PYTHON ?? '/usr/bin/python3'
  return spawnSync(python, ['-c', 'import aiortc'], { stdio: 'ignore' }).status === 0 ? python : undefined
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
    name: 'firefox',
    why: 'the other browser, with an ICE, DTLS and SCTP of its own',
    apt: 'firefox-esr',
    find: () =>
      process.env.KAON_FIREFOX ??
      ['/usr/bin/firefox-esr', '/usr/bin/firefox', '/Applications/Firefox.app/Contents/MacOS/firefox'].find((path) =>
        existsSync(path),
      ),
  },
  {
    name: 'aiortc',
    why: 'WebRTC in Python, written without the code of the browsers',
    apt: 'python3-aiortc',
    find: () => aiortcPython(),
  },
  {
    name: 'openssl',
    why: 's_client and s_server are the other end of the DTLS tests',
    apt: 'openssl',
    find: () => onPath('openssl'),
  },
  {
    name: 'usrsctp',
    why: 'the SCTP that Firefox and older Chromium use; a small peer in C is compiled against it',
    apt: 'libusrsctp-dev gcc libc6-dev',
    find: () => (existsSync('/usr/include/usrsctp.h') ? onPath('cc') : undefined),
  },
  {
    name: 'coturn',
    why: 'the TURN server that most people run, and its client',
    apt: 'coturn',
    find: () => (onPath('turnutils_uclient') === undefined ? undefined : onPath('turnserver')),
  },
  {
    name: 'ffmpeg',
    why: 'decodes the files that are written here, and makes those that are read',
    apt: 'ffmpeg',
    find: () => (onPath('ffprobe') === undefined ? undefined : onPath('ffmpeg')),
  },
  {
    name: 'nftables',
    why: 'makes the NATs of network namespaces with which the virtual network is compared (Linux, root)',
    apt: 'nftables iproute2',
    find: () =>
      process.platform === 'linux' && process.getuid?.() === 0 && onPath('ip') !== undefined
        ? onPath('nft')
        : undefined,
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
  const packages = missing.flatMap((peer) => peer.apt.split(' '))
  for (const peer of missing) console.log(`installing ${peer.apt} with apt-get: ${peer.why}`)
  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  spawnSync('apt-get', ['update', '-q'], { stdio: 'ignore', env })
  spawnSync('apt-get', ['install', '-y', '-q', '--no-install-recommends', ...packages], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env,
  })
}
