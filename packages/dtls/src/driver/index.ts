export { DtlsSocket, type DtlsConnectOptions } from './socket.ts'
export { DtlsServer, type DtlsListenOptions } from './server.ts'
