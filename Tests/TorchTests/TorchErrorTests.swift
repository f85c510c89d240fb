import TestSupport
import Testing
import Torch

/// Every failure inside libtorch is a Swift error of one line that begins with the operation's name.
@Suite struct TorchErrorTests {
  private func words(_ body: () throws -> Any) -> String {
    do {
      _ = try body()
      return "no error"
    } catch { return "\(error)" }
  }

  @Test func exactWords() throws {
    let image = try Tensor.zeros([1, 3, 4, 4])
    #expect(
      words { try image.convolution(Tensor.zeros([2, 1, 3, 3]), nil) }
        == "convolution: Given groups=1, weight of size [2, 1, 3, 3], expected input[1, 3, 4, 4] to have 1 channels, but got 3 channels instead"
    )
    #expect(
      words { try Tensor.zeros([2, 3]).matmul(Tensor.zeros([2, 3])) }
        == "matmul: mat1 and mat2 shapes cannot be multiplied (2x3 and 2x3)")
    #expect(
      words { try Tensor.zeros([2]) + Tensor.zeros([3]) }
        == "add: The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0")
    #expect(words { try Tensor.zeros([2, 3]).reshaped([4]) } == "reshape: shape '[4]' is invalid for input of size 6")
    #expect(
      words { try Tensor.zeros([1, 3]).crossEntropy(Tensor([3] as [Int64])) } == "cross_entropy: Target 3 is out of bounds.")
    #expect(words { try Tensor.zeros([2]).item() } == "item: a Tensor with 2 elements cannot be converted to Scalar")
    #expect(
      words { try Tensor.zeros([4]).dropout(1, generator: Generator(seed: 1)) }
        == "dropout: the probability must lie in [0, 1), not 1")
    #expect(
      words { try batchNorm(Tensor.zeros([1, 3])) }
        == "batch_norm: training needs more than one value per channel, and the batch is [1, 3]")
    #expect(
      words { try Tensor.zeros([2]).backward() } == "backward: element 0 of tensors does not require grad and does not have a grad_fn")
    #expect(words { try Tensor.zeros([2]).copy(from: Tensor.zeros([3])) } == "copy: the destination is [2], the source [3]")
  }

  private func batchNorm(_ x: Tensor) throws -> Tensor {
    try x.batchNorm(
      weight: nil, bias: nil, runningMean: .zeros([3]), runningVariance: .ones([3]), training: true, momentum: 0.1, epsilon: 1e-5)
  }

  /// Hostile arguments: a line with the name in front, no trap, no division by zero, no allocation of what was asked.
  @Test func namesStandInFront() throws {
    let x = try Tensor.zeros([2, 3])
    let image = try Tensor.zeros([1, 1, 4, 4])
    let kernel = try Tensor.zeros([1, 1, 2, 2])
    let generator = try Generator(seed: 1)
    let failing: [(String, () throws -> Any)] = [
      ("convolution", { try image.convolution(kernel, nil, stride: (0, 0)) }),
      ("convolution", { try image.convolution(kernel, nil, groups: 0) }),
      ("convolution", { try image.convolution(kernel, nil, dilation: (0, 1)) }),
      ("convolution", { try image.convolution(kernel, nil, padding: (-1, 0)) }),
      ("convolution", { try image.convolution(Tensor.zeros([1, 1, 9, 9]), nil) }),
      ("convolution", { try image.convolution(kernel, Tensor.zeros([7])) }),
      ("max_pool", { try image.maxPool(kernel: (0, 0), stride: (1, 1)) }),
      ("max_pool", { try image.maxPool(kernel: (2, 2), stride: (0, 0)) }),
      ("max_pool", { try image.maxPool(kernel: (9, 9), stride: (1, 1)) }),
      ("max_pool", { try image.maxPool(kernel: (2, 2), stride: (2, 2), padding: (2, 2)) }),
      ("average_pool", { try image.averagePool(kernel: (0, 0), stride: (1, 1)) }),
      ("average_pool", { try image.averagePool(kernel: (2, 2), stride: (-1, 1)) }),
      ("adaptive_average_pool", { try image.adaptiveAveragePool(height: -1, width: 1) }),
      ("linear", { try x.linear(Tensor.zeros([2, 4]), nil) }),
      ("batch_norm", { try batchNorm(Tensor.zeros([2, 4])) }),
      ("cross_entropy", { try x.crossEntropy(Tensor([0, -1] as [Int64])) }),
      ("cross_entropy", { try x.crossEntropy(Tensor([0] as [Int64])) }),
      ("cross_entropy", { try x.crossEntropy(Tensor([0, 1] as [Float])) }),
      ("softmax", { try x.softmax(5) }), ("log_softmax", { try x.logSoftmax(5) }), ("sum", { try x.sum(2) }), ("max", { try x.max(7) }),
      ("max", { try Tensor.zeros([0]).max() }), ("argmax", { try x.argmax(0, 1) }), ("product", { try x.product(0, 1) }),
      ("cumulative_sum", { try x.cumulativeSum(3) }), ("argsort", { try x.argsort(3) }), ("top", { try x.top(4).values }),
      ("permute", { try x.permuted([0, 0]) }), ("expand", { try x.expanded([5, 5]) }), ("flatten", { try x.flattened(from: 3) }),
      ("narrow", { try x.narrowed(0, from: 1, length: 2) }), ("slice", { try x.sliced(0, step: 0) }), ("select", { try x.selected(0, 2) }),
      ("index_select", { try x.indexed(0, [2]) }), ("index_select", { try x.indexed(0, [-1]) }),
      ("gather", { try x.gathered(1, Tensor([3] as [Int64], shape: [1, 1])) }), ("concatenate", { try Tensor.concatenated([]) }),
      ("concatenate", { try Tensor.concatenated([x, Tensor.zeros([2, 4])]) }), ("stack", { try Tensor.stacked([x, Tensor.zeros([3])]) }),
      ("pad", { try x.padded([1]) }), ("fill_at", { try x.fill(1, at: Tensor([6] as [Int64])) }),
      ("fill_at", { try x.transposed().fill(1, at: Tensor([0] as [Int64])) }), ("where", { try x.select(x, else: Tensor.zeros([7])) }),
      ("negative", { try -Tensor([true]) }),
      ("full", { try Tensor.zeros([-1]) }), ("full", { try Tensor.zeros([1 << 62, 1 << 62]) }), ("empty", { try Tensor.empty([1 << 61]) }),
      ("arange", { try Tensor.range(-1) }), ("permutation", { try Tensor.permutation(-1, generator: generator) }),
      ("fill_normal", { try x.fillNormal(deviation: -1, generator: generator) }),
      ("fill_uniform", { try x.fillUniform(low: 1, high: 0, generator: generator) }),
      ("fill_bernoulli", { try x.fillBernoulli(2, generator: generator) }), ("channels_last", { try x.channelsLast() }),
      ("generator_set_state", { try generator.restore(Tensor.zeros([3])) }),
      ("generator_set_state", { try generator.restore(Tensor.zeros([5056], type: .uint8)) }),
      ("requires_grad", { try Tensor([1] as [Int64]).requireGradient() }), ("gradient", { try Tensor.gradients(of: [x], by: [x]) }),
      ("gradient", { try Tensor.gradients(of: [], by: [x]) }), ("set_threads", { try TorchRuntime.configure(threads: 0) }),
    ]
    for (index, (name, body)) in failing.enumerated() {
      let text = words(body)
      #expect(text.hasPrefix(name + ": "), "number \(index), \(name): \(text)")
      #expect(!text.contains("\n"), "\(text)")
    }
  }

  @Test func whatLoadsNoCUDA() {
    #expect(words { try TorchRuntime.loadCUDA(from: "/nowhere/libtorch_cuda.so") }.hasPrefix("load_cuda: /nowhere/libtorch_cuda.so: "))
  }
}
