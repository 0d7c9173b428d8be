import { cemaReleaseSelector, cemaSelector } from './cema-selector.ts'
import { MostUncertainFirst } from './most-uncertain-first.ts'
import type { UploadSelector } from './selector.ts'
import { UtilityPerByte } from './utility-per-byte.ts'

export const selectorNames = ['cema', 'cema-release', 'most-uncertain-first', 'utility-per-byte'] as const
export type SelectorName = (typeof selectorNames)[number]

/** A selector with its defaults, for a network of so many classes. */
export function selectorNamed(name: SelectorName, classes: number): UploadSelector {
  switch (name) {
    case 'cema':
      return cemaSelector(classes)
    case 'cema-release':
      return cemaReleaseSelector(classes)
    case 'most-uncertain-first':
      return new MostUncertainFirst()
    case 'utility-per-byte':
      return new UtilityPerByte({ classes })
  }
}
