import { AMOUNTS, MAX_TOPIC_CHARS } from '../message.ts'
import { wireError } from '../wire-errors.ts'

// Values of fields, checked. Reading and writing share these functions, so that whatever one side may write the other will read.

/** What both protobufjs objects and our own drafts are: fields that may be missing. */
export type Loose<T> = { readonly [K in keyof T]?: T[K] | null | undefined }

export function bad(detail: string) {
  return wireError('BAD_MESSAGE', detail)
}

export function uint32(value: number | null | undefined, name: string): number {
  const number = value ?? 0
  if (number !== number >>> 0) throw bad(`${name} is ${number}, not an integer from 0 to 4294967295`)
  return number >>> 0
}

export function list(values: readonly number[] | null | undefined, name: string, most: number): number[] {
  const numbers = values ?? []
  if (numbers.length > most) throw bad(`${name} has ${numbers.length} entries, at most ${most} fit`)
  return numbers.map((value) => uint32(value, name))
}

export function finite(value: number | null | undefined, name: string): number {
  const number = value ?? 0
  if (!Number.isFinite(number)) throw wireError('NOT_FINITE', `${name} is ${number}`)
  return number
}

export function amounts(values: readonly number[] | null | undefined, name: string): number[] {
  const numbers = values ?? []
  if (numbers.length !== AMOUNTS) throw bad(`${name} has ${numbers.length} amounts, not ${AMOUNTS}`)
  return numbers.map((value) => finite(value, name))
}

export function float32(value: number, name: string): number {
  const number = Math.fround(value)
  if (!Number.isFinite(number)) throw wireError('NOT_FINITE', `${name} is ${number}`)
  return number
}

export function text(value: string | null | undefined, name: string, min: number, max: number): string {
  const string = value ?? ''
  if (string.length < min || string.length > max) {
    throw bad(`${name} has ${string.length} characters, not ${min} to ${max}`)
  }
  // Half a surrogate pair has no UTF-8 form: the other side could not read it.
  if (/\p{Surrogate}/u.test(string)) throw bad(`${name} is not well-formed Unicode`)
  return string
}

export function topicName(value: string | null | undefined): string {
  const name = text(value, 'reply_topic', 0, MAX_TOPIC_CHARS)
  if (/[+#\p{Cc}]/u.test(name)) throw bad('reply_topic holds a wildcard or a control character')
  return name
}
