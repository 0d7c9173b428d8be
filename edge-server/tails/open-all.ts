interface Disposes {
  dispose(): Promise<void>
}

/** What `open` makes of all that it keeps; if it fails, what it has kept until then is disposed of. */
export async function openAll<T>(
  open: (keep: <D extends Disposes | undefined>(opening: Promise<D>) => Promise<D>) => Promise<T>,
): Promise<T> {
  const opened: Disposes[] = []
  try {
    return await open(async (opening) => {
      const one = await opening
      if (one) opened.push(one)
      return one
    })
  } catch (error) {
    await Promise.allSettled(opened.map((one) => one.dispose()))
    throw error
  }
}
