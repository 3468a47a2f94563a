export * from '../exports.ts'
export { createNetwork } from './network.ts'
