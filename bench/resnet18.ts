/** A ResNet-18 as torchvision exports it (He et al., CVPR 2016, table 1; batch norms folded), with random weights: what it costs does not depend on them. */
import { float32, sizeOf, type Tensor } from '../src/core/tensor.js'
import { uniform } from '../src/methods/random.js'
import { declare } from '../src/onnx/builder.js'
import { modelBytes, type NodeSpec } from '../test/support/model.js'

const STAGES = [64, 128, 256, 512]
const CLASSES = 1000

/** Bytes of the .onnx file: `input` float32 `[N,3,224,224]`, `output` float32 `[N,1000]`. */
export function resnet18(): Uint8Array {
  const nodes: NodeSpec[] = []
  const initializers: Record<string, Tensor> = {}
  const add = (op: string, inputs: readonly string[], attributes: NodeSpec['attributes'] = {}): string => {
    const output = `v${nodes.length}`
    nodes.push({ op, inputs, outputs: [output], attributes })
    return output
  }
  const weight = (dims: readonly number[], fanIn: number): string => {
    const name = `w${Object.keys(initializers).length}`
    initializers[name] = random(dims, Math.sqrt(6 / fanIn), Object.keys(initializers).length + 1)
    return name
  }
  const conv = (x: string, from: number, to: number, kernel: number, stride: number): string =>
    add('Conv', [x, weight([to, from, kernel, kernel], from * kernel ** 2), weight([to], 1e6)], {
      kernel_shape: [kernel, kernel],
      strides: [stride, stride],
      pads: Array<number>(4).fill((kernel - 1) / 2),
    })

  let x = add('Relu', [conv('input', 3, 64, 7, 2)])
  x = add('MaxPool', [x], { kernel_shape: [3, 3], strides: [2, 2], pads: [1, 1, 1, 1] })
  let from = 64
  for (const to of STAGES)
    for (const stride of [to === from ? 1 : 2, 1]) {
      const inner = add('Relu', [conv(x, from, to, 3, stride)])
      const short = to === from ? x : conv(x, from, to, 1, stride)
      x = add('Relu', [add('Add', [conv(inner, to, to, 3, 1), short])])
      from = to
    }
  const flat = add('Flatten', [add('GlobalAveragePool', [x])])
  const [matrix, bias] = [weight([from, CLASSES], from), weight([CLASSES], 1e6)]
  nodes.push({ op: 'Gemm', inputs: [flat, matrix, bias], outputs: ['output'] })
  return modelBytes({
    opset: 17,
    nodes,
    inputs: [declare('input', 'float32', ['N', 3, 224, 224])],
    outputs: [declare('output', 'float32', ['N', CLASSES])],
    initializers,
  })
}

/** Uniform numbers from -bound to bound, the same each time. */
function random(dims: readonly number[], bound: number, seed: number): Tensor<'float32'> {
  const next = uniform(seed)
  return float32(
    dims,
    Float32Array.from({ length: sizeOf(dims) }, () => (2 * next() - 1) * bound),
  )
}
