import Foundation
import TestSupport
import Testing
import Torch

/// Layers, losses and their gradients against PyTorch's (Tests/Reference/layers.py).
@Suite struct LayerReferenceTests {
  struct Stored: Codable {
    var shape: [Int]
    var values: [Double]
    func tensor(_ type: ElementType) throws -> Tensor { try Tensor(values, shape: shape).cast(to: type) }
  }

  struct Options: Codable {
    var kind: String
    var kernel, stride, padding, dilation, size, sides, shift: [Int]?
    var groups: Int?
    var ceilMode, training, countsPadding, grid: Bool?
    var momentum, epsilon, smoothing, number, temperature, weight: Double?
    var lrn: [Double]?
    var reduction: String?

    func pair(_ values: [Int]?) throws -> (height: Int, width: Int) {
      let values = try #require(values)
      return (values[0], values[1])
    }
  }

  struct Case: Codable, CustomTestStringConvertible {
    var name: String
    var inputs: [String: Stored]
    var options: Options
    var outputs: [String: Stored]
    var testDescription: String { name }
  }

  static let cases: [Case] = {
    guard let data = try? Data(contentsOf: reference("layers.json")) else { return [] }
    return (try? JSONDecoder().decode([Case].self, from: data)) ?? []
  }()

  @Test func theReferenceIsThere() { #expect(Self.cases.count == 69) }

  /// float64 proves the formula; float32 and channels-last run other kernels of the same formula.
  @Test(arguments: cases) func agreesWithPyTorch(_ golden: Case) throws {
    try check(golden, type: .float64, tolerance: 1e-12)
    try check(golden, type: .float32, tolerance: 2e-5)
    if golden.inputs["x"]?.shape.count == 4 { try check(golden, type: .float32, tolerance: 2e-5, channelsLast: true) }
  }

  private func check(_ golden: Case, type: ElementType, tolerance: Double, channelsLast: Bool = false) throws {
    var inputs: [String: Tensor] = [:]
    for (name, stored) in golden.inputs {
      var tensor = try stored.tensor(name == "labels" ? .int64 : type)
      if channelsLast, tensor.rank == 4 { tensor = try tensor.channelsLast() }
      inputs[name] = tensor
    }
    func expect(_ tensor: Tensor?, _ name: String) throws {
      let (tensor, expected) = (try #require(tensor), try #require(golden.outputs[name]))
      #expect(tensor.shape == expected.shape, "\(golden.name): \(name)")
      let error = relativeError(try tensor.doubles(), expected.values)
      #expect(error <= tolerance, "\(golden.name), \(type): \(name) is off by \(error)")
    }
    if golden.options.kind == "hessian" {
      for (name, tensor) in try hessian(inputs) { try expect(tensor, name) }
      return
    }
    let differentiated = golden.outputs.keys.filter { $0.hasPrefix("gradient of ") }.map { String($0.dropFirst(12)) }
    for name in differentiated { try inputs[name]?.requireGradient() }
    let output = try compute(golden.options, inputs)
    try expect(output.detached(), "output")
    try output.power(3).sum().backward()
    for name in differentiated { try expect(inputs[name]?.gradient, "gradient of " + name) }
    for name in golden.outputs.keys where name.hasPrefix("running") { try expect(inputs[name], name) }
  }

  private func compute(_ options: Options, _ inputs: [String: Tensor]) throws -> Tensor {
    let x = try #require(inputs["x"])
    switch options.kind {
    case "convolution":
      return try x.convolution(
        #require(inputs["weight"]), inputs["bias"], stride: options.pair(options.stride), padding: options.pair(options.padding),
        dilation: options.pair(options.dilation), groups: #require(options.groups))
    case "maxPool":
      return try x.maxPool(
        kernel: options.pair(options.kernel), stride: options.pair(options.stride), padding: options.pair(options.padding),
        ceilMode: options.ceilMode ?? false)
    case "averagePool":
      return try x.averagePool(
        kernel: options.pair(options.kernel), stride: options.pair(options.stride), padding: options.pair(options.padding),
        ceilMode: options.ceilMode ?? false, countsPadding: options.countsPadding ?? true)
    case "adaptiveMaxPool":
      let (height, width) = try options.pair(options.size)
      return try x.adaptiveMaxPool(height: height, width: width)
    case "pad":
      let sides = try #require(options.sides)
      return try x.padded(top: sides[0], bottom: sides[1], left: sides[2], right: sides[3])
    case "nearest":
      let (height, width) = try options.pair(options.size)
      return try x.resizedToNearest(height: height, width: width)
    case "bilinear", "bilinearAligned":
      let (height, width) = try options.pair(options.size)
      return try x.resizedBilinearly(height: height, width: width, aligned: options.kind == "bilinearAligned")
    case "channelNorm":
      return try x.channelNorm(weight: inputs["weight"], bias: inputs["bias"], epsilon: #require(options.epsilon))
    case "attention":
      return try x.attention(
        keys: #require(inputs["keys"]), values: #require(inputs["values"]), heads: 2, scale: #require(options.number),
        weights: inputs["weight"], bias: inputs["bias"], window: options.size.map { ($0[0], $0[1]) }, isGrid: options.grid ?? false,
        shift: options.shift.map { ($0[0], $0[1]) } ?? (0, 0))
    case "roll":
      let (down, right) = try options.pair(options.shift)
      return try x.rolled(down: down, right: right)
    case "channelAffine": return try x.channelAffine(#require(inputs["weight"]), inputs["bias"])
    case "gate": return try x.gated(by: #require(inputs["gate"]))
    case "localResponseNorm":
      let numbers = try #require(options.lrn)
      return try x.localResponseNorm(size: Int(numbers[0]), alpha: numbers[1], beta: numbers[2], k: numbers[3])
    case "adaptiveAveragePool":
      let (height, width) = try options.pair(options.size)
      return try x.adaptiveAveragePool(height: height, width: width)
    case "batchNorm":
      return try x.batchNorm(
        weight: inputs["weight"], bias: inputs["bias"], runningMean: inputs["runningMean"],
        runningVariance: inputs["runningVariance"], training: options.training ?? false, momentum: #require(options.momentum),
        epsilon: #require(options.epsilon))
    case "crossEntropy":
      return try x.crossEntropy(
        #require(inputs["labels"]), reduction: #require(LossReduction(rawValue: options.reduction ?? "")),
        labelSmoothing: #require(options.smoothing))
    case "distillation":
      let weight = try #require(options.weight)
      return try x.distillationLoss(
        from: #require(inputs["teacher"]), labels: weight < 1 ? inputs["labels"] : nil,
        temperature: #require(options.temperature), weight: weight, labelSmoothing: #require(options.smoothing))
    case "linear": return try x.linear(#require(inputs["weight"]), inputs["bias"])
    case "softmax": return try x.softmax()
    case "logSoftmax": return try x.logSoftmax()
    case "hardSigmoid": return try x.hardSigmoid()
    case "hardSwish": return try x.hardSwish()
    case "softplus": return try x.softplus()
    case "mish": return try x.mish()
    case "leakyReLU": return try x.leakyReLU(slope: #require(options.number))
    case "elu": return try x.elu(alpha: #require(options.number))
    case "prelu": return try x.prelu(#require(inputs["weight"]))
    case "gelu": return try x.gelu()
    case "silu": return try x.silu()
    case "tanh": return try x.tanh()
    case "sigmoid": return try x.sigmoid()
    case "relu": return try x.relu()
    case "relu6": return try x.relu6()
    default: throw TorchError("no case of kind \(options.kind)")
    }
  }

  private func hessian(_ inputs: [String: Tensor]) throws -> [String: Tensor?] {
    let (kernel, weight) = (try #require(inputs["kernel"]), try #require(inputs["weight"]))
    try kernel.requireGradient()
    try weight.requireGradient()
    let features = try #require(inputs["x"]).convolution(kernel, nil).tanh().flattened(from: 1)
    let loss = try features.matmul(weight.transposed()).crossEntropy(#require(inputs["labels"]))
    let first = try Tensor.gradients(of: [loss], by: [kernel, weight], createGraph: true)
    let (byKernel, byWeight) = (try #require(first[0]), try #require(first[1]))
    let product =
      try (byKernel * #require(inputs["kernelDirection"])).sum() + (byWeight * #require(inputs["weightDirection"])).sum()
    let second = try Tensor.gradients(of: [product], by: [kernel, weight])
    return [
      "output": try loss.detached(), "gradient of kernel": byKernel, "gradient of weight": byWeight, "product of kernel": second[0],
      "product of weight": second[1],
    ]
  }
}
