/** Something that went wrong and that the user can do something about: shown as one line. */
export class DemoError extends Error {
  override readonly name = 'DemoError'
}
