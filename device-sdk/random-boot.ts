/**
 * Names one life of a device that keeps no counter. By the clock two lives could have the same name, when one follows
 * the other at once or the device has no clock that runs on without power; the server would take the second one's
 * requests for replays.
 */
export function randomBoot(): number {
  return globalThis.crypto.getRandomValues(new Uint32Array(1))[0]!
}
