public import Networks

/// The units that a surgery removes, by channel group: ascending indices into the group's present units.
///
/// Printed with one group to a line: `conv1 64 → 50: conv1[out] → bn1 → conv2[in]`.
public struct SurgeryPlan: Codable, Hashable, Sendable {
  /// Indices by group name; groups that lose nothing are missing.
  public var removals: [String: [Int]]

  /// Creates a plan; empty lists are dropped and indices sorted.
  public init(removals: [String: [Int]]) { self.removals = removals.filter { !$0.value.isEmpty }.mapValues { $0.sorted() } }

  /// Whether nothing is removed.
  public var isEmpty: Bool { removals.isEmpty }
  /// Number of removed units.
  public var count: Int { removals.values.reduce(0) { $0 + $1.count } }

  /// Returns a description of the plan for a network, with one line per group that loses units, in the order of the layers.
  ///
  /// - Throws: `NetworkError` from the network's shapes.
  public func lines(for network: Network) throws -> [String] {
    try network.channelGroups().groups.compactMap { group in
      guard let gone = removals[group.name] else { return nil }
      return "\(group.name) \(group.width) → \(group.width - gone.count): \(group)"
    }
  }
}
