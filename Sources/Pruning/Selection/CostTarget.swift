internal import Networks

/// A target for the network's cost, in the measure that matters for deployment.
///
/// Units are removed in the order of the ranking until the network costs no more than the target. The search bisects the number of removed
/// units, so that the result is the largest network on that path that meets the target. Costs fall with every unit, but not by equal
/// amounts.
public struct CostTarget: Codable, Hashable, Sendable {
  /// The measure of a network's cost.
  public enum Measure: String, Codable, Hashable, Sendable, CaseIterable {
    /// Number of weights, biases, scales and shifts.
    case parameters
    /// Number of multiplications for one example.
    case macs
    /// Size of all tensors in float32, in bytes.
    case bytes
    /// Measured duration of one forward pass on this machine, in seconds.
    case latency

    /// Name of the unit.
    public var unit: String {
      switch self {
      case .parameters: "parameters"
      case .macs: "MACs"
      case .bytes: "bytes"
      case .latency: "s"
      }
    }
  }

  /// The target value, relative or absolute.
  public enum Amount: Codable, Hashable, Sendable {
    /// Fraction of the original's cost by which the final network is cheaper.
    case less(Double)
    /// Maximum cost of the final network, in parameters, MACs, bytes or seconds.
    case most(Double)
  }

  /// Measure of the cost.
  public var measure: Measure
  /// Target value.
  public var amount: Amount

  /// Creates a target.
  public init(_ measure: Measure, _ amount: Amount) {
    self.measure = measure
    self.amount = amount
  }

  /// Returns the cost to reach at event k of n if the original costs `original`: the schedule leads to the final reduction, so that
  /// `exponential` keeps the same fraction of the cost at each event.
  func goal(original: Double, schedule: SparsitySchedule, event k: Int, of n: Int) -> Double {
    let (end, gone): (Double, Double) =
      switch amount {
      case .less(let fraction): (original * (1 - fraction), fraction)
      case .most(let cost): (cost, 1 - cost / original)
      }
    return k >= n || end >= original ? end : original * (1 - schedule.sparsity(afterEvent: k, of: n, fraction: gone))
  }
}

extension Network {
  /// Returns the network's cost; nil for latency, which must be measured.
  ///
  /// - Throws: the errors of ``cost()``.
  func counted(_ measure: CostTarget.Measure) throws -> Double? {
    let cost = try cost()
    return switch measure {
    case .parameters: Double(cost.parameters)
    case .macs: Double(cost.macs)
    case .bytes: Double(cost.bytes)
    case .latency: nil
    }
  }
}

/// Bisection for the smallest step of a descent that meets a goal.
enum Bisection {
  /// Returns the smallest step in 0 … last that meets the goal, provided that all later steps meet it, too; nil if the last one does not.
  static func smallest(upTo last: Int, meets: (Int) throws -> Bool) rethrows -> Int? {
    guard try meets(last) else { return nil }
    var (low, high) = (-1, last)
    while high - low > 1 {
      let middle = low + (high - low) / 2
      if try meets(middle) { high = middle } else { low = middle }
    }
    return high
  }
}
