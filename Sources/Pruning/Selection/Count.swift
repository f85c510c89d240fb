internal import Foundation

/// The rounding of a fraction of n things to a whole number; the only place where this happens.
///
/// A tolerance compensates for the binary representation of decimal fractions: 0.29·100 is 28.999… in floating point, and its `floor` is
/// still 29; 0.29·50 is 14.499…, and it still rounds up to 15. The tolerance is 1e-9, or n·2⁻⁴⁸ where n is so large that the error of the
/// product itself reaches that. Li et al. 2017 counted with `ceil`; Salcedo & Sharma's 3,136 filters of VGG-16 need `floor`.
public enum Rounding: String, Codable, Hashable, Sendable, CaseIterable {
  /// ⌊p·n + 0.5⌋.
  case round
  /// ⌊p·n⌋.
  case floor
  /// ⌈p·n⌉.
  case ceil

  /// Returns a fraction of n things as a whole number between 0 and n.
  ///
  /// ```swift
  /// Rounding.floor.count(0.05, of: 64)  // 3
  /// ```
  public func count(_ fraction: Double, of n: Int) -> Int {
    guard n > 0, fraction > 0 else { return 0 }
    return whole(fraction * Double(n), of: n)
  }

  /// Rounds a real number of n things to a whole number between 0 and n.
  func whole(_ exact: Double, of n: Int) -> Int {
    let tolerance = max(1e-9, Double(n) * 0x1p-48)
    let rounded: Double =
      switch self {
      case .round: (exact + 0.5 + tolerance).rounded(.down)
      case .floor: (exact + tolerance).rounded(.down)
      case .ceil: (exact - tolerance).rounded(.up)
      }
    guard rounded < Double(n) else { return max(n, 0) }
    return max(Int(rounded), 0)
  }

  /// Returns how many of n things are gone after a number of events that each remove a fraction of what is left.
  ///
  /// `round` counts from the exact curve n·(1 − p)^k, so that no remainder is ever lost, however small the steps and n are: twenty times 2
  /// % remove 7 of 20 things. `floor` and `ceil` reproduce the arithmetic of published papers, and round at each event separately.
  func gone(_ fraction: Double, of n: Int, after events: Int) -> Int {
    switch self {
    case .round: return count(1 - pow(1 - fraction, Double(events)), of: n)
    case .floor, .ceil:
      var (gone, left) = (0, events)
      while left > 0 {
        let next = count(fraction, of: n - gone)
        if next == 0 { break }
        gone += next
        left -= 1
      }
      return gone
    }
  }
}

/// Checks of fractions in user input.
public enum Fraction {
  /// Returns the fraction if it lies in [0, 1); subnormal numbers, which JSON does not reproduce exactly, are rejected.
  ///
  /// - Parameter option: the option that the value belongs to, e.g. `--sparsity`; begins the message.
  /// - Throws: ``PruningError/fraction(option:given:)``.
  public static func checked(_ value: Double, option: String) throws -> Double {
    guard isOne(value) else { throw PruningError.fraction(option: option, given: "\(value)") }
    return value
  }

  /// Parses a fraction in [0, 1).
  ///
  /// - Throws: ``PruningError/fraction(option:given:)`` with the text as it was given.
  public static func parse(_ text: String, option: String) throws -> Double {
    guard let value = Double(text), isOne(value) else { throw PruningError.fraction(option: option, given: text) }
    return value
  }

  private static func isOne(_ value: Double) -> Bool { value == 0 || value.isNormal && value > 0 && value < 1 }
}

/// The amount that one event removes.
public enum RemovalAmount: Hashable, Sendable {
  /// A fraction of what is still present (iterative pruning); for one of several events (``SelectionRule/event``), as much as brings the
  /// total to that of the exact curve.
  case ofKept(Double)
  /// As much as brings the removed fraction of the original things to this value (cumulative schedules).
  case ofOriginal(Double)
  /// A number of things.
  case count(Int)
  /// Everything that scores below a threshold, layer by layer whatever the allocation, but not below a layer's floor. Equal scores are all
  /// removed or all kept.
  case below(Double)
  /// Everything that scores below q times the standard deviation of the layer's weights (Han et al. 2015); only with `threshold`, whose
  /// layers carry that deviation (``ScoredLayer/deviation``).
  case belowDeviations(Double)

  /// Whether the amount counts from the original things.
  var isCumulative: Bool { if case .ofOriginal = self { true } else { false } }

  /// Whether scores decide the count.
  public var isThreshold: Bool {
    switch self {
    case .ofKept, .ofOriginal, .count: false
    case .below, .belowDeviations: true
    }
  }

  /// Returns the number of things to remove now; nil if scores decide it.
  ///
  /// - Parameters:
  ///   - kept: number of things still present.
  ///   - original: number of things before the first event.
  public func count(kept: Int, original: Int, rounding: Rounding) -> Int? {
    switch self {
    case .below, .belowDeviations: nil
    case .ofKept(let fraction): rounding.count(fraction, of: kept)
    case .ofOriginal(let fraction): min(max(rounding.count(fraction, of: original) - (original - kept), 0), kept)
    case .count(let count): min(max(count, 0), kept)
    }
  }
}

/// Rounding of kept widths to multiples of a number such as 8 or 16, which suit vector instructions better than other widths.
public enum WidthMultiple {
  /// Returns the width to keep if `wanted` of `present` units would stay: of all multiples up to `present`, and `present` itself, the
  /// nearest, of two equally near ones the smaller; if `present` is at most one multiple, all units are kept.
  ///
  /// - Parameter least: minimum width.
  public static func kept(wanted: Int, present: Int, multiple: Int, least: Int = 0) -> Int {
    guard multiple > 1 else { return wanted }
    guard present > multiple else { return present }
    let below = max(wanted / multiple * multiple, multiple)
    let above = min(below + multiple, present)
    return above - wanted < wanted - below || below < least ? above : below
  }
}
