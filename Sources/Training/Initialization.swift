internal import Foundation
public import Networks
public import Torch

/// The distribution of freshly initialised weights.
public enum Initialization: String, Codable, Hashable, Sendable, CaseIterable {
  /// N(0, 2/fan-in), biases 0 (He et al. 2015).
  case kaimingNormal = "kaiming-normal"
  /// U(±√(6/fan-in)), biases 0.
  case kaimingUniform = "kaiming-uniform"
  /// N(0, 2/(fan-in + fan-out)), biases 0 (Glorot & Bengio 2010).
  case glorotNormal = "glorot-normal"
  /// U(±√(6/(fan-in + fan-out))), biases 0.
  case glorotUniform = "glorot-uniform"
  /// ±√(2/fan-in), each sign with probability ½, biases 0 (Ramanujan et al. 2020).
  case signedKaiming = "signed-kaiming"
  /// PyTorch's default for its layers: weights and biases from U(±1/√fan-in).
  case pytorch

  /// Draws tensors for every parameter of a network; norms and scales start as the identity, learned slopes below 0 as ¼ (He et al.
  /// 2015), class tokens as 0, embeddings of positions and biases of attention as N(0, 0.02²) (Dosovitskiy et al. 2021, Liu et al. 2021), and
  /// the numbers that multiply cosines as 10 (Liu et al. 2022).
  ///
  /// fan-in = inputs/groups × kernel area, fan-out = outputs × kernel area. The same seed gives the same bits.
  public func tensors(for network: Network, seed: UInt64, type: ElementType = .float32) throws -> [ParameterName: Tensor] {
    let generator = try Generator(seed: seed)
    var tensors: [ParameterName: Tensor] = [:]
    var fanIn: [String: Int] = [:]
    let tokens = Set(network.nodes.compactMap { if case .classToken = $0.operation { $0.module } else { nil } })
    let embeddings = Set(network.nodes.compactMap { if case .positionEmbedding = $0.operation { $0.module } else { nil } })
    let slopes = Set(network.nodes.compactMap { if case .prelu = $0.operation { $0.module } else { nil } })
    let attention = Set(network.nodes.compactMap { if case .attention = $0.operation { $0.module } else { nil } })
    for (name, dimensions) in try network.parameterShapes() {
      switch name.role {
      case .weight where embeddings.contains(name.module):
        tensors[name] = try .normal(dimensions, deviation: 0.02, type: type, generator: generator)
      case .bias where attention.contains(name.module):
        tensors[name] = try .normal(dimensions, deviation: 0.02, type: type, generator: generator)
      case .weight where attention.contains(name.module): tensors[name] = try .full(dimensions, 10, type: type)
      case .weight where tokens.contains(name.module): tensors[name] = try .zeros(dimensions, type: type)
      case .weight where dimensions.count > 1:
        let area = dimensions.dropFirst(2).reduce(1, *)
        fanIn[name.module] = dimensions[1] * area
        tensors[name] = try weight(dimensions, fanIn: dimensions[1] * area, fanOut: dimensions[0] * area, type, generator)
      case .weight where slopes.contains(name.module): tensors[name] = try .full(dimensions, 0.25, type: type)
      case .weight, .runningVariance: tensors[name] = try .ones(dimensions, type: type)
      case .bias:
        let bound = self == .pytorch ? fanIn[name.module].map { 1 / Double(max($0, 1)).squareRoot() } : nil
        tensors[name] =
          try bound.map { try .uniform(dimensions, low: -$0, high: $0, type: type, generator: generator) }
          ?? .zeros(dimensions, type: type)
      case .runningMean: tensors[name] = try .zeros(dimensions, type: type)
      }
    }
    return tensors
  }

  private func weight(_ shape: [Int], fanIn: Int, fanOut: Int, _ type: ElementType, _ generator: Generator) throws -> Tensor {
    let (input, sum) = (Double(max(fanIn, 1)), Double(max(fanIn + fanOut, 1)))
    func normal(_ variance: Double) throws -> Tensor {
      try .normal(shape, deviation: variance.squareRoot(), type: type, generator: generator)
    }
    func uniform(_ bound: Double) throws -> Tensor { try .uniform(shape, low: -bound, high: bound, type: type, generator: generator) }
    switch self {
    case .kaimingNormal: return try normal(2 / input)
    case .kaimingUniform: return try uniform((6 / input).squareRoot())
    case .glorotNormal: return try normal(2 / sum)
    case .glorotUniform: return try uniform((6 / sum).squareRoot())
    case .signedKaiming:
      let (coins, magnitude) = (try Tensor.empty(shape, type: type), (2 / input).squareRoot())
      try coins.fillBernoulli(0.5, generator: generator)
      return try coins.notEqual(0).select(coins.fullLike(magnitude), else: coins.fullLike(-magnitude))
    case .pytorch: return try uniform(1 / input.squareRoot())
    }
  }
}

extension Model {
  /// Creates a freshly initialised model; the same seed gives the same bits.
  public init(_ network: Network, initialization: Initialization = .kaimingUniform, seed: UInt64) throws {
    try self.init(network: network, tensors: initialization.tensors(for: network, seed: seed))
  }
}
