/**
 * What of a frame may leave the device to be learned from: nothing; the head's latent, where there is one; or the picture itself. The one
 * who owns the pictures decides: without a word, nothing leaves.
 */
export const privacyLevels = ['nothing', 'latents', 'raw'] as const
export type Privacy = (typeof privacyLevels)[number]

/** What a sample may hold at this level, most telling first. */
export function allowedInputs(privacy: Privacy): readonly ('pixels' | 'latent')[] {
  if (privacy === 'raw') return ['pixels', 'latent']
  return privacy === 'latents' ? ['latent'] : []
}
