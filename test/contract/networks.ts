/** Networks that the fixtures do not have, and the images, as files. */
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import sharp from 'sharp'
import type { Tensor } from '../../src/core/tensor.js'
import { declare } from '../../src/onnx/builder.js'
import { pathOf, SHIPPED_MODEL } from '../support/files.js'
import { modelBytes, type NodeSpec } from '../support/model.js'
import { noise } from '../support/networks.js'
import { readNpyFloat32 } from '../support/npy.js'
import type { ImageFile, ImageName, ModelName } from './question.js'

const node = (op: string, inputs: string, output: string, attributes: NodeSpec['attributes'] = {}): NodeSpec => ({
  op,
  inputs: inputs.split(' '),
  outputs: [output],
  attributes,
})

/** Overlapping, padded max-pooling, and one that tiles, behind rectifiers: many windows are all zeros. */
function pooled(): Uint8Array {
  return modelBytes({
    opset: 18,
    nodes: [
      node('Conv', 'x w1', 'c1', { pads: [1, 1, 1, 1] }),
      node('Relu', 'c1', 'r1'),
      node('MaxPool', 'r1', 'm1', { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] }),
      node('Conv', 'm1 w2', 'c2', { pads: [1, 1, 1, 1] }),
      node('Relu', 'c2', 'r2'),
      node('MaxPool', 'r2', 'm2', { kernel_shape: [2, 2], strides: [2, 2] }),
      node('GlobalAveragePool', 'm2', 'g'),
      node('Flatten', 'g', 'f'),
      node('Gemm', 'f w3', 'logits'),
    ],
    inputs: [declare('x', 'float32', ['N', 3, 16, 16])],
    outputs: [declare('logits', 'float32', ['N', 4])],
    initializers: { w1: noise(1, 6, 3, 3, 3), w2: noise(2, 8, 6, 3, 3), w3: noise(3, 8, 4) },
  })
}

/** A picture, and four numbers that multiply what the classes get. */
function twoInputs(): Uint8Array {
  return modelBytes({
    opset: 18,
    nodes: [
      node('Conv', 'x w1', 'c1', { pads: [1, 1, 1, 1] }),
      node('Relu', 'c1', 'r1'),
      node('GlobalAveragePool', 'r1', 'g'),
      node('Flatten', 'g', 'f'),
      node('Gemm', 'f w2', 'plain'),
      node('Mul', 'plain hints', 'logits'),
    ],
    inputs: [declare('x', 'float32', ['N', 3, 16, 16]), declare('hints', 'float32', ['N', 4])],
    outputs: [declare('logits', 'float32', ['N', 4])],
    initializers: { w1: noise(1, 6, 3, 3, 3), w2: noise(3, 6, 4) },
  })
}

const scaled = (path: string): Tensor<'float32'> => {
  const { dims, data, type } = readNpyFloat32(pathOf(path))
  return { type, dims, data: data.map((v) => (v - 127) / 128) }
}

/** Writes models and images into a folder. The paths of both, by name. */
export async function writeContract(folder: string): Promise<{
  readonly models: Readonly<Record<ModelName, string>>
  readonly images: Readonly<Record<ImageName, ImageFile>>
}> {
  const written = (name: string, bytes: Uint8Array): string => {
    const path = join(folder, name)
    writeFileSync(path, bytes)
    return path
  }
  const tensor = (name: string, { dims, data }: Tensor<'float32'>): ImageFile => ({
    kind: 'tensor',
    path: written(`${name}.f32`, new Uint8Array(data.buffer, data.byteOffset, data.byteLength)),
    dims,
  })
  // decoders of JPEG differ by a little, those of PNG by nothing
  const photo = await sharp(pathOf('examples/cat-and-coffee.jpg')).resize(300).png().toBuffer()
  const fixture = (name: string): string => pathOf(`test/fixtures/networks/${name}.onnx`)
  return {
    models: {
      shipped: pathOf(SHIPPED_MODEL),
      resnet: fixture('resnet'),
      vit: fixture('vit'),
      convnext: fixture('convnext'),
      efficientnet: fixture('efficientnet'),
      densenet: fixture('densenet'),
      byobnet: fixture('byobnet'),
      shufflenet: fixture('shufflenet'),
      pooled: written('pooled.onnx', pooled()),
      'two-inputs': written('two-inputs.onnx', twoInputs()),
    },
    images: {
      photo: { kind: 'file', path: written('photo.png', photo) },
      golden: tensor('golden', scaled('test/fixtures/golden/input.npy')),
      small: tensor('small', scaled('test/fixtures/networks/input.npy')),
      tiny: tensor('tiny', noise(4, 3, 16, 16)),
    },
  }
}
