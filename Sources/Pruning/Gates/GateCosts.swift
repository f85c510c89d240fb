internal import Networks

/// The expected cost of open gates, which the penalty weighs.
///
/// Weights: Σ cost·p over all gates, p the probability that a gate is open. Multiplications: of a layer, taps·positions times the expected
/// number of its inputs and of its outputs, group by group; gates are independent, so this is the expectation itself.
struct GateCosts {
  /// A layer's multiplications: `each` times Σ of its inputs' p times Σ of its outputs' p, within each convolution group.
  private struct Product {
    let each: Double
    let inputs: [[(channel: Int, position: Int)]]
    /// Empty for a depthwise convolution, whose outputs are its inputs.
    let outputs: [[Int]]
  }

  private let products: [Product]
  private let weights: [Double]

  /// Costs in weights: `weights` of each gate.
  init(weights: [Double]) { (products, self.weights) = ([], weights) }

  /// Costs in expected multiplications.
  init(macsOf network: Network, _ layout: GateLayout) throws {
    weights = []
    let shapes = try network.shapes()
    var made: [String: [Int]] = [:]
    for layer in layout.layers {
      guard case .channels(let group) = layer.subject else { continue }
      for member in group.producers {
        for channel in 0..<group.width {
          for feature in member.features(ofChannel: channel) {
            made[member.node, default: Array(repeating: -1, count: shapes[member.node]?.channels ?? 0)][feature] =
              layer.range.lowerBound + channel
          }
        }
      }
    }
    let gated = Dictionary(layout.gated.map { ($0.name, $0) }, uniquingKeysWith: { first, _ in first })
    products = network.nodes.compactMap { node in
      let each: Double
      let inputs: Int
      var groups = 1
      switch node.operation {
      case .linear(let layer):
        each = 1
        inputs = layer.inputs
      case .convolution(let layer):
        each =
          Double(layer.kernel.height) * Double(layer.kernel.width)
          * Double(shapes[layer.isTransposed ? node.inputs.first ?? "" : node.name]?.positions ?? 1)
        inputs = layer.inputs
        groups = layer.groups
        if layer.isDepthwise {
          let own = made[node.name] ?? Array(repeating: -1, count: layer.outputs)
          return Product(each: each, inputs: own.map { [(channel: $0, position: -1)] }, outputs: [])
        }
      default: return nil
      }
      let own = made[node.name] ?? Array(repeating: -1, count: shapes[node.name]?.channels ?? 0)
      let read = gated[ParameterName(node.module, .weight)]
      let perGroup = inputs / groups
      let features = (0..<perGroup).map { (channel: Int(read?.channel[$0] ?? -1), position: Int(read?.position[$0] ?? -1)) }
      let size = own.count / groups
      return Product(
        each: each, inputs: Array(repeating: features, count: groups), outputs: (0..<groups).map { Array(own[$0 * size..<($0 + 1) * size]) }
      )
    }
  }

  /// Returns the expected cost, and writes its derivatives with respect to each p.
  func expected(_ open: UnsafeBufferPointer<Float>, slopes: UnsafeMutableBufferPointer<Float>) -> Double {
    guard !products.isEmpty else {
      var sum = 0.0
      for gate in weights.indices {
        slopes[gate] = Float(weights[gate])
        sum += weights[gate] * Double(open[gate])
      }
      return sum
    }
    for gate in slopes.indices { slopes[gate] = 0 }
    func p(_ gate: Int) -> Double { gate < 0 ? 1 : Double(open[gate]) }
    var total = 0.0
    for product in products {
      for group in product.inputs.indices {
        let inputs = product.inputs[group].reduce(0.0) { $0 + p($1.channel) * p($1.position) }
        let outputs = product.outputs.isEmpty ? 1 : product.outputs[group].reduce(0.0) { $0 + p($1) }
        total += product.each * inputs * outputs
        for (channel, position) in product.inputs[group] {
          if channel >= 0 { slopes[channel] += Float(product.each * outputs * p(position)) }
          if position >= 0 { slopes[position] += Float(product.each * outputs * p(channel)) }
        }
        for gate in product.outputs.isEmpty ? [] : product.outputs[group] where gate >= 0 {
          slopes[gate] += Float(product.each * inputs)
        }
      }
    }
    return total
  }
}
