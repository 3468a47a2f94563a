import { execFileSync, spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { runtimeBinary, runtimes } from '../runtimes.mjs'
import { closure, packages, root } from '../workspaces.mjs'

interface Packed {
  tarball: string
  unpackedSize: number
  files: string[]
}

const all = packages()
const shell = process.platform === 'win32'
let scratch: string
const packed = new Map<string, Packed>()
const installed = new Map<string, string>()

/** An empty folder with that package, and below it only what it declares. */
function install(name: string): string {
  const known = installed.get(name)
  if (known !== undefined) return known
  const directory = join(scratch, name.replace('/', '-'))
  mkdirSync(directory)
  writeFileSync(join(directory, 'package.json'), '{ "private": true, "type": "module" }\n')
  const tarballs = closure(name, all).map((entry) => packed.get(entry.manifest.name)!.tarball)
  execFileSync('npm', ['install', '--no-audit', '--no-fund', '--silent', '--ignore-scripts', ...tarballs], {
    cwd: directory,
    shell,
    stdio: 'pipe',
  })
  installed.set(name, directory)
  return directory
}

function entryPoints(manifest: { name: string; exports: Record<string, unknown> }): string[] {
  return Object.keys(manifest.exports)
    .filter((entry) => !entry.endsWith('.json'))
    .map((entry) => manifest.name + entry.slice(1))
}

function run(
  runtime: (typeof runtimes)[number],
  directory: string,
  script: string,
): { status: number | null; output: string } {
  writeFileSync(join(directory, 'try.mjs'), script)
  const result = spawnSync(runtimeBinary(runtime), runtime.run('try.mjs'), {
    cwd: directory,
    encoding: 'utf8',
    timeout: 60_000,
  })
  return { status: result.status, output: result.stdout + result.stderr }
}

beforeAll(() => {
  scratch = mkdtempSync(join(tmpdir(), 'kaon-pack-'))
  for (const { directory, manifest } of all) {
    const json = execFileSync('npm', ['pack', '--json', '--silent', '--pack-destination', scratch], {
      cwd: directory,
      encoding: 'utf8',
      shell,
    })
    const parsed = JSON.parse(json) as unknown
    const [result] = (Array.isArray(parsed) ? parsed : Object.values(parsed as object)) as [
      { filename: string; unpackedSize: number; files: { path: string }[] },
    ]
    const filename = result.filename.replace('@', '').replace('/', '-')
    packed.set(manifest.name, {
      tarball: join(scratch, filename),
      unpackedSize: result.unpackedSize,
      files: result.files.map((file) => file.path),
    })
  }
})

afterAll(() => {
  const rows = all.map(({ manifest }) => ({
    package: manifest.name,
    'unpacked KB': Math.round(packed.get(manifest.name)!.unpackedSize / 1024),
    files: packed.get(manifest.name)!.files.length,
    dependencies: Object.keys(manifest.dependencies ?? {}).join(' ') || 'none',
  }))
  console.table(rows)
  rmSync(scratch, { recursive: true, force: true, maxRetries: 5 })
})

describe.each(all)('$manifest.name', ({ directory, manifest }) => {
  it('is clean for publint', async () => {
    const { messages } = await publint({ pkgDir: directory, strict: true, pack: 'npm' })
    expect(messages.map((message) => formatMessage(message, manifest as never))).toEqual([])
  })

  it('ships its code, types, README and licence, and nothing else', () => {
    const { files } = packed.get(manifest.name)!
    expect(files).toEqual(
      expect.arrayContaining(['README.md', 'LICENSE', 'dist/index.js', 'dist/index.d.ts', 'src/index.ts']),
    )
    expect(
      files.filter((file) => !/^(dist\/|src\/|README\.md$|LICENSE$|CHANGELOG\.md$|package\.json$)/.test(file)),
    ).toEqual([])
    expect(files.filter((file) => /tsbuildinfo|\.test\./.test(file))).toEqual([])
  })

  it('says what a user has to know', () => {
    expect(manifest).toMatchObject({ license: 'MIT', sideEffects: false, type: 'module', engines: { node: '>=20.19' } })
    expect(readFileSync(join(directory, 'README.md'), 'utf8')).toContain(`# ${manifest.name}`)
  })

  it('installs alone, and imports on every runtime', () => {
    const target = install(manifest.name)
    const brought = JSON.parse(
      execFileSync('npm', ['ls', '--all', '--json', '--silent'], { cwd: target, encoding: 'utf8', shell }),
    ) as { dependencies: Record<string, unknown> }
    const ours = Object.keys(brought.dependencies).filter((name) => name.startsWith('@kaon/'))
    expect(ours.sort()).toEqual(
      closure(manifest.name, all)
        .map((entry) => entry.manifest.name)
        .sort(),
    )
    const script = entryPoints(manifest)
      .map(
        (entry) =>
          `if (Object.keys(await import('${entry}')).length === 0) throw new Error('${entry} exports nothing')`,
      )
      .join('\n')
    for (const runtime of runtimes)
      expect({ runtime: runtime.name, ...run(runtime, target, script) }).toMatchObject({
        runtime: runtime.name,
        status: 0,
      })
  })
})

describe.each(all)('the types of $manifest.name', ({ manifest }) => {
  it('check for a strict user who has only its tarballs', () => {
    const target = install(manifest.name)
    const imports = entryPoints(manifest).map((entry, i) => `export * as entry${i} from '${entry}'`)
    writeFileSync(join(target, 'user.ts'), imports.join('\n'))
    const options = [
      '--noEmit',
      '--strict',
      '--target',
      'es2023',
      '--module',
      'nodenext',
      '--lib',
      'es2023,dom',
      '--types',
      '',
    ]
    const check = spawnSync(process.execPath, [join(root, 'node_modules/typescript/bin/tsc'), ...options, 'user.ts'], {
      cwd: target,
      encoding: 'utf8',
    })
    expect(check).toMatchObject({ stdout: '', status: 0 })
  })
})

const commands = all.flatMap(({ folder, manifest }) =>
  Object.entries(manifest.bin ?? {}).map(([command, path]) => ({ command, path, folder, name: manifest.name })),
)

describe.each(commands)('the command $command', ({ path, folder, name }) => {
  it('explains itself', () => {
    const help = spawnSync(process.execPath, [join(install(name), 'node_modules/@kaon', folder, path), '--help'], {
      encoding: 'utf8',
    })
    expect(help).toMatchObject({ status: 0, stderr: '' })
    expect(help.stdout).toContain('Usage')
  })
})

describe('the whole stack from its tarballs', () => {
  const script = `
    import { RTCPeerConnection } from '@kaon/webrtc'
    const [a, b] = [new RTCPeerConnection({ ice: { includeLoopback: true } }), new RTCPeerConnection({ ice: { includeLoopback: true } })]
    a.onicecandidate = ({ candidate }) => candidate && b.addIceCandidate(candidate)
    b.onicecandidate = ({ candidate }) => candidate && a.addIceCandidate(candidate)
    const echo = new Promise((resolve) => {
      b.ondatachannel = ({ channel }) => (channel.onmessage = ({ data }) => channel.send(data))
      const channel = a.createDataChannel('echo')
      channel.onopen = () => channel.send('works')
      channel.onmessage = ({ data }) => resolve(data)
    })
    await a.setLocalDescription()
    await b.setRemoteDescription(a.localDescription)
    await b.setLocalDescription()
    await a.setRemoteDescription(b.localDescription)
    console.log(await echo)
    a.close()
    b.close()
  `
  it.each(runtimes)('carries a message and exits by itself on $name', (runtime) => {
    expect(run(runtime, install('@kaon/webrtc'), script)).toEqual({ status: 0, output: 'works\n' })
  })
})
