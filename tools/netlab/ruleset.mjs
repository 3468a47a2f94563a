// What nftables makes of a router for each kind of access. The names are those of `addTopology` of the virtual network.

/**
 * `symmetric` has no kernel counterpart with ports that are counted up: Linux draws them at random or keeps them.
 *
 * @typedef {'open' | 'full-cone' | 'address-restricted' | 'port-restricted' | 'symmetric-random' | 'cgnat' | 'udp-blocked' | 'tcp-443-only'} Access
 */

/** @type {readonly Access[]} */
export const ACCESSES = [
  'open',
  'full-cone',
  'address-restricted',
  'port-restricted',
  'symmetric-random',
  'cgnat',
  'udp-blocked',
  'tcp-443-only',
]

/**
 * The ruleset of a router between `lan` and `wan`.
 *
 * Linux translates by connection: a mapping is as endpoint-independent as the port stays the same for every destination,
 * which masquerading sees to as long as no other host wants that port. What comes from elsewhere belongs to no connection
 * and is not let in: port-restricted. The wider cones need to know what lies behind an external port; the last chain notes
 * that, when the source has been translated.
 *
 * @param {Exclude<Access, 'open'>} access
 * @param {{ wan: string, hairpin: boolean }} options the router's outer address; hairpinning only for `full-cone`
 */
export function rulesetFor(access, { wan, hairpin }) {
  const isOpen = access === 'full-cone'
  const isByAddress = access === 'address-restricted'
  const isUdpBlocked = access === 'udp-blocked' || access === 'tcp-443-only'
  /** @param {(protocol: 'udp' | 'tcp') => string | false} rule */
  const both = (rule) => /** @type {const} */ (['udp', 'tcp']).map((protocol) => rule(protocol))
  const lines = [
    'table ip netlab {',
    ...both(
      (p) => `map ${p}_inside { type inet_service : ipv4_addr . inet_service; flags dynamic,timeout; timeout 120s; }`,
    ),
    ...both((p) => `set ${p}_remotes { type inet_service . ipv4_addr; flags dynamic,timeout; timeout 120s; }`),
    'chain pre {',
    'type nat hook prerouting priority dstnat;',
    ...both((p) => isOpen && `iifname "wan" meta l4proto ${p} dnat ip to ${p} dport map @${p}_inside`),
    ...both(
      (p) => isByAddress && `iifname "wan" ${p} dport . ip saddr @${p}_remotes dnat ip to ${p} dport map @${p}_inside`,
    ),
    ...both((p) => hairpin && `iifname "lan" ip daddr ${wan} meta l4proto ${p} dnat ip to ${p} dport map @${p}_inside`),
    '}',
    // A packet that nobody asked for must not leave a trace either: as a connection to the router itself it would keep its
    // port from a later one from inside, and hole punching would fail that works behind any home router.
    'chain own {',
    'type filter hook input priority filter;',
    'ct state new meta l4proto { udp, tcp } drop',
    '}',
    'chain through {',
    'type filter hook forward priority filter;',
    isUdpBlocked && 'meta l4proto udp drop',
    access === 'tcp-443-only' && 'oifname "wan" tcp dport != 443 drop',
    'iifname "wan" ct state new ct status & dnat == 0 drop',
    '}',
    'chain post {',
    'type nat hook postrouting priority srcnat;',
    hairpin && `iifname "lan" oifname "lan" snat to ${wan}`,
    `oifname "wan" masquerade${access === 'symmetric-random' ? ' fully-random' : ''}`,
    '}',
    'chain learn {',
    'type filter hook postrouting priority 300;',
    ...both(
      (p) =>
        (isOpen || isByAddress) &&
        `oifname "wan" ct direction original update @${p}_inside { ${p} sport : ct original ip saddr . ct original proto-src }`,
    ),
    ...both((p) => isByAddress && `oifname "wan" ct direction original update @${p}_remotes { ${p} sport . ip daddr }`),
    '}',
    '}',
  ]
  return lines.filter((line) => line !== false).join('\n')
}

/** A wall beside any of the rulesets, which lets no UDP through. */
export const UDP_BLOCK =
  'table ip block { chain through { type filter hook forward priority filter; meta l4proto udp drop; }; }'
