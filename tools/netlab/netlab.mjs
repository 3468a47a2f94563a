import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { ACCESSES, rulesetFor, UDP_BLOCK } from './ruleset.mjs'

// Two homes and a public network in network namespaces (Linux, root, iproute2, nftables). Nothing is connected to this
// machine's own network.
//
//   public 203.0.113.1, 203.0.113.2 ──┬── 203.0.113.10 router 192.168.1.1 ──┬── host      192.168.1.2
//                                     │                                     └── neighbour 192.168.1.3
//                                     └── 203.0.113.20 router 192.168.2.1 ──┬── …
//
// With `cgnat` there is a carrier in between, 100.64.x.1, which has the public address.

/** @typedef {import('./ruleset.mjs').Access} Access */

/**
 * @typedef {object} Site
 * @property {string} namespace
 * @property {string[]} prefix what to put before a command to run it there
 * @property {string} address
 */

/**
 * @typedef {object} Home
 * @property {Access} access
 * @property {Site} host
 * @property {Site} neighbour another host of the same network
 * @property {string} outside the public address; of `open` the host's own
 * @property {(isBlocked: boolean) => void} blockUdp lets no UDP in or out, whatever the access is
 */

/** @param {string} command @param {string[]} args @param {string} [input] */
function run(command, args, input) {
  const { status, stderr, error } = spawnSync(command, args, { input: input ?? '', encoding: 'utf8' })
  if (status !== 0) throw new Error(`${command} ${args.join(' ')}: ${error?.message ?? stderr.trim()}`)
}

export function canMakeNetlab() {
  return process.platform === 'linux' && process.getuid?.() === 0
}

/**
 * Builds it with one home or two.
 *
 * @param {object} options
 * @param {string} options.name names of the namespaces begin with it
 * @param {Access} options.left
 * @param {Access} [options.right] without it there is one home
 * @param {boolean} [options.hairpin] hosts of one home reach each other by their outside endpoints; only `full-cone`. Default false
 * @returns {{ public: Site, addresses: [string, string], left: Home, right: Home | undefined, remove: () => void }}
 *   `addresses` are those of `public`
 */
export function createNetlab({ name, left, right, hairpin = false }) {
  const { homes, ...rest } = createTown({ name, homes: right === undefined ? [left] : [left, right], hairpin })
  return { ...rest, left: /** @type {Home} */ (homes[0]), right: homes[1] }
}

/**
 * Builds it with as many homes as are wanted, 24 at most: the n-th has 203.0.113.(10 n) and 192.168.n.0/24.
 *
 * @param {object} options
 * @param {string} options.name names of the namespaces begin with it
 * @param {readonly Access[]} options.homes
 * @param {boolean} [options.hairpin] as above
 * @returns {{ public: Site, addresses: [string, string], homes: Home[], remove: () => void }}
 */
export function createTown({ name, homes, hairpin = false }) {
  if (homes.length > 24) throw new Error(`no room for ${homes.length} homes`)
  for (const access of homes) {
    if (!ACCESSES.includes(access)) throw new Error(`no such access: ${access}; there are ${ACCESSES.join(', ')}`)
    if (hairpin && access !== 'full-cone') throw new Error(`${access} does not hairpin here`)
  }
  const lab = new Namespaces(name)
  try {
    const everywhere = lab.add('public')
    everywhere.ip('link', 'add', 'br0', 'type', 'bridge')
    everywhere.ip('link', 'set', 'br0', 'up')
    for (const last of [1, 2]) everywhere.ip('addr', 'add', `203.0.113.${last}/24`, 'dev', 'br0')
    return {
      public: everywhere.site('203.0.113.1'),
      addresses: ['203.0.113.1', '203.0.113.2'],
      homes: homes.map((access, i) => buildHome(lab, everywhere, access, i + 1, hairpin)),
      remove: () => lab.remove(),
    }
  } catch (error) {
    lab.remove()
    throw error
  }
}

/** @param {string} name @returns {string[]} the namespaces that a `createNetlab` of that name has left */
export function namespacesOf(name) {
  const { stdout } = spawnSync('ip', ['netns', 'list'], { encoding: 'utf8' })
  return stdout
    .split('\n')
    .map((line) => line.split(' ')[0] ?? '')
    .filter((one) => one.startsWith(`${name}-`))
}

/** @param {string} name takes away what a `createNetlab` of that name has left */
export function removeNetlab(name) {
  for (const namespace of namespacesOf(name)) spawnSync('ip', ['netns', 'del', namespace])
}

/**
 * @param {Namespaces} lab
 * @param {Namespace} everywhere
 * @param {Access} access
 * @param {number} index
 * @param {boolean} hairpin
 * @returns {Home}
 */
function buildHome(lab, everywhere, access, index, hairpin) {
  const side = `home${index}`
  const outside = `203.0.113.${index * 10}`
  const router = lab.add(`${side}-router`)
  addLan(router, `192.168.${index}.1`)
  const host = addHost(lab, router, `${side}-host`, index, 2)
  const neighbour = addHost(lab, router, `${side}-neighbour`, index, 3)
  if (access === 'cgnat') {
    const carrier = lab.add(`${side}-carrier`)
    addLan(carrier, `100.64.${index}.1`)
    joinUpwards(router, carrier, 'lan', `100.64.${index}.2`, `100.64.${index}.1`)
    joinUpwards(carrier, everywhere, 'br0', outside, undefined)
    carrier.nft(rulesetFor('port-restricted', { wan: outside, hairpin: false }))
    router.nft(rulesetFor('port-restricted', { wan: `100.64.${index}.2`, hairpin: false }))
  } else {
    joinUpwards(router, everywhere, 'br0', outside, undefined)
    if (access === 'open') everywhere.ip('route', 'add', `192.168.${index}.0/24`, 'via', outside)
    else router.nft(rulesetFor(access, { wan: outside, hairpin }))
  }
  return {
    access,
    host,
    neighbour,
    outside: access === 'open' ? host.address : outside,
    blockUdp: (isBlocked) => router.nft(isBlocked ? UDP_BLOCK : 'delete table ip block'),
  }
}

/** @param {Namespace} router @param {string} address */
function addLan(router, address) {
  router.sysctl('net.ipv4.ip_forward=1')
  router.ip('link', 'add', 'lan', 'type', 'bridge')
  router.ip('link', 'set', 'lan', 'up')
  router.ip('addr', 'add', `${address}/24`, 'dev', 'lan')
  router.sysctl('net.ipv4.conf.lan.send_redirects=0')
  // Where the kernel can filter on bridges it does so by default, and hosts of one network would meet the rules of the router.
  if (existsSync('/proc/sys/net/bridge')) router.sysctl('net.bridge.bridge-nf-call-iptables=0')
}

/** @param {Namespace} lower @param {Namespace} upper @param {string} bridge @param {string} address @param {string | undefined} gateway */
function joinUpwards(lower, upper, bridge, address, gateway) {
  const port = `p${upper.ports++}`
  lower.ip('link', 'add', 'wan', 'type', 'veth', 'peer', 'name', port, 'netns', upper.name)
  upper.ip('link', 'set', port, 'master', bridge, 'up')
  lower.ip('addr', 'add', `${address}/24`, 'dev', 'wan')
  lower.ip('link', 'set', 'wan', 'up')
  lower.ip('route', 'add', 'default', 'via', gateway ?? '203.0.113.1')
  if (bridge === 'br0') upper.sysctl('net.ipv4.ip_forward=1') // between homes whose addresses are routed
}

/** @param {Namespaces} lab @param {Namespace} router @param {string} name @param {number} network @param {number} last */
function addHost(lab, router, name, network, last) {
  const host = lab.add(name)
  const address = `192.168.${network}.${last}`
  const port = `p${router.ports++}`
  host.ip('link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', port, 'netns', router.name)
  router.ip('link', 'set', port, 'master', 'lan', 'up')
  host.ip('addr', 'add', `${address}/24`, 'dev', 'eth0')
  host.ip('link', 'set', 'eth0', 'up')
  host.ip('route', 'add', 'default', 'via', `192.168.${network}.1`)
  return host.site(address)
}

class Namespace {
  /** How many bridge ports were made here. */
  ports = 0

  /** @param {string} name */
  constructor(name) {
    this.name = name
    run('ip', ['netns', 'add', name])
    this.ip('link', 'set', 'lo', 'up')
  }

  /** @param {string[]} args */
  ip(...args) {
    run('ip', ['-n', this.name, ...args])
  }

  /** @param {string} setting */
  sysctl(setting) {
    run('ip', ['netns', 'exec', this.name, 'sysctl', '-qw', setting])
  }

  /** @param {string} ruleset */
  nft(ruleset) {
    run('ip', ['netns', 'exec', this.name, 'nft', '-f', '-'], `${ruleset}\n`)
  }

  /** @param {string} address @returns {Site} */
  site(address) {
    return { namespace: this.name, prefix: ['ip', 'netns', 'exec', this.name], address }
  }
}

class Namespaces {
  /** @type {Namespace[]} */
  #all = []
  #prefix

  /** @param {string} prefix */
  constructor(prefix) {
    this.#prefix = prefix
  }

  /** @param {string} name */
  add(name) {
    const namespace = new Namespace(`${this.#prefix}-${name}`)
    this.#all.push(namespace)
    return namespace
  }

  remove() {
    for (const { name } of this.#all.splice(0)) spawnSync('ip', ['netns', 'del', name])
  }
}
