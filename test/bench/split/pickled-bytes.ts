/** What CPython says of an empty `bytes` object. */
const OBJECT_BYTES = 33
/** From here on pickle writes bytes outside of a frame. */
const FRAME_LIMIT = 65_536

/**
 * The size of a payload by the convention of the SC2 benchmark (TMLR 2023, arXiv 2203.08875; torchdistill's `get_binary_object_size`):
 * `sys.getsizeof(pickle.dumps(payload))` in CPython of 64 bits, for a `bytes` object, protocols 4 and 5. That benchmark then divides by 1024.
 * It counts the pickle's opcodes and Python's object header, 42 to 51 bytes that no wire carries; its own models pickle a dictionary around
 * the bytes, which takes some 35 more.
 */
export function pickledBytes(payloadBytes: number): number {
  const length = payloadBytes < 256 ? 2 : 5
  const frame = payloadBytes < FRAME_LIMIT ? 9 : 0
  // Protocol, frame, opcode and length, payload, memoize, stop.
  return OBJECT_BYTES + 2 + frame + length + payloadBytes + 2
}
