internal import Foundation

/// The distribution of a removal over n events.
///
/// All but ``iterative`` are cumulative: s_k, the fraction of the *original* things that is gone after event k = 1 … n, is a formula of
/// k/n, and s_n is exactly the target s.
public enum SparsitySchedule: String, Codable, Hashable, Sendable, CaseIterable {
  /// Everything is removed at the first event.
  case oneShot = "one-shot"
  /// Each event removes the given fraction p of what is left: s_k = 1 − (1 − p)^k.
  case iterative
  /// s_k = s·(1 − (1 − k/n)³) (Zhu & Gupta 2017, starting dense).
  case cubic
  /// s_k = s·k/n.
  case linear
  /// Each event keeps the same fraction of what is left: s_k = 1 − (1 − s)^(k/n).
  case exponential
  /// s_k = s·(1 − cos(πk/n))/2.
  case cosine
  /// s_k = s·(1 + e^(β−α))/(1 + e^(β−α·k/n)) with α = 14 and β = 5 (Hubens et al. 2021): little at first, most around k/n = 5/14, little at
  /// the end. The curve starts at 0.7 % of s, which the first event includes.
  case oneCycle = "one-cycle"

  /// Returns s_k for the target `fraction`; for ``iterative`` that is the fraction p of each event.
  ///
  /// For k < 1 it is 0; for k > n it stays at s, except for ``iterative``.
  public func sparsity(afterEvent k: Int, of n: Int, fraction: Double) -> Double {
    guard k > 0 else { return 0 }
    let part = Double(k) / Double(max(n, 1))
    switch self {
    case .iterative: return 1 - pow(1 - fraction, Double(k))
    case _ where k >= n: return fraction
    case .oneShot: return fraction
    case .cubic: return fraction * (1 - pow(1 - part, 3))
    case .linear: return fraction * part
    case .exponential: return 1 - pow(1 - fraction, part)
    case .cosine: return fraction * (1 - cos(.pi * part)) / 2
    case .oneCycle: return fraction * (1 + exp(5 - 14)) / (1 + exp(5 - 14 * part))
    }
  }

  /// Returns what event k of n removes.
  public func amount(forEvent k: Int, of n: Int, fraction: Double) -> RemovalAmount {
    switch self {
    case .iterative: .ofKept(k > 0 ? fraction : 0)
    default: .ofOriginal(sparsity(afterEvent: k, of: n, fraction: fraction))
    }
  }
}
