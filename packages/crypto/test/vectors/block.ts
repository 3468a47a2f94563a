/** NIST SP 800-38A appendix F. */
export const PLAINTEXT = `6bc1bee22e409f96e93d7e117393172aae2d8a571e03ac9c9eb76fac45af8e51
  30c81c46a35ce411e5fbc1191a0a52eff69f2445df4f9b17ad2b417be66c3710`

export const KEY_128 = '2b7e151628aed2a6abf7158809cf4f3c'
export const KEY_256 = '603deb1015ca71be2b73aef0857d77811f352c073b6108d72d9810a30914dff4'

export const CTR = [
  {
    source: 'F.5.1',
    key: KEY_128,
    output: `874d6191b620e3261bef6864990db6ce9806f66b7970fdff8617187bb9fffdff
      5ae4df3edbd5d35e5b4f09020db03eab1e031dda2fbe03d1792170a0f3009cee`,
  },
  {
    source: 'F.5.5',
    key: KEY_256,
    output: `601ec313775789a5b7a7f504bbf3d228f443e3ca4d62b59aca84e990cacaf5c5
      2b0930daa23de94ce87017ba2d84988ddfc9c58db67aada613c2dd08457941a6`,
  },
]

export const CBC = [
  {
    source: 'F.2.1',
    key: KEY_128,
    output: `7649abac8119b246cee98e9b12e9197d5086cb9b507219ee95db113a917678b2
      73bed6b8e3c1743b7116e69e222295163ff1caa1681fac09120eca307586e1a7`,
  },
  {
    source: 'F.2.5',
    key: KEY_256,
    output: `f58c4c04d6e5f1ba779eabfb5f7bfbd69cfc4e967edb808d679f777bc6702c7d
      39f23369a9d9bacfa530e26304231461b2eb05e2c39be9fcda6c19078c6a9d1b`,
  },
]
