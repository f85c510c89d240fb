internal import Foundation

/// How a fraction of n things becomes a whole number of them: the one place where that happens.
///
/// A tolerance undoes the binary representation of decimal fractions: 0.29·100 is 28.999… in floating point, and its `floor` is still
/// 29; 0.29·50 is 14.499…, and it still rounds up to 15. It is 1e-9, or n·2⁻⁴⁸ where n is so large that the product's own
/// error is not smaller. Li et al. 2017 counted with `ceil`, Salcedo & Sharma's 3,136 filters of VGG-16 need `floor`.
public enum Rounding: String, Codable, Hashable, Sendable, CaseIterable {
  /// ⌊p·n + 0.5⌋.
  case round
  /// ⌊p·n⌋.
  case floor
  /// ⌈p·n⌉.
  case ceil

  /// The number of things that a fraction of n is, never below 0 nor above n.
  ///
  /// ```swift
  /// Rounding.floor.count(0.05, of: 64)  // 3
  /// ```
  public func count(_ fraction: Double, of n: Int) -> Int {
    guard n > 0, fraction > 0 else { return 0 }
    return whole(fraction * Double(n), of: n)
  }

  /// The whole number that a real number of n things is, never below 0 nor above n.
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

  /// How many of n things are gone after so many events that each take a fraction of what is left.
  ///
  /// `round` counts from the course n·(1 − p)^k itself, so that what it leaves to round away is never lost, however small the
  /// steps and n are: twenty times 2 % take 7 of 20 things. `floor` and `ceil` are the arithmetics that papers published, and they count
  /// each event by itself.
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

/// Fractions as people give them.
public enum Fraction {
  /// The fraction, if it lies in [0, 1); numbers too small for all their digits, which JSON does not give back, are none.
  ///
  /// - Parameter option: how the text was marked, e.g. `--sparsity`; begins the error.
  /// - Throws: ``PruningError/fraction(option:given:)``.
  public static func checked(_ value: Double, option: String) throws -> Double {
    guard isOne(value) else { throw PruningError.fraction(option: option, given: "\(value)") }
    return value
  }

  /// Reads a fraction in [0, 1) from text.
  ///
  /// - Throws: ``PruningError/fraction(option:given:)`` with the text as it was given.
  public static func parse(_ text: String, option: String) throws -> Double {
    guard let value = Double(text), isOne(value) else { throw PruningError.fraction(option: option, given: text) }
    return value
  }

  private static func isOne(_ value: Double) -> Bool { value == 0 || value.isNormal && value > 0 && value < 1 }
}

/// How much one event removes.
public enum RemovalAmount: Hashable, Sendable {
  /// This fraction of what is still there (iterative pruning); as one of several events (``SelectionRule/event``) what the course of
  /// all of them takes by then.
  case ofKept(Double)
  /// As much as makes this fraction of what was there at the very first (cumulative schedules).
  case ofOriginal(Double)
  /// This many.
  case count(Int)
  /// As many as score below this: the threshold decides the count, layer by layer whatever the allocation, and a layer's floor is
  /// where it stops. Equal scores all leave or all stay.
  case below(Double)
  /// As many as score below q times the standard deviation of their layer's weights (Han et al. 2015); goes with `threshold`, whose
  /// layers carry that deviation (``ScoredLayer/deviation``).
  case belowDeviations(Double)

  /// Whether it counts from what was there at the very first.
  var isCumulative: Bool { if case .ofOriginal = self { true } else { false } }

  /// Whether scores decide the count.
  public var isThreshold: Bool {
    switch self {
    case .ofKept, .ofOriginal, .count: false
    case .below, .belowDeviations: true
    }
  }

  /// The number of things to remove now; nil where scores decide it.
  ///
  /// - Parameters:
  ///   - kept: things still there.
  ///   - original: things before the first event.
  public func count(kept: Int, original: Int, rounding: Rounding) -> Int? {
    switch self {
    case .below, .belowDeviations: nil
    case .ofKept(let fraction): rounding.count(fraction, of: kept)
    case .ofOriginal(let fraction): min(max(rounding.count(fraction, of: original) - (original - kept), 0), kept)
    case .count(let count): min(max(count, 0), kept)
    }
  }
}

/// Kept widths that are multiples of 8 or 16 suit vector instructions better than odd ones.
public enum WidthMultiple {
  /// The width to keep when `wanted` of `present` units would stay: of all multiples up to `present`, and `present` itself, the nearest
  /// to it, of two equally near ones the smaller; where `present` is no more than one multiple nothing goes.
  ///
  /// - Parameter least: so many stay in any case.
  public static func kept(wanted: Int, present: Int, multiple: Int, least: Int = 0) -> Int {
    guard multiple > 1 else { return wanted }
    guard present > multiple else { return present }
    let below = max(wanted / multiple * multiple, multiple)
    let above = min(below + multiple, present)
    return above - wanted < wanted - below || below < least ? above : below
  }
}
