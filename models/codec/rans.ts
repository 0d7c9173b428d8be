import { modelError } from '../errors.ts'
import {
  FREQUENCY_BITS,
  type FrequencyTable,
  frequencyTableFault,
  unzigzag,
  zigzag,
} from './frequency-table.ts'
import { ContextModel, contextsOf, type Neighbours } from './neighbours.ts'

/**
 * Range asymmetric numeral systems (Duda, arXiv 1311.2540), 32 bits, static tables. A state lies in [2^15, 2^31) and hands on 16
 * bits at a time, so everything is whole-number arithmetic that a signed 32-bit integer holds: the same bytes on every machine.
 *
 * A stream is the states, four bytes each, then words of 16 bits, all low byte first. The decoder must use up every word and
 * end in the states that the encoder began with, which a stream that was cut, made longer or changed hardly ever does; the
 * wire's checksum goes over it besides.
 */
const LOW = 1 << 15
const MASK = (1 << FREQUENCY_BITS) - 1
/** An escaped symbol travels in bytes, each as one of 256 equally likely symbols. */
const BYTE_SHIFT = FREQUENCY_BITS - 8
/** Four states take turns where there are many symbols: they hide each other's latency. One costs fewer bytes. */
const MANY_SYMBOLS = 4096
const MANY_STATES = 4

/** States of a stream of so many symbols, four bytes each: no stream is shorter. */
export const statesFor = (symbols: number): number => (symbols < MANY_SYMBOLS ? 1 : MANY_STATES)

/** A table laid out for coding. */
interface Laid {
  readonly first: number
  readonly escaped: number
  readonly frequencies: Int32Array
  /** Where each symbol's part of [0, 4096) begins, and at last 4096. */
  readonly starts: Int32Array
  /**
   * For every sixteenth of the 4096 places whose part it is; from there the owner of a place is a few steps on. One entry for
   * each place would be faster by little, and a bundle has a thousand tables.
   */
  readonly owners: Uint16Array
}

const PLACES_SHIFT = 4

function lay(table: FrequencyTable): Laid {
  const fault = frequencyTableFault(table)
  if (fault) throw modelError('BAD_QUANTIZER', `The frequency table's ${fault}.`)
  const frequencies = Int32Array.from(table.frequencies)
  const starts = new Int32Array(frequencies.length + 1)
  frequencies.forEach((frequency, symbol) => {
    starts[symbol + 1] = starts[symbol]! + frequency
  })
  const owners = new Uint16Array((MASK + 1) >> PLACES_SHIFT)
  for (let at = 0, symbol = 0; at < owners.length; at++) {
    while (starts[symbol + 1]! <= at << PLACES_SHIFT) symbol++
    owners[at] = symbol
  }
  return { first: table.first, escaped: frequencies.length - 1, frequencies, starts, owners }
}

/**
 * Codes tensors of whole numbers, a static table for each channel, `perChannel` symbols a channel, one channel after the other.
 * Keeps its buffers: one coder serves one thread.
 */
export class RansCoder {
  readonly #tables: readonly Laid[]
  readonly #perChannel: number
  readonly #channels: number
  readonly #contexts: number
  readonly #contextModel: ContextModel | undefined
  readonly #states: Int32Array
  /** Words in the order in which the encoder makes them, which is backwards. */
  #words = new Uint16Array(1024)
  #count = 0
  #wasWhole = false

  /**
   * With `neighbours`, each channel has 2 · reach + 1 tables, for codes that lie around `middle`. Throws BAD_QUANTIZER for a table that
   * is none.
   */
  constructor(
    tables: readonly FrequencyTable[],
    perChannel: number,
    neighbours?: Neighbours & { readonly middle: number },
  ) {
    this.#tables = tables.map(lay)
    this.#perChannel = perChannel
    this.#contextModel = neighbours && new ContextModel(neighbours, perChannel, neighbours.middle)
    this.#contexts = contextsOf(neighbours)
    this.#channels = tables.length / this.#contexts
    this.#states = new Int32Array(statesFor(this.symbols))
  }

  /** Symbols of one tensor. */
  get symbols(): number {
    return this.#channels * this.#perChannel
  }

  /** Throws BAD_OPTION unless there are {@link symbols} of them. */
  encode(symbols: Int32Array): Uint8Array {
    if (symbols.length !== this.symbols) {
      throw modelError('BAD_OPTION', `${symbols.length} symbols given, the tables are for ${this.symbols}.`)
    }
    const states = this.#states.fill(LOW)
    const turns = states.length - 1
    this.#count = 0
    const contextModel = this.#contextModel
    contextModel?.fill(symbols)
    for (let channel = this.#channels - 1; channel >= 0; channel--) {
      let { first, escaped, frequencies, starts } = this.#tables[channel * this.#contexts]!
      const begin = channel * this.#perChannel
      this.#reserve(this.#perChannel)
      let words = this.#words
      let count = this.#count
      for (let i = begin + this.#perChannel - 1; i >= begin; i--) {
        const turn = i & turns
        if (contextModel) {
          const context = contextModel.tableAt(channel, i - begin)
          ;({ first, escaped, frequencies, starts } = this.#tables[channel * this.#contexts + context]!)
        }
        let at = symbols[i]! - first
        if (!(at >= 0 && at < escaped)) {
          this.#count = count
          this.#putEscaped(symbols[i]!, turn)
          this.#reserve(i - begin + 1)
          words = this.#words
          count = this.#count
          at = escaped
        }
        const frequency = frequencies[at]!
        let state = states[turn]!
        // As many as 2^19 times the frequency would leave the range.
        if (state >>> 19 >= frequency) {
          words[count++] = state
          state >>>= 16
        }
        const quotient = (state / frequency) | 0
        states[turn] = (quotient << FREQUENCY_BITS) + (state - Math.imul(quotient, frequency)) + starts[at]!
      }
      this.#count = count
    }
    return this.#written()
  }

  /**
   * The symbols of a stream. With `out`, writes there. Throws BAD_PAYLOAD for anything that `encode` did not write.
   */
  decode(stream: Uint8Array, out: Int32Array = new Int32Array(this.symbols)): Int32Array {
    if (stream.length % 2 !== 0) throw damaged()
    this.#read(stream, out)
    if (!this.#wasWhole) throw damaged()
    return out
  }

  /**
   * As many symbols as the beginning of a stream holds: a stream is written so that it is read from its start, and every prefix of it
   * (of all states at least) gives a prefix of the symbols. Returns how many there are in `out`; the rest of `out` is undefined.
   * Throws BAD_PAYLOAD for what cannot begin a stream.
   */
  decodePrefix(prefix: Uint8Array, out: Int32Array): number {
    return this.#read(prefix.length % 2 === 0 ? prefix : prefix.subarray(0, -1), out)
  }

  /** Returns how many symbols there were before the words ran out; `#wasWhole` says whether the encoder's end was met. */
  #read(stream: Uint8Array, out: Int32Array): number {
    const states = this.#states
    const turns = states.length - 1
    const end = stream.length
    let at = 4 * states.length
    this.#wasWhole = false
    if (end < at) throw damaged()
    for (let turn = 0; turn <= turns; turn++) {
      const byte = 4 * turn
      states[turn] =
        stream[byte]! | (stream[byte + 1]! << 8) | (stream[byte + 2]! << 16) | (stream[byte + 3]! << 24)
      if (states[turn]! < LOW) throw damaged()
    }
    const contextModel = this.#contextModel
    for (let channel = 0; channel < this.#channels; channel++) {
      let { first, escaped, frequencies, starts, owners } = this.#tables[channel * this.#contexts]!
      const begin = channel * this.#perChannel
      const limit = begin + this.#perChannel
      for (let i = begin; i < limit; i++) {
        const turn = i & turns
        if (contextModel) {
          const context = contextModel.tableAt(channel, i - begin)
          ;({ first, escaped, frequencies, starts, owners } =
            this.#tables[channel * this.#contexts + context]!)
        }
        let state = states[turn]!
        const place = state & MASK
        let symbol = owners[place >> PLACES_SHIFT]!
        while (starts[symbol + 1]! <= place) symbol++
        state = Math.imul(frequencies[symbol]!, state >>> FREQUENCY_BITS) + place - starts[symbol]!
        if (state < LOW) {
          if (at >= end) {
            // The symbol itself is whole; only what follows would need the missing word.
            if (symbol === escaped) return i
            out[i] = symbol + first
            return i + 1
          }
          state = (state << 16) | stream[at]! | (stream[at + 1]! << 8)
          at += 2
        }
        states[turn] = state
        if (symbol === escaped) {
          let value = 0
          for (let shift = 0; ; shift += 7) {
            const byte = (states[turn]! & MASK) >>> BYTE_SHIFT
            state =
              ((states[turn]! >>> FREQUENCY_BITS) << BYTE_SHIFT) | (states[turn]! & ((1 << BYTE_SHIFT) - 1))
            if (state < LOW) {
              if (at >= end) return i
              state = (state << 16) | stream[at]! | (stream[at + 1]! << 8)
              at += 2
            }
            states[turn] = state
            value |= (byte & 0x7f) << shift
            // Only what the encoder writes: no empty last byte, no bits beyond the 32nd.
            if ((shift > 0 && byte === 0) || (shift === 28 && byte > 15)) throw damaged()
            if (byte < 0x80) break
          }
          const far = unzigzag(value >>> 0)
          if (far >= first && far - first < escaped) throw damaged()
          out[i] = far
        } else out[i] = symbol + first
        contextModel?.put(channel, i - begin, out[i]!)
      }
    }
    this.#wasWhole = at === end && states.every((state) => state === LOW)
    return this.symbols
  }

  /** The bytes of an escaped symbol, last first, as the decoder reads them the other way round. */
  #putEscaped(symbol: number, turn: number): void {
    const value = zigzag(symbol)
    const bytes: number[] = []
    let rest = value
    do {
      bytes.push((rest & 0x7f) | (rest > 0x7f ? 0x80 : 0))
      rest >>>= 7
    } while (rest > 0)
    this.#reserve(bytes.length)
    for (const byte of bytes.reverse()) {
      let state = this.#states[turn]!
      if (state >>> 19 >= 1 << BYTE_SHIFT) {
        this.#words[this.#count++] = state
        state >>>= 16
      }
      this.#states[turn] =
        ((state >>> BYTE_SHIFT) << FREQUENCY_BITS) | (byte << BYTE_SHIFT) | (state & ((1 << BYTE_SHIFT) - 1))
    }
  }

  #reserve(words: number): void {
    if (this.#count + words <= this.#words.length) return
    const larger = new Uint16Array(2 * (this.#count + words))
    larger.set(this.#words.subarray(0, this.#count))
    this.#words = larger
  }

  #written(): Uint8Array {
    const head = 4 * this.#states.length
    const stream = new Uint8Array(head + 2 * this.#count)
    this.#states.forEach((state, turn) => {
      for (let byte = 0; byte < 4; byte++) stream[4 * turn + byte] = state >>> (8 * byte)
    })
    for (let at = head, word = this.#count - 1; word >= 0; word--, at += 2) {
      stream[at] = this.#words[word]!
      stream[at + 1] = this.#words[word]! >>> 8
    }
    return stream
  }
}

const damaged = () => modelError('BAD_PAYLOAD', 'The entropy-coded payload is not what the encoder wrote.')
