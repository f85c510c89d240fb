public import Networks

/// Which units leave, by channel group: ascending indices among the units that the group has now.
///
/// Printed one group to a line: `conv1 64 → 50: conv1[out] → bn1 → conv2[in]`.
public struct SurgeryPlan: Codable, Hashable, Sendable {
  /// Indices by group name; groups that lose nothing are missing.
  public var removals: [String: [Int]]

  /// A plan; empty lists are dropped, indices put in order.
  public init(removals: [String: [Int]]) { self.removals = removals.filter { !$0.value.isEmpty }.mapValues { $0.sorted() } }

  /// Whether nothing leaves.
  public var isEmpty: Bool { removals.isEmpty }
  /// Units that leave.
  public var count: Int { removals.values.reduce(0) { $0 + $1.count } }

  /// The plan in words for a network, one line per group that loses units, in the order of the layers.
  ///
  /// - Throws: ``NetworkError`` from the network's shapes.
  public func lines(for network: Network) throws -> [String] {
    try network.channelGroups().groups.compactMap { group in
      guard let gone = removals[group.name] else { return nil }
      return "\(group.name) \(group.width) → \(group.width - gone.count): \(group)"
    }
  }
}
