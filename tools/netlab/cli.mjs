// node tools/netlab/cli.mjs up <access> [access]   two homes and a public network in namespaces
// node tools/netlab/cli.mjs down
import { createNetlab, removeNetlab } from './netlab.mjs'
import { ACCESSES } from './ruleset.mjs'

const NAME = 'netlab'
const [action, left, right] = process.argv.slice(2)

if (action === 'up' && left !== undefined) {
  removeNetlab(NAME)
  const lab = createNetlab({
    name: NAME,
    left: /** @type {import('./ruleset.mjs').Access} */ (left),
    ...(right !== undefined && { right: /** @type {import('./ruleset.mjs').Access} */ (right) }),
  })
  console.log(`public (${lab.addresses.join(', ')}): ${lab.public.prefix.join(' ')} …`)
  for (const [side, home] of Object.entries({ left: lab.left, right: lab.right })) {
    if (home === undefined) continue
    for (const [role, site] of Object.entries({ host: home.host, neighbour: home.neighbour })) {
      console.log(`${side} ${role} (${site.address}, outside ${home.outside}): ${site.prefix.join(' ')} …`)
    }
  }
} else if (action === 'down') {
  removeNetlab(NAME)
} else {
  console.error(`usage: node tools/netlab/cli.mjs up <access> [access] | down\naccess: ${ACCESSES.join(', ')}`)
  process.exitCode = 1
}
