import TestSupport
import Testing
import Torch

/// Convolutions with kept weights alone against libtorch's with all others at 0.
@Suite struct SparseConvolutionTests {
  struct Case: CustomTestStringConvertible, Sendable {
    var batch = 20
    var inputs = 18
    var outputs = 19
    var height = 9
    var width = 7
    var kernel: (height: Int, width: Int) = (3, 3)
    var stride: (height: Int, width: Int) = (1, 1)
    var padding: (height: Int, width: Int) = (1, 1)
    var dilation: (height: Int, width: Int) = (1, 1)
    var density = 0.2
    var bias = true
    var testDescription: String {
      "\(batch) of \(inputs)→\(outputs) \(height)×\(width), \(kernel) \(stride) \(padding) \(dilation), \(density), \(bias)"
    }
  }

  static let cases: [Case] = [
    Case(batch: 16, inputs: 16, outputs: 16, height: 8, width: 8), Case(batch: 1, bias: false), Case(batch: 17, inputs: 3),
    Case(batch: 40, inputs: 20, outputs: 33, height: 32, width: 32, density: 0.05),
    // Rows of several groups of 16 examples make a tile.
    Case(batch: 70, height: 2, width: 2), Case(batch: 70, height: 3, width: 5), Case(batch: 33, height: 1, width: 1),
    Case(kernel: (1, 1), padding: (0, 0)), Case(height: 10, kernel: (2, 2), padding: (0, 0)), Case(padding: (0, 0)), Case(padding: (3, 2)),
    Case(height: 11, width: 13, stride: (2, 2)), Case(height: 12, width: 16, kernel: (5, 5), stride: (2, 2), padding: (2, 2)),
    Case(height: 8, width: 8, kernel: (1, 1), stride: (2, 2), padding: (0, 0)),
    Case(height: 15, width: 14, stride: (3, 2), padding: (2, 0)),
    Case(height: 15, width: 15, padding: (4, 4), dilation: (4, 4)),
    Case(height: 15, width: 12, stride: (2, 1), padding: (2, 1), dilation: (3, 2)),
    Case(kernel: (5, 1), padding: (2, 0)), Case(kernel: (1, 4), padding: (0, 3)), Case(inputs: 70, outputs: 5, density: 0.5, bias: false),
    Case(density: 1), Case(density: 0),
  ]

  /// Codes of the kernels' forms that this machine has.
  static let forms: [Int32] = (0...3).filter { form in
    (try? SparseFilters(mask: .ones([1, 1, 1, 1], type: .bool), form: form)) != nil
  }

  private struct Outcome {
    var y, dx, dw, db: [Float]
  }

  /// A layer's operands, and its gradients for a fixed gradient of its output.
  private struct Layer {
    let x, weight, bias, mask, masked: Tensor
    let layer: Case

    init(_ layer: Case, seed: UInt64) throws {
      let generator = try Generator(seed: seed)
      func normal(_ shape: [Int]) throws -> Tensor { try .normal(shape, generator: generator) }
      self.layer = layer
      x = try normal([layer.batch, layer.inputs, layer.height, layer.width]).channelsLast()
      weight = try normal([layer.outputs, layer.inputs, layer.kernel.height, layer.kernel.width]).channelsLast()
      bias = try normal([layer.outputs])
      let draw = try Tensor.uniform(weight.shape, generator: generator)
      mask = try Tensor(draw.array(Float.self).map { Double($0) < layer.density }, shape: draw.shape)
      masked = try mask.select(weight, else: weight.zerosLike())
    }

    func outcome(_ weight: Tensor, _ body: (Tensor, Tensor, Tensor?) throws -> Tensor) throws -> Outcome {
      let (x, weight, bias) = (try x.copied(), try weight.copied(), try bias.copied())
      for tensor in [x, weight, bias] { try tensor.requireGradient() }
      let y = try body(x, weight, layer.bias ? bias : nil)
      // A gradient that differs from place to place, and is not the value's.
      try (y * Tensor.normal(y.shape, generator: Generator(seed: 99))).sum().backward()
      func values(_ tensor: Tensor?) throws -> [Float] { try tensor?.contiguous().array(Float.self) ?? [] }
      return Outcome(
        y: try values(y.detached()), dx: try values(x.gradient), dw: try values(weight.gradient), db: try values(bias.gradient))
    }

    func sparse(_ form: Int32) throws -> Outcome {
      let filters = try SparseFilters(mask: mask, stride: layer.stride, padding: layer.padding, dilation: layer.dilation, form: form)
      return try outcome(weight) { try $0.convolution($1, $2, keeping: filters) }
    }

    func dense() throws -> Outcome {
      try outcome(masked) { try $0.convolution($1, $2, stride: layer.stride, padding: layer.padding, dilation: layer.dilation) }
    }
  }

  @Test(arguments: cases) func equalsTheDenseOne(_ layer: Case) throws {
    #expect(!Self.forms.isEmpty)
    for form in Self.forms {
      let layer = try Layer(layer, seed: 5)
      let (sparse, dense) = (try layer.sparse(form), try layer.dense())
      func expect(_ part: KeyPath<Outcome, [Float]>, _ name: String, _ expected: [Float]) {
        let error = relativeError(sparse[keyPath: part].map(Double.init), expected.map(Double.init))
        #expect(error < 1e-5, "\(name) is off by \(error), form \(form)")
      }
      let kept = try layer.mask.array(Bool.self)
      expect(\.y, "y", dense.y)
      expect(\.dx, "dx", dense.dx)
      expect(\.db, "db", dense.db)
      expect(\.dw, "dw", zip(dense.dw, kept).map { $1 ? $0 : 0 })
      #expect(zip(sparse.dw, kept).allSatisfy { $1 || $0 == 0 })
    }
  }

  @Test(arguments: [Case(batch: 40, height: 14, width: 14), Case(batch: 70, height: 2, width: 2, stride: (2, 1)), Case(batch: 1)])
  func theNumberOfThreadsChangesNoBit(_ layer: Case) throws {
    let before = TorchRuntime.threads
    defer { try? TorchRuntime.configure(threads: before) }
    for form in Self.forms {
      try TorchRuntime.configure(threads: 1)
      let alone = try Layer(layer, seed: 6).sparse(form)
      for threads in [2, 3, 7] {
        try TorchRuntime.configure(threads: threads)
        let others = try Layer(layer, seed: 6).sparse(form)
        #expect(others.y == alone.y, "form \(form), \(threads) threads")
        #expect(others.dx == alone.dx, "form \(form), \(threads) threads")
        #expect(others.dw == alone.dw, "form \(form), \(threads) threads")
      }
    }
  }

  @Test func gradientsAreOfTheWeightsAtThatTime() throws {
    let layer = try Layer(Case(), seed: 7), form = try #require(Self.forms.last)
    let filters = try SparseFilters(mask: layer.mask, padding: (1, 1), form: form)
    var seen: [Tensor] = []
    for changes in [false, true] {
      let (x, weight) = (try layer.x.copied(), try layer.weight.copied())
      try x.requireGradient()
      let y = try x.convolution(weight, nil, keeping: filters)
      if changes { try weight.copy(from: weight.zerosLike()) }
      try y.sum().backward()
      seen.append(try #require(x.gradient))
      #expect(weight.gradient == nil)
    }
    #expect(try seen[0].bytes() == seen[1].bytes())
  }

  /// Without gradients, many examples are computed in parts.
  @Test(arguments: [64, 65, 150]) func manyExamples(_ batch: Int) throws {
    let layer = try Layer(Case(batch: batch, height: 3, width: 5), seed: 10), form = try #require(Self.forms.last)
    let filters = try SparseFilters(mask: layer.mask, padding: (1, 1), form: form)
    let y = try layer.x.convolution(layer.weight, layer.bias, keeping: filters)
    #expect(y.isChannelsLast)
    #expect(try relativeError(y, layer.x.convolution(layer.masked, layer.bias, padding: (1, 1))) < 1e-5)
  }

  @Test func gradientsCanBeAskedForOnce() throws {
    let layer = try Layer(Case(), seed: 9)
    let filters = try SparseFilters(mask: layer.mask, padding: (1, 1), form: #require(Self.forms.last))
    let weight = try layer.weight.copied()
    try weight.requireGradient()
    let loss = try layer.x.convolution(weight, nil, keeping: filters).sum()
    #expect(throws: TorchError("gradient: a convolution with kept weights only has no second derivatives")) {
      _ = try Tensor.gradients(of: [loss], by: [weight], createGraph: true)
    }
    try loss.backward()
    #expect(throws: TorchError("backward: its gradients have been computed already")) { try loss.backward() }
  }

  /// 16 bits do not reach from one row to the next but one; libtorch computes such a layer.
  @Test func wideImages() throws {
    let layer = try Layer(Case(batch: 2, inputs: 2, outputs: 3, height: 3, width: 33_000, density: 0.5), seed: 8)
    let (sparse, dense) = (try layer.sparse(#require(Self.forms.last)), try layer.dense())
    let kept = try layer.mask.array(Bool.self)
    #expect(sparse.y == dense.y)
    #expect(sparse.dx == dense.dx)
    #expect(sparse.dw == zip(dense.dw, kept).map { $1 ? $0 : 0 })
  }

  @Test func whatDoesNotFit() throws {
    let form = try #require(Self.forms.last), mask = try Tensor.ones([2, 3, 3, 3], type: .bool)
    func expect(_ words: String, _ body: () throws -> Void) {
      #expect(throws: TorchError(words)) { try body() }
    }
    expect("sparse_filters: a mask is of Bool and [outputs, inputs, height, width], not Float [2]") {
      _ = try SparseFilters(mask: .ones([2]), form: form)
    }
    expect("sparse_filters: this machine lacks kernels of form 9") { _ = try SparseFilters(mask: mask, form: 9) }
    expect("sparse_filters: a stride of 0, a padding of 0 and a dilation of 1 are impossible") {
      _ = try SparseFilters(mask: mask, stride: (0, 1), form: form)
    }
    let filters = try SparseFilters(mask: mask, form: form)
    let weight = try Tensor.ones([2, 3, 3, 3])
    expect("sparse_convolution: kept weights are of Float and on the CPU") {
      _ = try Tensor.ones([1, 3, 4, 4], type: .float64).convolution(weight, nil, keeping: filters)
    }
    expect("sparse_convolution: weights of [3, 3, 3, 3] have a mask of [2, 3, 3, 3]") {
      _ = try Tensor.ones([1, 3, 4, 4]).convolution(.ones([3, 3, 3, 3]), nil, keeping: filters)
    }
    expect("sparse_convolution: 2 outputs cannot have a bias of [3]") {
      _ = try Tensor.ones([1, 3, 4, 4]).convolution(weight, .ones([3]), keeping: filters)
    }
    for shape in [[1, 4, 4, 4], [1, 3, 2, 4], [3, 4, 4]] {
      let words = shape.map(String.init).joined(separator: ", ")
      expect("sparse_convolution: images of [\(words)] do not fit weights of [2, 3, 3, 3]") {
        _ = try Tensor.ones(shape).convolution(weight, nil, keeping: filters)
      }
    }
  }
}
