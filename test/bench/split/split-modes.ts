import type { Bundle, HeadRole, Mode } from '@isthmus/models/bundle'

export type SplitMode = Extract<Mode, { route: 'split' }>

export const splitModes = ({ manifest }: Bundle): SplitMode[] =>
  manifest.modes.filter((mode): mode is SplitMode => mode.route === 'split')

export const headOf = ({ head }: SplitMode): HeadRole => head ?? 'head'
