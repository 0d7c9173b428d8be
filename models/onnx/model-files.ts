import { closeSync, openSync, readSync } from 'node:fs'
import { open, readFile, realpath, rename, rm, stat } from 'node:fs/promises'
import { basename, dirname, isAbsolute, join, relative, sep } from 'node:path'
import { graphError } from './errors.ts'
import type { Attribute, Graph, Model, Node } from './graph.ts'
import { readModel } from './read.ts'
import { byteLength, type ConstantTensor } from './tensor.ts'
import { writeModel } from './write.ts'

/** One protobuf message ends at 2 GB; weights beyond this go into a file beside the model. */
const embedLimitBytes = 1.5e9

/** The model with each constant replaced by `change(it)`, in subgraphs and attributes too. */
function mapTensors(graph: Graph, change: (tensor: ConstantTensor) => ConstantTensor): Graph {
  const attribute = (value: Attribute): Attribute => {
    if (value.type === 'tensor') return { type: 'tensor', value: change(value.value) }
    return value.type === 'graph' ? { type: 'graph', value: mapTensors(value.value, change) } : value
  }
  const changeNode = (node: Node): Node => {
    const entries = Object.entries(node.attributes)
    if (!entries.some(([, value]) => value.type === 'tensor' || value.type === 'graph')) return node
    return { ...node, attributes: Object.fromEntries(entries.map(([key, value]) => [key, attribute(value)])) }
  }
  const initializers = new Map<string, ConstantTensor>()
  for (const [name, tensor] of graph.initializers) initializers.set(name, change(tensor))
  return { ...graph, nodes: graph.nodes.map(changeNode), initializers }
}

/** A constant whose bytes are read from a file when they are first asked for. */
function lazyTensor(tensor: ConstantTensor, file: string, offset: number): ConstantTensor {
  let bytes: Uint8Array | undefined
  const { dtype, dims } = tensor
  return {
    dtype,
    dims,
    get bytes() {
      bytes ??= readRange(file, offset, byteLength(dtype, dims))
      return bytes
    },
  }
}

function readRange(file: string, offset: number, length: number): Uint8Array {
  const bytes = new Uint8Array(length)
  let descriptor: number | undefined
  try {
    descriptor = openSync(file, 'r')
    let done = 0
    while (done < length) {
      const count = readSync(descriptor, bytes, done, Math.min(length - done, 1 << 30), offset + done)
      if (count === 0) throw new Error('it became shorter after the model was opened')
      done += count
    }
  } catch (cause) {
    throw graphError('EXTERNAL_DATA', `Cannot read the weights "${file}": ${reasonOf(cause)}.`, cause)
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
  return bytes
}

/**
 * Reads a model file and finds the weights that lie beside it (external data). Those are checked to be there in
 * full, and read when first used. Throws EXTERNAL_DATA naming the file, and what {@link readModel} throws.
 */
export async function readModelFile(path: string): Promise<Model> {
  let bytes: Uint8Array
  try {
    bytes = await readFile(path)
  } catch (cause) {
    throw graphError('MODEL_UNREADABLE', `Cannot read "${path}": ${reasonOf(cause)}.`, cause)
  }
  const model = readModel(bytes)
  const locations = new Set<string>()
  mapTensors(model.graph, (tensor) => {
    if (tensor.external) locations.add(tensor.external.location)
    return tensor
  })
  if (locations.size === 0) return model
  const folder = await realpath(dirname(path))
  const files = new Map<string, { file: string; size: number }>()
  for (const location of locations) files.set(location, await findBeside(folder, location))
  const graph = mapTensors(model.graph, (tensor) => {
    if (!tensor.external) return tensor
    const { location, offset } = tensor.external
    const { file, size } = files.get(location)!
    const end = offset + byteLength(tensor.dtype, tensor.dims)
    if (end > size) {
      throw graphError(
        'EXTERNAL_DATA',
        `"${location}" holds ${size} bytes where the model needs ${end}. Copy it again, beside the model.`,
      )
    }
    return lazyTensor(tensor, file, offset)
  })
  return { ...model, graph }
}

const reasonOf = (error: unknown): string => (error instanceof Error ? error.message : String(error))

/** A file in the model's folder or below; links and `..` that lead out of it are refused. */
async function findBeside(folder: string, location: string): Promise<{ file: string; size: number }> {
  const outside = (path: string): boolean => {
    const way = relative(folder, path)
    return way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)
  }
  const refused = () =>
    graphError('EXTERNAL_DATA', `The model asks for weights at "${location}", outside its folder. Not read.`)
  if (isAbsolute(location) || location.includes('\0') || outside(join(folder, location))) throw refused()
  try {
    const file = await realpath(join(folder, location))
    if (outside(file)) throw refused()
    const status = await stat(file)
    if (!status.isFile()) throw new Error('it is not a file')
    return { file, size: status.size }
  } catch (cause) {
    if (cause instanceof Error && 'code' in cause && cause.code === 'EXTERNAL_DATA') throw cause
    throw graphError(
      'EXTERNAL_DATA',
      `Cannot read the weights "${location}": ${reasonOf(cause)}. Copy them beside the model.`,
      cause,
    )
  }
}

/**
 * Writes a model file, through a temporary file so that a reader never sees half of it. Weights beyond
 * `embedLimit` bytes in all go into `<path>.data` beside it. Returns the files written.
 */
export async function writeModelFile(
  path: string,
  model: Model,
  embedLimit: number = embedLimitBytes,
): Promise<string[]> {
  let total = 0
  mapTensors(model.graph, (tensor) => {
    total += byteLength(tensor.dtype, tensor.dims)
    return tensor
  })
  if (total <= embedLimit) {
    await writeWhole(path, [writeModel(model)])
    return [path]
  }
  const data = `${path}.data`
  const { initializers, chunks } = moveOut(model.graph.initializers, basename(data))
  await writeWhole(data, chunks)
  await writeWhole(path, [writeModel({ ...model, graph: { ...model.graph, initializers } })])
  return [path, data]
}

/** Places all large tensors one after the other in another file, at multiples of 64 bytes. */
function moveOut(tensors: ReadonlyMap<string, ConstantTensor>, location: string) {
  const initializers = new Map(tensors)
  const moved: { gap: number; tensor: ConstantTensor }[] = []
  let end = 0
  for (const [name, tensor] of tensors) {
    const length = byteLength(tensor.dtype, tensor.dims)
    if (length < 1024) continue
    const offset = Math.ceil(end / 64) * 64
    moved.push({ gap: offset - end, tensor })
    const { dtype, dims } = tensor
    initializers.set(name, { dtype, dims, bytes: new Uint8Array(0), external: { location, offset, length } })
    end = offset + length
  }
  function* chunks() {
    for (const { gap, tensor } of moved) {
      if (gap > 0) yield new Uint8Array(gap)
      yield tensor.bytes
    }
  }
  return { initializers, chunks: chunks() }
}

async function writeWhole(path: string, chunks: Iterable<Uint8Array>): Promise<void> {
  const temporary = `${path}.${process.pid}.tmp`
  try {
    const file = await open(temporary, 'w')
    try {
      for (const chunk of chunks) await file.writeFile(chunk)
    } finally {
      await file.close()
    }
    await rename(temporary, path)
  } catch (cause) {
    await rm(temporary, { force: true })
    throw cause
  }
}
