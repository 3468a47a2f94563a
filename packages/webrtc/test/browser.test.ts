import { afterEach, describe, expect, it, vi } from 'vitest'
import * as kaon from '../src/index.ts'

afterEach(() => vi.unstubAllGlobals())

describe('the entry point for browsers', () => {
  it('exports the same names, and the platform’s classes', async () => {
    class Native {}
    vi.stubGlobal('RTCPeerConnection', Native)
    vi.resetModules()
    const browser = await import('../src/browser.ts')
    expect(Object.keys(browser).sort()).toEqual(Object.keys(kaon).sort())
    expect(browser.RTCPeerConnection).toBe(Native)
    expect(browser.RTCIceCandidatePair).toBe(undefined)
  })
})
