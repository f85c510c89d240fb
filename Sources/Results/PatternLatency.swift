internal import Foundation

/// What the sparse runtime takes for a network whose weights are left in another pattern, in each layer as many as there are.
///
/// Such a network was not trained: it says what the pattern would be worth if accuracy stayed the same.
public struct PatternLatency: Codable, Hashable, Sendable {
  /// A duration, and its ratio to that of the network itself, measured in turn with it.
  public struct Time: Codable, Hashable, Sendable {
    /// Images per forward pass.
    public var batch: Int
    /// Seconds per forward pass: the least of several, as other work on the machine only adds to them.
    public var seconds: Double
    /// Relative to the network as it is.
    public var ratio: Double
    /// Creates a time.
    public init(batch: Int, seconds: Double, ratio: Double) { (self.batch, self.seconds, self.ratio) = (batch, seconds, ratio) }
  }
  /// The pattern as `--granularity` takes it, e.g. `block:4x4`.
  public var pattern: String
  /// For each measured batch size.
  public var times: [Time]

  /// Creates a pattern's times.
  public init(pattern: String, times: [Time]) { (self.pattern, self.times) = (pattern, times) }

  /// The most that a pattern's times may be of the network's own to be called faster.
  public static let worthwhile = 0.95

  /// The geometric mean of the ratios.
  var ratio: Double {
    times.isEmpty ? 1 : pow(times.reduce(1) { $0 * $1.ratio }, 1 / Double(times.count))
  }

  /// Returns the pattern of the least times, over all batch sizes alike; nil if none is worthwhile.
  public static func fastest(of patterns: [PatternLatency]) -> PatternLatency? {
    patterns.filter { $0.ratio <= worthwhile }.min { $0.ratio < $1.ratio }
  }

  /// A line such as `blocks of 4×4: 1.90 µs at batch 1 (0.65×), 9.10 µs at batch 64 (0.58×), if accuracy holds (--granularity block:4x4)`.
  var words: String {
    let parts = times.map { "\(Format.duration($0.seconds)) at batch \($0.batch) (\(Format.ratio($0.ratio)))" }
    return "\(name): \(parts.joined(separator: ", ")), if accuracy holds (--granularity \(pattern))"
  }

  private var name: String {
    let parts = pattern.split(separator: ":").map(String.init)
    switch parts.first {
    case "block" where parts.count == 2: return "blocks of \(parts[1].replacing("x", with: "×"))"
    case "kernel": return "whole kernels"
    case "nm" where parts.count == 3: return "\(parts[1]) of each \(parts[2]) inputs"
    default: return pattern
    }
  }
}
