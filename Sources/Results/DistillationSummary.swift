internal import Foundation
internal import Words

/// The teacher of a run's trainings, and its part in their loss.
public struct DistillationSummary: Codable, Hashable, Sendable {
  /// T, by which logits were divided.
  public var temperature: Double
  /// Share of the teacher in the loss; at 1 no labels were looked at.
  public var weight: Double
  /// Weight of the teacher's features in the loss (attention transfer); nil for logits alone.
  public var features: Double?
  /// Path of the teacher's file; nil if it was the network itself before the first removal.
  public var teacher: String?

  /// Creates a summary; every parameter sets the property of the same name.
  public init(temperature: Double, weight: Double, features: Double? = nil, teacher: String? = nil) {
    self.temperature = temperature
    self.weight = weight
    self.features = features
    self.teacher = teacher
  }

  /// A line such as `from the unpruned network, at temperature 4; 90 % of the loss, labels the rest`.
  var words: String {
    let share =
      weight < 1
      ? "\(Format.percent(weight, digits: weight * 100 == (weight * 100).rounded() ? 0 : 1)) of the loss, labels the rest"
      : "the whole loss"
    return "from \(teacher?.inLine ?? "the unpruned network"), at temperature \(String(format: "%.6g", temperature)); \(share)"
      + (features.map { ", features \(String(format: "%.6g", $0))" } ?? "")
  }
}
