import Networks
import SparseCompiler
import SparseRuntime
import Testing
import Torch
import Training

/// Transposed convolutions in compiled networks.
struct TransposedTests {
  private static let layers: [Convolution] = [
    Convolution(6, 4, kernel: Extent(2), stride: Extent(2), outputPadding: Extent(0)),
    Convolution(6, 4, kernel: Extent(4), stride: Extent(2), padding: Extent(1), bias: false, outputPadding: Extent(0)),
    Convolution(6, 4, kernel: Extent(3), stride: Extent(2), padding: Extent(1), outputPadding: Extent(1)),
    Convolution(6, 4, kernel: Extent(3), padding: Extent(1), outputPadding: Extent(0)),
    // Phases without taps, rows and columns of different kinds.
    Convolution(6, 4, kernel: Extent(1), stride: Extent(3, 2), outputPadding: Extent(2, 1)),
    Convolution(
      6, 4, kernel: Extent(3, 2), stride: Extent(2, 3), padding: Extent(1, 0), dilation: Extent(2, 1), groups: 2,
      outputPadding: Extent(1, 2)),
    Convolution(
      6, 9, kernel: Extent(5, 4), stride: Extent(3, 2), padding: Extent(4, 6), dilation: Extent(3, 4), groups: 3,
      outputPadding: Extent(0, 3)),
    Convolution(6, 6, kernel: Extent(3), stride: Extent(2), padding: Extent(1), groups: 6, outputPadding: Extent(0)),
    // More is cut off than a kernel reaches.
    Convolution(6, 4, kernel: Extent(2), stride: Extent(2), padding: Extent(3), outputPadding: Extent(1)),
  ]

  @Test(arguments: 0..<9) func allOptionsGiveTheExecutorsOutputs(_ index: Int) throws {
    let layer = Self.layers[index]
    for (height, width) in [(5, 7), (8, 5)] {
      var chain = Chain(.image(channels: 2, height: height, width: width))
      chain.add(.convolution(Convolution(2, 6, kernel: Extent(3), padding: Extent(1))))
      chain.add(.convolution(layer))
      if index.isMultiple(of: 2) { chain.add(.batchNorm(BatchNorm(layer.outputs))) }
      chain.add(.activation(index < 5 ? .relu : .tanh))
      chain.add(.convolution(Convolution(layer.outputs, 2, kernel: Extent(3), padding: Extent(1))))
      try expectAllEqual(chain, seed: UInt64(index))
    }
  }

  /// Images of one pixel, of which a generator's first layer makes larger ones, or which stay one.
  @Test(arguments: [
    Convolution(9, 6, kernel: Extent(4), outputPadding: Extent(0)),
    Convolution(9, 6, kernel: Extent(2), stride: Extent(2), outputPadding: Extent(0)),
    Convolution(9, 6, kernel: Extent(3), stride: Extent(7), padding: Extent(1), outputPadding: Extent(0)),
  ]) func onePixel(_ layer: Convolution) throws {
    var chain = Chain(.image(channels: 9, height: 1, width: 1))
    chain.add(.convolution(layer))
    chain.add(.batchNorm(BatchNorm(6)))
    chain.add(.activation(.relu))
    try expectAllEqual(chain, seed: 5)
  }

  private func expectAllEqual(_ chain: Chain, seed: UInt64) throws {
    let shape = try Network(name: "part", nodes: chain.nodes, outputs: [chain.last]).shapes()[chain.last]
    var chain = chain
    let network = try chain.classifier(#require(shape).elements)
    let model = try randomized(network, density: 0.6, seed: seed)
    for kernel: LayerKernel? in [nil, .dense, .sparse(channels: nil), .sparse(channels: 2, vectors: 3)] {
      try expectEqual(model, batch: 1, kernel: kernel)
      try expectEqual(model, batch: 37, kernel: kernel)
    }
    for form in InferenceForm.available {
      for (batch, lone, threads) in [(1, 8, 3), (5, 1, 2)] {
        try expectEqual(model, batch: batch, loneExamples: lone, form: form, threads: threads)
      }
    }
  }

  /// A norm and a rectifier behind it are part of its layer.
  @Test func whatFollowsIsFused() throws {
    var chain = Chain(.image(channels: 6, height: 4, width: 4))
    chain.add(.convolution(Self.layers[0]))
    chain.add(.batchNorm(BatchNorm(4)))
    chain.add(.activation(.relu6))
    let network = try chain.classifier(256)
    let model = try randomized(network, density: 0.5, seed: 1)
    let compiler = try PlanCompiler(network) { try model.tensors[$0]?.detached().array(Float.self) }
    #expect(try CompiledModel(bytes: compiler.plan()).plan.steps.map(\.kernelName) == ["sparse", "interleave", "sparse"])
  }

  @Test func valuesThatNoPlanHoldsAreRefused() throws {
    var chain = Chain(.image(channels: 1, height: 1 << 15, width: 1 << 14))
    chain.add(.roll(down: 1, right: 1))
    let network = Network(name: "wide", nodes: chain.nodes, outputs: [chain.last])
    do {
      _ = try PlanCompiler(network) { _ in nil }
      Issue.record("it was compiled")
    } catch let error as CompilationError {
      #expect(error.description == "wide cannot be compiled: n0 has 536870912 values; possible are 268435456 at most")
    }
  }

  /// A kernel of one tap has a million phases here, all but one of which are the bias alone.
  @Test func tooManyPhasesAreRefused() throws {
    var chain = Chain(.image(channels: 6, height: 2, width: 2))
    chain.add(.convolution(Convolution(6, 64, kernel: Extent(1), stride: Extent(1000), outputPadding: Extent(0))))
    let network = Network(name: "wide", nodes: chain.nodes, outputs: [chain.last])
    do {
      _ = try PlanCompiler(network) { _ in nil }
      Issue.record("it was compiled")
    } catch let error as CompilationError {
      #expect(error.description == "wide cannot be compiled: n1 has 1000×1000 phases of 64 outputs")
    }
  }
}
