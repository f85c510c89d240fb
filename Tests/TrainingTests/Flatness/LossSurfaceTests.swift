import Datasets
import Foundation
import Networks
import TestSupport
import Testing
import Torch

@testable import Training

/// Derivatives of the mean loss against those of the whole Hessian in PyTorch (Tests/Reference/flatness.py).
struct LossSurfaceTests {
  struct Stored: Codable {
    var shape: [Int]
    var values: [Double]
    func tensor(_ type: ElementType = .float64) throws -> Tensor { try Tensor(values, shape: shape).cast(to: type) }
  }
  struct Study: Codable {
    var names: [String]
    var masks: [String: Stored]
    var parameters: Int
    var loss, trace, covariance: Double
    var gradient, probes, products, noise: Stored
    var eigenvalues, noisy: [Double]
  }
  struct Case: Codable {
    var tensors: [String: Stored]
    var images, labels: Stored
    var dense, masked: Study
  }

  static func network(_ name: String) throws -> Network {
    guard name == "convolution" else {
      var builder = NetworkBuilder(name, input: .vector(6))
      builder.linear("fc1", 5)
      builder.activation(.tanh)
      builder.linear("fc2", 4)
      builder.activation(.tanh)
      builder.linear("fc3", 3)
      return try builder.network()
    }
    var builder = NetworkBuilder(name, input: .image(channels: 2, height: 4, width: 4))
    builder.convolution("conv", 3, kernel: 3, padding: 1)
    builder.batchNorm("bn")
    builder.activation(.gelu)
    builder.maxPool(2)
    builder.flatten()
    builder.linear("fc", 4)
    return try builder.network()
  }

  /// The surface of a case over its examples in batches of 4, and what PyTorch says of it.
  static func load(_ name: String, masked: Bool, _ type: ElementType = .float64) throws -> (
    surface: LossSurface, model: Model, golden: Study
  ) {
    let all = try JSONDecoder().decode([String: Case].self, from: Data(contentsOf: reference("flatness.json")))
    let found = try #require(all[name])
    let golden = masked ? found.masked : found.dense
    var tensors: [ParameterName: Tensor] = [:]
    for (name, stored) in found.tensors { tensors[try #require(ParameterName(name))] = try stored.tensor(type) }
    var model = try Model(network: network(name), tensors: tensors)
    for (name, mask) in golden.masks { model.masks[try #require(ParameterName(name))] = try mask.tensor().notEqual(0) }
    try model.applyMasks()
    let (images, labels) = (try found.images.tensor(type), try found.labels.tensor(.int64))
    let count = labels.count
    let batches = try stride(from: 0, to: count, by: 4).map { start in
      let length = min(4, count - start)
      return Batch(inputs: try images.narrowed(0, from: start, length: length), labels: try labels.narrowed(0, from: start, length: length))
    }
    return (try LossSurface(model, examples: count) { try batches.forEach($0) }, model, golden)
  }

  private static func isClose(_ x: Double, _ y: Double, _ tolerance: Double) -> Bool { abs(x - y) <= tolerance * max(abs(y), 1) }

  @Test(arguments: ["perceptron", "convolution"], [false, true]) func derivativesAreThoseOfTheWholeHessian(name: String, masked: Bool)
    throws
  {
    for (type, tolerance) in [(ElementType.float64, 1e-11), (.float32, 2e-4)] {
      let (surface, model, golden) = try Self.load(name, masked: masked, type)
      #expect(surface.names.map(\.description) == golden.names && surface.parameters == golden.parameters)
      #expect(Self.isClose(try surface.loss(), golden.loss, tolerance))
      #expect(relativeError(try surface.gradient().doubles(), golden.gradient.values) <= tolerance)
      let probes = try golden.probes.tensor(type)
      let products = try surface.hessianProducts((0..<3).map { try probes.selected(0, $0) })
      let error = relativeError(try products.flatMap { try $0.doubles() }, golden.products.values)
      #expect(error <= tolerance, "the products are off by \(error)")
      #expect(Self.isClose(try surface.gradientCovariance(), golden.covariance, tolerance))
      // The trace, exactly: one product with each variable's direction.
      var trace = 0.0
      for index in 0..<probes.shape[1] {
        let direction = try Tensor.zeros([probes.shape[1]], type: type)
        try direction.fill(1, at: Tensor([Int64(index)], shape: [1]))
        trace += try (surface.hessianProduct(surface.vector(of: surface.parts(of: direction))) * direction).sum().item()
      }
      #expect(Self.isClose(trace, golden.trace, tolerance * 10), "\(trace)")
      let noise = try golden.noise.tensor(type)
      for (index, expected) in golden.noisy.enumerated() {
        let loss = try surface.loss(movedBy: surface.scaledByTensors(noise.selected(0, index)) * 0.1)
        #expect(Self.isClose(loss, expected, tolerance), "\(loss) \(expected)")
      }
      // Nothing was moved.
      #expect(Self.isClose(try surface.loss(), golden.loss, tolerance))
      #expect(model.tensors.values.allSatisfy { !$0.requiresGradient })
    }
  }

  @Test(arguments: ["perceptron", "convolution"], [false, true]) func eigenvaluesAreThoseOfTheWholeHessian(name: String, masked: Bool)
    throws
  {
    let (surface, _, golden) = try Self.load(name, masked: masked)
    let start = try surface.randomNormal(Generator(seed: 3))
    let found = try Lanczos(5, from: start, tolerance: 1e-7, most: surface.parameters, product: surface.hessianProduct)
    #expect(relativeError(found.values, Array(golden.eigenvalues.prefix(5))) < 1e-10, "\(found.values)")
    #expect(found.residual <= 1e-7 && found.steps <= surface.parameters)
    // A rough answer knows how rough it is.
    let rough = try Lanczos(5, from: start, tolerance: 0, most: 12, product: surface.hessianProduct)
    let scale = try #require(golden.eigenvalues.map(abs).max())
    #expect(rough.steps == 12 && rough.values.count == 5 && rough.residual > 1e-6)
    for value in rough.values {
      let distance = golden.eigenvalues.map { abs($0 - value) }.min() ?? .infinity
      #expect(distance <= rough.residual * scale * (1 + 1e-9), "\(value)")
    }
  }

  /// The mean over many draws is the trace, and each draw has its place only in what is not pruned.
  @Test(arguments: [false, true]) func randomSignsEstimateTheTrace(masked: Bool) throws {
    let (surface, _, golden) = try Self.load("convolution", masked: masked)
    let stream = try Generator(seed: 1)
    let signs = try (0..<400).map { _ in try surface.randomSigns(stream) }
    let values = try zip(try surface.hessianProducts(signs), signs).map { try ($0 * $1).sum().item() }
    let mean = values.reduce(0, +) / 400
    let squares: [Double] = values.map { ($0 - mean) * ($0 - mean) }
    let error = (squares.reduce(0, +) / (399 * 400)).squareRoot()
    #expect(abs(mean - golden.trace) < 3 * error, "\(mean) ± \(error) for \(golden.trace)")
    for sign in signs.prefix(5) { #expect(try sign.absolute().sum().item() == Double(golden.parameters)) }
    let again = try surface.randomSigns(Generator(seed: 1))
    #expect(try again.doubles() == signs[0].doubles())
  }

  /// One example has no spread; what no output depends on has no derivative.
  @Test func whatIsConstantIsZero() throws {
    var builder = NetworkBuilder("dead", input: .vector(2))
    builder.linear("fc1", 2)
    builder.relu()
    builder.linear("fc2", 2)
    let tensors = try [
      ParameterName("fc1", .weight): Tensor([0, 0, 0, 0] as [Double], shape: [2, 2]),
      ParameterName("fc1", .bias): Tensor([-1, -1] as [Double], shape: [2]),
      ParameterName("fc2", .weight): Tensor([1, 2, 3, 4] as [Double], shape: [2, 2]),
      ParameterName("fc2", .bias): Tensor([0, 0] as [Double], shape: [2]),
    ]
    let batch = Batch(inputs: try Tensor([1, 1] as [Double], shape: [1, 2]), labels: try Tensor([0 as Int64], shape: [1]))
    let surface = try LossSurface(Model(network: builder.network(), tensors: tensors), examples: 1) { try $0(batch) }
    #expect(try surface.gradientCovariance() == 0)
    // The logits are the biases: H is diag(p) − ppᵀ with p = ½, of eigenvalues ½ and 0.
    let found = try Lanczos(3, from: surface.randomNormal(Generator(seed: 0)), tolerance: 1e-9, most: 12, product: surface.hessianProduct)
    let top = try #require(found.values.first)
    #expect(abs(top - 0.5) < 1e-12 && found.steps <= 3, "\(found)")
  }
}

struct LanczosTests {
  /// Eigenvalues 2 − 2cos(jπ/(n + 1)), with last components √(2/(n + 1))·sin(jnπ/(n + 1)).
  @Test(arguments: [1, 2, 3, 10, 60]) func aTridiagonalMatrixWithKnownEigenvalues(n: Int) {
    let pairs = Tridiagonal(Array(repeating: 2, count: n), Array(repeating: -1, count: n - 1)).eigenpairs()
    let (unit, scale) = (Double.pi / Double(n + 1), (2 / Double(n + 1)).squareRoot())
    for (pair, j) in zip(pairs, stride(from: n, through: 1, by: -1)) {
      let value: Double = 2 - 2 * cos(Double(j) * unit)
      let last: Double = abs(scale * sin(Double(j * n) * unit))
      #expect(abs(pair.value - value) < 1e-13)
      #expect(abs(abs(pair.last) - last) < 1e-13)
    }
    #expect(pairs.count == n)
  }

  @Test func partsThatDoNotTouchAreFound() {
    #expect(Tridiagonal([1, 3, 2], [0, 0]).eigenpairs().map(\.value) == [3, 2, 1])
    #expect(Tridiagonal([0, 0], [0]).eigenpairs().map(\.value) == [0, 0] && Tridiagonal([], []).eigenpairs().isEmpty)
  }

  /// A matrix of rank 2: the third step finds that nothing is left.
  @Test func itStopsWhereNothingIsLeft() throws {
    let diagonal = try Tensor([5, -7, 0, 0, 0, 0] as [Double], shape: [6])
    let start = try Tensor([1, 1, 1, 1, 1, 1] as [Double], shape: [6])
    let found = try Lanczos(4, from: start, tolerance: 0, most: 100) { try diagonal * $0 }
    #expect(found.steps == 3 && relativeError(found.values, [5, 0, -7]) < 1e-14 && found.residual < 1e-7)
    let none = try Lanczos(2, from: try start.zerosLike(), tolerance: 0, most: 100) { try diagonal * $0 }
    #expect(none.values == [] && none.steps == 0)
  }
}
