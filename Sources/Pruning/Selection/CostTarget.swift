internal import Networks

/// What a network is to cost in the end, in the measure that matters to who ships it.
///
/// Units are removed in the order of the ranking until the network costs no more: the search bisects the number that leaves,
/// so that the network is the largest on its way down that meets the target. Costs fall with every unit, but not by equal parts.
public struct CostTarget: Codable, Hashable, Sendable {
  /// What is counted or measured.
  public enum Measure: String, Codable, Hashable, Sendable, CaseIterable {
    /// Weights, biases, scales and shifts.
    case parameters
    /// Multiplies of one example.
    case macs
    /// Bytes of all tensors in float32.
    case bytes
    /// Measured seconds of one forward pass on this machine.
    case latency

    /// The unit in words.
    public var unit: String {
      switch self {
      case .parameters: "parameters"
      case .macs: "MACs"
      case .bytes: "bytes"
      case .latency: "s"
      }
    }
  }

  /// How much.
  public enum Amount: Codable, Hashable, Sendable {
    /// This fraction of the original's cost is gone in the end.
    case less(Double)
    /// So much is left: parameters, MACs, bytes, or seconds.
    case most(Double)
  }

  /// What is counted or measured.
  public var measure: Measure
  /// How much.
  public var amount: Amount

  /// A target.
  public init(_ measure: Measure, _ amount: Amount) {
    self.measure = measure
    self.amount = amount
  }

  /// The cost to reach by event k of n when the original costs `original`: the schedule's course to the share that is gone in the end,
  /// so that `exponential` keeps the same part of it each time.
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
  /// What the network costs, but for latency, which only a measurement tells.
  ///
  /// - Throws: what ``cost()`` throws.
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

/// Finds the smallest step of a descent that meets a goal.
enum Bisection {
  /// The smallest step in 0 ... last that meets the goal, if steps only ever come nearer to it; nil if the last one does not.
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
