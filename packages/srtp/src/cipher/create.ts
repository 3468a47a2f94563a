import { defaultProvider, type CryptoProvider } from '@kaon/crypto'
import { deriveSessionKeys } from '../key-derivation.ts'
import type { SrtpOptions } from '../options.ts'
import { profileParameters } from '../profile.ts'
import { AesCmCipher } from './aes-cm.ts'
import { AesGcmCipher } from './aes-gcm.ts'
import type { PacketCipher } from './types.ts'

/** Both ciphers of one direction. */
export function createCiphers(options: SrtpOptions): { rtp: PacketCipher; rtcp: PacketCipher } {
  const crypto: CryptoProvider = options.crypto ?? defaultProvider
  const { aead, rtpTagLength, rtcpTagLength } = profileParameters(options.profile)
  const { rtp, rtcp } = deriveSessionKeys(crypto, options.profile, options)
  if (aead) return { rtp: new AesGcmCipher(crypto, rtp), rtcp: new AesGcmCipher(crypto, rtcp) }
  return { rtp: new AesCmCipher(crypto, rtp, rtpTagLength), rtcp: new AesCmCipher(crypto, rtcp, rtcpTagLength) }
}
