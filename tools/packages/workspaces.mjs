import { readFileSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const root = fileURLToPath(new URL('../../', import.meta.url))

/**
 * @typedef {{ name: string, version: string, dependencies?: Record<string, string>, exports: Record<string, unknown>, bin?: Record<string, string> } & Record<string, unknown>} Manifest
 * @typedef {{ folder: string, directory: string, manifest: Manifest }} Package
 */

/** The packages that are published, in alphabetical order. @returns {Package[]} */
export function packages() {
  return readdirSync(join(root, 'packages'))
    .toSorted()
    .map((folder) => {
      const directory = join(root, 'packages', folder)
      return { folder, directory, manifest: JSON.parse(readFileSync(join(directory, 'package.json'), 'utf8')) }
    })
}

/** A package and all packages of ours below it. @param {string} name @param {Package[]} all @returns {Package[]} */
export function closure(name, all) {
  /** @type {Map<string, Package>} */
  const found = new Map()
  /** @param {string} wanted */
  const visit = (wanted) => {
    const entry = all.find((candidate) => candidate.manifest.name === wanted)
    if (entry === undefined || found.has(wanted)) return
    found.set(wanted, entry)
    for (const dependency of Object.keys(entry.manifest.dependencies ?? {})) visit(dependency)
  }
  visit(name)
  return [...found.values()]
}
