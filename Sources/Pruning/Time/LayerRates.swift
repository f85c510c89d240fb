public import Networks
internal import Training

/// Pruning rates by layer: the fraction of its remaining weights that each layer loses in a round.
public struct LayerRates: Codable, Hashable, Sendable {
  /// Rate of linear layers, and of all layers without another rate.
  public var fraction: Double
  /// Rate of convolutions; nil for `fraction`.
  public var convolutions: Double?
  /// Rate of the output layer; nil for the rate of its kind.
  public var output: Double?
  /// Names or patterns of layers that lose nothing.
  public var ignored: [String]

  /// Creates rates; every parameter sets the property of the same name.
  public init(fraction: Double, convolutions: Double? = nil, output: Double? = nil, ignored: [String] = []) {
    self.fraction = fraction
    self.convolutions = convolutions
    self.output = output
    self.ignored = ignored
  }

  /// Returns one rate for each of the network's prunable weights, in their order; 0 for layers that lose nothing.
  ///
  /// - Throws: ``PruningError/unknownLayer(option:given:possible:)``.
  public func rates(for network: Network) throws -> [Double] {
    let output = network.outputLayer
    let left = Set(try network.weights(ignoring: ignored))
    let kinds = Dictionary(network.nodes.map { ($0.module, $0.operation) }, uniquingKeysWith: { first, _ in first })
    return network.prunableWeights.map { name in
      guard left.contains(name) else { return 0 }
      if let rate = self.output, name.module == output { return rate }
      if case .convolution = kinds[name.module] { return convolutions ?? fraction }
      return fraction
    }
  }

  /// Checks the rates.
  ///
  /// - Throws: ``PruningError/fraction(option:given:)`` for rates outside [0, 1).
  public func validate() throws {
    for rate in [fraction] + [convolutions, output].compactMap(\.self) { _ = try Fraction.checked(rate, option: "--fraction") }
  }
}

extension Network {
  /// Module of the linear layer or convolution nearest to the network's first output; nil if there is none.
  var outputLayer: String? {
    guard var name = outputs.first else { return nil }
    let index = NetworkIndex(self)
    for _ in nodes {
      guard let node = index.node(named: name) else { return nil }
      switch node.operation {
      case .linear, .convolution: return node.module
      default:
        guard let input = node.inputs.first else { return nil }
        name = input
      }
    }
    return nil
  }
}

/// The number of weights that each layer keeps after each round, computed without any weights.
public enum RoundCounts {
  /// Returns the counts if a layer with rate r keeps 1 − r of its weights in each round: n·(1 − r)^k after round k, rounded only there.
  ///
  /// ```swift
  /// RoundCounts.kept(of: [235_200, 30_000, 1000], rates: [0.2, 0.2, 0.1], rounds: 1)  // […, [188160, 24000, 900]]
  /// ```
  /// - Returns: one list per round, beginning with round 0, before any removal.
  public static func kept(of sizes: [Int], rates: [Double], rounds: Int) -> [[Int]] {
    (0...max(rounds, 0)).map { round in zip(sizes, rates).map { $0 - Rounding.round.gone($1, of: $0, after: round) } }
  }

  /// Returns the counts if exactly the given fraction is gone after the last round (layers of rate 0 apart) and each round keeps the same
  /// fraction of a layer: (1 − r_l·x)^k of its weights after round k, with r_l the layer's rate and x, the same for all layers, chosen so
  /// that the last sum is met; rounded by largest remainders.
  public static func kept(of sizes: [Int], rates: [Double], rounds: Int, sparsity: Double) -> [[Int]] {
    let (total, rounds) = (zip(sizes, rates).reduce(0) { $0 + ($1.1 > 0 ? $1.0 : 0) }, max(rounds, 0))
    let target = total - Rounding.round.count(sparsity, of: total)
    guard rounds > 0, let least = rates.filter({ $0 > 0 }).min() else { return Array(repeating: sizes, count: rounds + 1) }
    func shares(_ x: Double, _ round: Int) -> [Double] {
      zip(sizes, rates).map { size, rate in
        var share = Double(size)
        for _ in 0..<round { share *= max(1 - rate * x, 0) }
        return share
      }
    }
    func open(_ values: [Double]) -> Double { zip(values, rates).reduce(0) { $0 + ($1.1 > 0 ? $1.0 : 0) } }
    // The sum falls with x, from all weights to none.
    var (low, high) = (0.0, 1 / least)
    for _ in 0..<200 {
      let middle = (low + high) / 2
      if open(shares(middle, rounds)) > Double(target) { low = middle } else { high = middle }
    }
    var result = [sizes]
    for round in 1...rounds {
      let shares = shares((low + high) / 2, round)
      let previous = result[result.count - 1]
      let kept = round == rounds ? target : Rounding.round.whole(open(shares), of: total)
      result.append(Apportionment.whole(kept + sum(sizes, where: rates) { $0 <= 0 }, shares: shares, high: previous))
    }
    return result
  }

  private static func sum(_ sizes: [Int], where rates: [Double], _ holds: (Double) -> Bool) -> Int {
    zip(sizes, rates).reduce(0) { $0 + (holds($1.1) ? $1.0 : 0) }
  }
}
