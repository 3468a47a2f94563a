import { createNetwork, type Network } from '@kaon/net'

/** This machine's clock and tasks, but no interface: descriptions can be set without a single socket. */
export function stillNetwork(): Network {
  const network = createNetwork()
  return new Proxy(network, {
    get(target, key) {
      if (key === 'interfaces') return () => []
      const value: unknown = Reflect.get(target, key, target)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
}
