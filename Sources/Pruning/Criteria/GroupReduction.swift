internal import Networks
internal import Torch

/// The reduction of a channel's scores in several layers of its group to one.
///
/// A channel has the scores of all features that belong to it: one in each producer of a residual sum, several where a grouped convolution
/// ties features of one layer together.
public enum GroupReduction: String, Codable, Hashable, Sendable, CaseIterable {
  /// The mean, so that groups of many layers compare with groups of few.
  case mean
  /// The sum.
  case sum
  /// The maximum: a channel stays if any of its layers needs it.
  case max
  /// The score in the first layer only, in the order of the nodes (the mean, where several of its features belong to one channel): Li et
  /// al.'s ranking of a residual stage by one of its layers. The first layer is the stem, or the last convolution of the stage's first
  /// block, which precedes the block's projection.
  case first

  /// Returns one number for all scores of a channel; NaN if any of them is.
  func callAsFunction(_ values: [Double]) -> Double {
    switch self {
    case .sum: values.reduce(0, +)
    case .mean, .first: values.reduce(0, +) / Double(values.count)
    case .max: values.contains { $0.isNaN } ? .nan : values.max() ?? .nan
    }
  }

  /// Returns the scores [width] of a group from the vectors [features] of its members.
  ///
  /// If there is a single member whose features are the channels, its vector is returned unchanged, with its element type; otherwise the
  /// result is float64.
  /// - Throws: ``PruningError/mismatch(_:)`` for vectors that are too short.
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
