internal import Datasets
internal import Foundation

/// Learns how a removal is spread over layers, by z, the logarithms of their relative densities ("learning how to prune").
///
/// Each step looks at the loss with z + c·ε and with z − c·ε, ε = ±1 by chance for each layer, and moves z against (L₊ − L₋)/(2c)·ε
/// (simultaneous perturbation; Spall 1992): two losses a step, for any number of layers. The mean of z is taken away, which changes no
/// density. c and the learning rate shrink from step to step by the powers that Spall (1998) recommends.
struct FractionSearch {
  /// Number of steps.
  var steps: Int
  /// How far z is first moved to both sides.
  var reach = 0.25
  /// First learning rate of z.
  var rate = 1.0
  /// Seed of ε.
  var seed: UInt64

  /// The most that a density may differ from the geometric mean of all, as a logarithm.
  static let bound = 4.0

  /// Returns z within what is possible, and with the mean 0.
  static func centred(_ z: [Double]) -> [Double] {
    let mean = z.reduce(0, +) / Double(max(z.count, 1))
    return z.map { min(max($0 - mean, -bound), bound) }
  }

  /// Returns the z that the steps lead to; a step without a finite loss on both sides is left out.
  ///
  /// - Parameters:
  ///   - start: z to begin with, by layer.
  ///   - loss: the loss with given z, in a step.
  func learned(from start: [Double], _ loss: (_ z: [Double], _ step: Int) throws -> Double) rethrows -> [Double] {
    var z = Self.centred(start)
    guard z.count > 1 else { return z }
    let settling = 1 + Double(steps) / 10
    for step in 0..<steps {
      var generator = SeededGenerator(seed: seed, .general, UInt64(step))
      let reach = reach / pow(Double(step + 1), 0.101)
      let moves = z.map { _ in Bool.random(using: &generator) ? reach : -reach }
      let (above, below) = (try loss(zip(z, moves).map { $0 + $1 }, step), try loss(zip(z, moves).map { $0 - $1 }, step))
      let slope = (above - below) / 2
      guard slope.isFinite else { continue }
      let rate = rate * pow(settling / (settling + Double(step)), 0.602)
      // ε/c is the same as c·ε over c².
      z = Self.centred(zip(z, moves).map { $0 - rate * slope * $1 / (reach * reach) })
    }
    return z
  }
}
