// Who may call whom (docs/architecture.md). One row a package: the packages that its core may import, and those that
// only its driver and its command may import on top of them.
export const floors = {
  crypto: { core: [], driver: [] },
  net: { core: [], driver: [] },
  stun: { core: ['crypto'], driver: ['net'] },
  turn: { core: ['crypto', 'stun'], driver: ['net'] },
  ice: { core: ['crypto', 'stun', 'turn'], driver: ['net'] },
  dtls: { core: ['crypto'], driver: ['net'] },
  srtp: { core: ['crypto'], driver: [] },
  sctp: { core: [], driver: [] },
  datachannel: { core: ['sctp'], driver: [] },
  rtp: { core: [], driver: [] },
  sdp: { core: [], driver: [] },
  media: { core: ['net', 'rtp'], driver: [] },
  webrtc: {
    core: ['crypto', 'net', 'stun', 'turn', 'ice', 'dtls', 'srtp', 'sctp', 'datachannel', 'rtp', 'sdp'],
    driver: [],
  },
}

const clocksAndTimers = [
  'setTimeout',
  'setInterval',
  'setImmediate',
  'clearTimeout',
  'clearInterval',
  'clearImmediate',
  'performance',
  'requestAnimationFrame',
]
const ambient = [...clocksAndTimers, 'process', 'Buffer', 'console', 'require', '__dirname']

/** @param {string[]} allowed @param {boolean} allowDrivers @param {boolean} allowNodeBuiltins */
function restrictedImports(allowed, allowDrivers, allowNodeBuiltins) {
  const denied = Object.keys(floors).filter((name) => !allowed.includes(name))
  const patterns = [
    {
      regex: `^@kaon/(${denied.join('|')})(/|$)`,
      message: 'This floor may not call that package: see tools/lint/boundaries.mjs.',
    },
    { regex: '^@kaon/[a-z]+/(src|dist|test)(/|$)', message: 'Import a package through its entry points only.' },
    {
      regex: '^(\\.\\./){2,}[a-z]+/(src|dist|test|packages)/',
      message: 'Import a package through its entry points only.',
    },
    { regex: '^(\\.\\./)+packages/', message: 'Import a package through its entry points only.' },
  ]
  if (!allowDrivers)
    patterns.push({ regex: '^@kaon/[a-z]+/driver(/|$)', message: 'A core calls cores, never a driver.' })
  if (!allowNodeBuiltins) {
    patterns.push({ regex: '^node:', message: 'Platform code lives in src/node and src/bin.' })
    patterns.push({
      regex: '^(fs|net|dgram|dns|crypto|os|path|tls|http|https|timers|events|buffer|util|stream)(/promises)?$',
      message: 'Platform code lives in src/node and src/bin.',
    })
  }
  return ['error', { patterns }]
}

/** @param {string[]} files @param {string[]} allowed @param {{ drivers?: boolean, platform?: boolean }} options */
function override(files, allowed, { drivers = false, platform = false }) {
  return {
    files,
    rules: {
      'no-restricted-imports': restrictedImports(allowed, drivers, platform),
      ...(platform
        ? { 'no-restricted-globals': 'off', 'no-restricted-properties': 'off' }
        : {
            'no-restricted-globals': [
              'error',
              ...ambient.map((name) => ({
                name,
                message: 'Cores and drivers get clock, timers and platform from outside.',
              })),
            ],
            'no-restricted-properties': [
              'error',
              { object: 'Math', property: 'random', message: 'Randomness is an option, the platform’s by default.' },
              { object: 'Date', property: 'now', message: 'Time is an argument.' },
              ...clocksAndTimers.map((property) => ({
                object: 'globalThis',
                property,
                message: 'Cores and drivers get clock and timers from outside.',
              })),
            ],
          }),
    },
  }
}

export const boundaryOverrides = Object.entries(floors).flatMap(([name, { core, driver }]) => [
  // The umbrella is the driver of a peer connection: it alone builds on the drivers below.
  override([`packages/${name}/src/**/*.ts`], core, { drivers: name === 'webrtc' }),
  override([`packages/${name}/src/driver/**/*.ts`], [...core, ...driver], { drivers: true }),
  override([`packages/${name}/src/node/**/*.ts`], core, { platform: true }),
  override([`packages/${name}/src/bin/**/*.ts`], [name, ...core, ...driver], { drivers: true, platform: true }),
])
