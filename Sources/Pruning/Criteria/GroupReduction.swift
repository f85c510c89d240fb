internal import Networks
internal import Torch

/// How the scores of a channel group's layers become one score per channel.
///
/// A channel's scores are those of all features that belong to it: one in each producer of a residual sum, several where a grouped
/// convolution ties features of one layer together.
public enum GroupReduction: String, Codable, Hashable, Sendable, CaseIterable {
  /// Their mean: groups of many layers compare with groups of few.
  case mean
  /// Their sum.
  case sum
  /// The largest: a channel stays if any layer needs it.
  case max
  /// The first layer's alone, in the order of the nodes (the mean, where several of its features belong to one channel): Li et al.'s
  /// ranking of a residual stage by one of its layers. What comes first is the stem, or the last convolution of the stage's first
  /// block; its projection follows it.
  case first

  /// One number of all the numbers of a channel; NaN if any is.
  func callAsFunction(_ values: [Double]) -> Double {
    switch self {
    case .sum: values.reduce(0, +)
    case .mean, .first: values.reduce(0, +) / Double(values.count)
    case .max: values.contains { $0.isNaN } ? .nan : values.max() ?? .nan
    }
  }

  /// The scores [width] of a group from its members' vectors [features of the member].
  ///
  /// A single member whose features are the channels is taken over as it is, whatever its type; else the result is float64.
  /// - Throws: ``PruningError/mismatch(_:)`` for vectors too short.
  func scores(width: Int, of members: [(member: ChannelGroup.Member, scores: Tensor)]) throws -> Tensor {
    let used = self == .first ? Array(members.prefix(1)) : members
    if used.count == 1, let only = used.first, only.scores.count == width,
      (0..<width).allSatisfy({ only.member.features(ofChannel: $0).elementsEqual(CollectionOfOne($0)) })
    {
      return only.scores
    }
    var values = Array(repeating: [Double](), count: width)
    for (member, scores) in used {
      let scores = try scores.cast(to: .float64).array(Double.self)
      for channel in 0..<width {
        for feature in member.features(ofChannel: channel) {
          guard scores.indices.contains(feature) else {
            throw PruningError.mismatch("\(member.node): \(scores.count) scores, none for unit \(feature)")
          }
          values[channel].append(scores[feature])
        }
      }
    }
    return try Tensor(values.map { self($0) })
  }
}
