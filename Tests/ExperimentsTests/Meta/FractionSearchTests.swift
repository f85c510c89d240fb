@testable import Experiments
import Foundation
import Testing

@Suite struct FractionSearchTests {
  /// On a bowl it comes close to the bottom, whose mean is 0, even if every look at it is noisy.
  @Test(arguments: [0, 0.02]) func findsTheBottomOfABowl(_ noise: Double) {
    let bottom = [1.0, -0.25, -0.75]
    for seed in 0..<10 as Range<UInt64> {
      var looks = 0
      let found = FractionSearch(steps: 200, seed: seed).learned(from: [0, 0, 0]) { z, _ in
        looks += 1
        return zip(z, bottom).reduce(0) { $0 + ($1.0 - $1.1) * ($1.0 - $1.1) / 4 } + noise * sin(Double(looks * looks))
      }
      #expect(looks == 400 && zip(found, bottom).allSatisfy { abs($0 - $1) < (noise == 0 ? 0.02 : 0.25) }, "seed \(seed): \(found)")
    }
  }

  /// One step by hand: both sides differ by the slope along ε, and the mean of z is taken away.
  @Test func oneStep() {
    var sides: [[Double]] = []
    let found = FractionSearch(steps: 1, reach: 0.5, rate: 0.1, seed: 3).learned(from: [0.1, -0.1]) { z, step in
      sides.append(z)
      return z[0] + Double(step)
    }
    let signs = zip(sides[0], sides[1]).map { $0 - $1 }
    #expect(sides.count == 2 && signs.allSatisfy { abs(abs($0) - 1) < 1e-12 })
    #expect(abs(sides[0][0] + sides[1][0] - 0.2) < 1e-12)
    // The slope along ε is ε_1, so z moves by −0.1·ε_1·ε: the first to 0, the second by −0.1·ε_1·ε_2; then the mean leaves.
    let (a, b) = (0.0, -0.1 - 0.1 * signs[0] * signs[1])
    #expect(abs(found[0] - (a - (a + b) / 2)) < 1e-12 && abs(found[1] - (b - (a + b) / 2)) < 1e-12)
  }

  @Test func whatIsNoNumberMovesNothing() {
    #expect(FractionSearch(steps: 5, seed: 1).learned(from: [1, 3]) { _, _ in .nan } == [-1, 1])
    #expect(FractionSearch(steps: 5, seed: 1).learned(from: [-100, 100]) { _, _ in .infinity } == [-4, 4])
  }

  @Test func aSingleLayerHasNothingToLearn() {
    #expect(
      FractionSearch(steps: 5, seed: 1).learned(from: [7]) { _, _ in
        Issue.record("asked")
        return 0
      } == [0])
  }
}
