import type { AeadName } from '../../src/types.ts'

export interface AeadVector {
  readonly source: string
  readonly name: AeadName
  readonly key: string
  readonly nonce: string
  readonly aad: string
  readonly plaintext: string
  /** Ciphertext and tag. */
  readonly sealed: string
}

const GCM_KEY = 'feffe9928665731c6d6a8f9467308308'
const GCM_PLAIN = `d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72
  1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255`
const GCM_AAD = 'feedfacedeadbeeffeedfacedeadbeefabaddad2'
const ZERO_16 = '00'.repeat(16)
const ZERO_12 = '00'.repeat(12)
const CCM_KEY = 'c0c1c2c3c4c5c6c7c8c9cacbcccdcecf'

/** The numbers of NIST are those of the test cases in the GCM submission (McGrew and Viega), appendix B. */
export const AEAD_VECTORS: readonly AeadVector[] = [
  {
    source: 'NIST GCM 1',
    name: 'aes-128-gcm',
    key: ZERO_16,
    nonce: ZERO_12,
    aad: '',
    plaintext: '',
    sealed: '58e2fccefa7e3061367f1d57a4e7455a',
  },
  {
    source: 'NIST GCM 2',
    name: 'aes-128-gcm',
    key: ZERO_16,
    nonce: ZERO_12,
    aad: '',
    plaintext: ZERO_16,
    sealed: '0388dace60b6a392f328c2b971b2fe78ab6e47d42cec13bdf53a67b21257bddf',
  },
  {
    source: 'NIST GCM 3',
    name: 'aes-128-gcm',
    key: GCM_KEY,
    nonce: 'cafebabefacedbaddecaf888',
    aad: '',
    plaintext: GCM_PLAIN,
    sealed: `42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
      21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091473f5985
      4d5c2af327cd64a62cf35abd2ba6fab4`,
  },
  {
    source: 'NIST GCM 4',
    name: 'aes-128-gcm',
    key: GCM_KEY,
    nonce: 'cafebabefacedbaddecaf888',
    aad: GCM_AAD,
    plaintext: GCM_PLAIN.slice(0, -8),
    sealed: `42831ec2217774244b7221b784d0d49ce3aa212f2c02a4e035c17e2329aca12e
      21d514b25466931c7d8f6a5aac84aa051ba30b396a0aac973d58e091
      5bc94fbc3221a5db94fae95ae7121a47`,
  },
  {
    source: 'NIST GCM 13',
    name: 'aes-256-gcm',
    key: ZERO_16 + ZERO_16,
    nonce: ZERO_12,
    aad: '',
    plaintext: '',
    sealed: '530f8afbc74536b9a963b4f1c4cb738b',
  },
  {
    source: 'NIST GCM 14',
    name: 'aes-256-gcm',
    key: ZERO_16 + ZERO_16,
    nonce: ZERO_12,
    aad: '',
    plaintext: ZERO_16,
    sealed: 'cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919',
  },
  {
    source: 'NIST GCM 16',
    name: 'aes-256-gcm',
    key: GCM_KEY + GCM_KEY,
    nonce: 'cafebabefacedbaddecaf888',
    aad: GCM_AAD,
    plaintext: GCM_PLAIN.slice(0, -8),
    sealed: `522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa
      8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662
      76fc6ece0f4e1768cddf8853bb2d551b`,
  },
  {
    source: 'RFC 8439 §2.8.2',
    name: 'chacha20-poly1305',
    key: '808182838485868788898a8b8c8d8e8f909192939495969798999a9b9c9d9e9f',
    nonce: '070000004041424344454647',
    aad: '50515253c0c1c2c3c4c5c6c7',
    plaintext: `4c616469657320616e642047656e746c656d656e206f662074686520636c6173
      73206f66202739393a204966204920636f756c64206f6666657220796f75206f
      6e6c79206f6e652074697020666f7220746865206675747572652c2073756e73
      637265656e20776f756c642062652069742e`,
    sealed: `d31a8d34648e60db7b86afbc53ef7ec2a4aded51296e08fea9e2b5a736ee62d6
      3dbea45e8ca9671282fafb69da92728b1a71de0a9e060b2905d6a5b67ecd3b36
      92ddbd7f2d778b8c9803aee328091b58fab324e4fad675945585808b4831d7bc
      3ff4def08e4b7a9de576d26586cec64b61161ae10b594f09e26a7e902ecbd0600691`,
  },
  {
    source: 'RFC 3610 packet vector 1',
    name: 'aes-128-ccm-8',
    key: CCM_KEY,
    nonce: '00000003020100a0a1a2a3a4a5',
    aad: '0001020304050607',
    plaintext: '08090a0b0c0d0e0f101112131415161718191a1b1c1d1e',
    sealed: '588c979a61c663d2f066d0c2c0f989806d5f6b61dac38417e8d12cfdf926e0',
  },
  {
    source: 'RFC 3610 packet vector 2',
    name: 'aes-128-ccm-8',
    key: CCM_KEY,
    nonce: '00000004030201a0a1a2a3a4a5',
    aad: '0001020304050607',
    plaintext: '08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f',
    sealed: '72c91a36e135f8cf291ca894085c87e3cc15c439c9e43a3ba091d56e10400916',
  },
  {
    source: 'RFC 3610 packet vector 3',
    name: 'aes-128-ccm-8',
    key: CCM_KEY,
    nonce: '00000005040302a0a1a2a3a4a5',
    aad: '0001020304050607',
    plaintext: '08090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20',
    sealed: '51b1e5f44a197d1da46b0f8e2d282ae871e838bb64da8596574adaa76fbd9fb0c5',
  },
  {
    source: 'RFC 3610 packet vector 4',
    name: 'aes-128-ccm-8',
    key: CCM_KEY,
    nonce: '00000006050403a0a1a2a3a4a5',
    aad: '000102030405060708090a0b',
    plaintext: '0c0d0e0f101112131415161718191a1b1c1d1e',
    sealed: 'a28c6865939a9a79faaa5c4c2a9d4a91cdac8c96c861b9c9e61ef1',
  },
]
