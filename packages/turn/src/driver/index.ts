export { allocateFirst, type AllocateOptions, TurnClient, type TurnClientOptions } from './client.ts'
export { RelaySocket } from './relay-socket.ts'
export { TcpRelay } from './tcp-relay.ts'
