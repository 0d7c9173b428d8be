/** Why an answer is local though the plan (or the caller) wanted the server. */
export const fallbacks = {
  NO_BROKER: 'No broker was given: the device works on its own.',
  OFFLINE: 'There is no connection to the broker.',
  CONNECTION_LOST: 'The connection to the broker broke while the request was out.',
  NO_SERVER: 'No server has announced itself on this site.',
  SERVER_OFFLINE: 'The server has gone.',
  SERVER_DRAINING: 'The server is stopping and takes nothing new.',
  SERVER_RESTARTED: 'The server started anew while the request was out.',
  SERVER_SILENT: 'The server has not answered for a while; it is asked again with small probes.',
  SERVER_BUSY: 'The server asked for a pause.',
  BUNDLE_MISMATCH: "The server does not offer this device's bundle.",
  PIPELINE_MISMATCH: "The server does not offer this device's pipeline.",
  STAGE_MISSING: 'The server does not have the model of a stage.',
  STAGES_REFUSED: 'The server has refused stages of this pipeline before.',
  MODE_REFUSED: 'The server has refused this mode before.',
  NO_REPLY: 'No reply came in time.',
  SERVER_ERROR: 'The server answered with an error.',
  PATCH_MISMATCH: 'The server has no tail that fits the patched head.',
  BAD_REPLY: 'The reply does not fit the request.',
  OVER_CREDIT: 'Too many requests were out: the oldest was given up.',
  TOO_LARGE: 'The message is larger than the server accepts.',
  UNSENDABLE: 'The request could not be written as a message.',
  LINK_BACKED_UP: 'The connection still has too much to write.',
  HEAD_FAILED: 'The head of the network could not be run.',
  IMAGE_FAILED: 'The frame could not be coded as an image.',
} as const

export type FallbackCode = keyof typeof fallbacks
