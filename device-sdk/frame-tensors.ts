import type { HeadRole } from '@isthmus/models/bundle'
import type { StageTimes } from '@isthmus/policies'
import type { Clock } from './clock.ts'
import { deviceError } from './errors.ts'
import type { Frame, InputShape } from './frame.ts'
import type { ImageWork } from './images.ts'
import type { ModelVersion } from './loaded-model.ts'
import type { ModelRunner } from './model-runner.ts'
import type { Normaliser, TensorPool } from './normalise.ts'
import type { StageLog } from './stage-log.ts'

/** What making tensors of a frame takes. */
export interface TensorWork {
  readonly clock: Clock
  readonly shape: InputShape
  readonly normaliser: Normaliser
  readonly pool: TensorPool
  readonly images: ImageWork
  readonly head: ModelRunner | undefined
  readonly narrowHead?: ModelRunner | undefined
  readonly times: StageTimes
}

/** A latent, and which form of the head has made it. */
export interface MadeLatent {
  readonly values: Float32Array
  readonly version: ModelVersion
}

/** What one frame becomes on its way: pixels, the input tensor, the latent. Each is made once, when first asked for. */
export class FrameTensors {
  readonly #work: TensorWork
  readonly #frame: Frame
  readonly #log: StageLog
  #rgb: Promise<Uint8Array | Uint8ClampedArray> | undefined
  #input: Promise<Float32Array> | undefined
  readonly #latents = new Map<HeadRole, Promise<Float32Array>>()
  readonly #made = new Map<HeadRole, MadeLatent>()
  #rgbMade: Uint8Array | Uint8ClampedArray | undefined
  #inputMade: Float32Array | undefined
  #readers = 0
  #latentReaders = 0
  #isOver = false

  constructor(work: TensorWork, frame: Frame, log: StageLog) {
    this.#work = work
    this.#frame = frame
    this.#log = log
  }

  /** RGB of the network's size. Throws BAD_FRAME for a frame that is a tensor. */
  async pixels(): Promise<Uint8Array | Uint8ClampedArray> {
    const { images, shape } = this.#work
    if (this.#frame instanceof Float32Array) {
      throw deviceError('BAD_FRAME', 'A tensor cannot be sent as an image: choose another route.')
    }
    this.#rgb ??= images.toRgb(this.#frame, shape)
    this.#rgbMade = await this.#rgb
    return this.#rgbMade
  }

  /** The pixels, if they were made. They may be the caller's own. */
  get rgb(): Uint8Array | Uint8ClampedArray | undefined {
    return this.#rgbMade
  }

  /** The input tensor, if it was made. When the frame is over it is used for another one: to be read at once. */
  get input(): Float32Array | undefined {
    return this.#inputMade
  }

  /** What a head has given, if it has. When the frame is over its values are another's: to be read at once. */
  made(which: HeadRole): MadeLatent | undefined {
    return this.#made.get(which)
  }

  /** Lets a model read the input tensor, which lies in a buffer of the pool. */
  async withInput<T>(read: (input: Float32Array) => Promise<T>): Promise<T> {
    this.#readers++
    try {
      this.#input ??= this.#prepare()
      this.#inputMade = await this.#input
      return await read(this.#inputMade)
    } finally {
      this.#readers--
      this.#free()
    }
  }

  /** Lets `read` have what a head gives. Its memory is used again when the frame is over and all have read it. */
  async withLatent<T>(which: HeadRole, read: (latent: Float32Array) => T | Promise<T>): Promise<T> {
    this.#latentReaders++
    try {
      const latent = this.#latents.get(which) ?? this.withInput((input) => this.#runHead(which, input))
      this.#latents.set(which, latent)
      return await read(await latent)
    } finally {
      this.#latentReaders--
      this.#freeLatents()
    }
  }

  /** Nobody will ask for anything more; buffers go back when the last reader is done. */
  end(): void {
    this.#isOver = true
    this.#free()
    this.#freeLatents()
  }

  async #prepare(): Promise<Float32Array> {
    const { clock, normaliser, pool, times } = this.#work
    const startMs = clock.now()
    const rgb = this.#frame instanceof Float32Array ? undefined : await this.pixels()
    const tensor = pool.take()
    if (rgb) normaliser.into(rgb, tensor)
    else tensor.set(this.#frame as Float32Array)
    const endMs = clock.now()
    this.#log.add('preprocessMs', startMs, endMs)
    times.add('preprocess', endMs - startMs)
    return tensor
  }

  async #runHead(which: HeadRole, input: Float32Array): Promise<Float32Array> {
    const { clock, times } = this.#work
    const head = this.#work[which]
    if (!head) throw deviceError('UNKNOWN_MODE', 'The bundle has no head.')
    const alone = head.backlog === 0
    const startMs = clock.now()
    const { output, version } = await head.answer(input)
    const endMs = clock.now()
    this.#log.add('headMs', startMs, endMs)
    if (alone) times.add(which, endMs - startMs)
    this.#made.set(which, { values: output, version })
    return output
  }

  #free(): void {
    if (!this.#isOver || this.#readers > 0 || !this.#input) return
    const input = this.#input
    this.#input = undefined
    input.then((buffer) => this.#work.pool.giveBack(buffer)).catch(() => {})
  }

  #freeLatents(): void {
    if (!this.#isOver || this.#latentReaders > 0) return
    for (const [which, latent] of this.#latents) {
      latent.then((values) => this.#work[which]?.giveBack(values)).catch(() => {})
    }
    this.#latents.clear()
  }
}
