import { styleText } from 'node:util'

const { stdout } = process
const colourful = stdout.isTTY && !process.env.NO_COLOR

export type Colour = 'bold' | 'dim' | 'green' | 'yellow' | 'red' | 'cyan'

/** Coloured on a terminal, plain elsewhere. */
export const paint = (colour: Colour, text: string): string => (colourful ? styleText(colour, text) : text)

/** A line that stays. */
export function print(text = ''): void {
  stdout.write(`${clear()}${text}\n`)
}

/** A line that the next one replaces; nothing where there is no terminal. */
export function show(text: string): void {
  if (stdout.isTTY) stdout.write(`${clear()}${text.slice(0, stdout.columns - 1)}`)
}

const clear = (): string => (stdout.isTTY ? '\r\u001b[2K' : '')
