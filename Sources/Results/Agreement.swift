/// How often two networks put the same class first, of examples without labels.
public struct Agreement: Codable, Hashable, Sendable {
  /// Number of examples for which they do.
  public var same: Int
  /// Number of examples.
  public var count: Int
  /// same/count; 0 of no examples.
  public var fraction: Double { count == 0 ? 0 : Double(same) / Double(count) }

  /// Creates an agreement; every parameter sets the property of the same name.
  public init(same: Int, count: Int) {
    self.same = same
    self.count = count
  }

  /// A line such as `no labels: accuracy is unknown; both networks put the same class first for 91.00 % of 100 examples`.
  var words: String {
    "no labels: accuracy is unknown; both networks put the same class first for \(Format.percent(fraction)) of \(Format.count(count)) examples"
  }
}
