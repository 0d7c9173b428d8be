import { EigenvalueDecomposition, Matrix } from 'ml-matrix'
import type { LabelledImages } from '../data/index.ts'
import { type ConstantTensor, float32Tensor } from '../onnx/index.ts'

/**
 * A first layer that needs no training: kernels [2·3·k², 3, k, k] that decorrelate k × k patches of the images and
 * scale them to unit variance, each kernel with its negative, since a ReLU follows.
 * Source: Jordan, "94% on CIFAR-10 in 3.29 seconds", arXiv 2404.00498, section 3.2 (after Page 2019).
 */
export function whiteningKernels(
  images: LabelledImages,
  options: { mean: readonly number[]; std: readonly number[]; size?: number; sample?: number },
): ConstantTensor {
  const { mean, std, size = 2, sample = 5000 } = options
  const { channels, height, width, pixels } = images
  const length = channels * size * size
  const covariance = new Float64Array(length * length)
  const patch = new Float64Array(length)
  const plane = height * width
  const count = Math.min(sample, images.count)
  let patches = 0
  for (let image = 0; image < count; image++) {
    for (let y = 0; y + size <= height; y++) {
      for (let x = 0; x + size <= width; x++) {
        let at = 0
        for (let channel = 0; channel < channels; channel++) {
          const corner = (image * channels + channel) * plane + y * width + x
          for (let dy = 0; dy < size; dy++) {
            for (let dx = 0; dx < size; dx++) {
              patch[at++] = (pixels[corner + dy * width + dx]! / 255 - mean[channel]!) / std[channel]!
            }
          }
        }
        for (let i = 0; i < length; i++) {
          for (let j = 0; j <= i; j++) covariance[i * length + j]! += patch[i]! * patch[j]!
        }
        patches++
      }
    }
  }
  const matrix = new Matrix(length, length)
  for (let i = 0; i < length; i++) {
    for (let j = 0; j < length; j++)
      matrix.set(i, j, covariance[Math.max(i, j) * length + Math.min(i, j)]! / patches)
  }
  const { realEigenvalues, eigenvectorMatrix } = new EigenvalueDecomposition(matrix, {
    assumeSymmetric: true,
  })
  const kernels = new Float32Array(2 * length * length)
  for (let k = 0; k < length; k++) {
    // The smallest directions are noise; the offset keeps them from being blown up.
    const scale = 1 / Math.sqrt(realEigenvalues[k]! + 5e-4)
    for (let i = 0; i < length; i++) {
      const value = eigenvectorMatrix.get(i, k) * scale
      kernels[k * length + i] = value
      kernels[(length + k) * length + i] = -value
    }
  }
  return float32Tensor(kernels, [2 * length, channels, size, size])
}
