import Foundation
import Pruning
import Testing

/// The distribution by hand, by finite differences, and by counting.
@Suite struct HardConcreteTests {
  struct Sample: Sendable {
    let logAlpha, u, gate, slope: Double
    init(_ logAlpha: Double, _ u: Double, _ gate: Double, _ slope: Double) {
      (self.logAlpha, self.u, self.gate, self.slope) = (logAlpha, u, gate, slope)
    }
  }

  /// With β = 2/3, ln u − ln(1 − u) becomes a power of 1.5: u = 0.8 is 4^1.5 = 8 to 1, s = 8/9, z = 8/9·1.2 − 0.1.
  @Test(arguments: [
    Sample(0, 0.5, 0.5, 0.45), Sample(0, 0.8, 0.9666667, 0.1777778), Sample(0, 0.2, 0.0333333, 0.1777778),
    // 9^1.5 = 27 to 1: outside of [0, 1] after stretching, without a slope.
    Sample(0, 0.9, 1, 0), Sample(0, 0.1, 0, 0),
    // α = 4.
    Sample(1.3862944, 0.5, 0.9666667, 0.1777778), Sample(1.3862944, 0.2, 0.5, 0.45),
    // At the ends u counts as 10⁻⁶ and 1 − 10⁻⁶.
    Sample(13, 0, 0.1728350, 0.3162038), Sample(-13, 1, 0.8271650, 0.3162038),
  ])
  func aSampleByHand(sample: Sample) {
    let (logAlpha, u, gate, slope) = (sample.logAlpha, sample.u, sample.gate, sample.slope)
    let found = HardConcrete.sample(logAlpha, u)
    #expect(abs(found.gate - gate) < 1e-6 && abs(found.slope - slope) < 1e-6, "\(found)")
    let single = HardConcrete.sample(Float(logAlpha), Float(u))
    #expect(abs(Double(single.gate) - gate) < 1e-2 && abs(Double(single.slope) - slope) < 1e-2, "\(single)")
  }

  @Test func opennessAndFinalValuesByHand() {
    // 11^(2/3) to 1.
    let odds = pow(11, 2.0 / 3)
    #expect(abs(HardConcrete.openness(0.0) - odds / (1 + odds)) < 1e-12)
    #expect(abs(HardConcrete.openness(HardConcrete.closedBelow) - 0.3101756) < 1e-7)
    #expect(abs(HardConcrete.value(0.0) - 0.5) < 1e-12)
    #expect(abs(HardConcrete.value(log(4)) - 0.86) < 1e-12)
    #expect(HardConcrete.value(-2.3979) == 0 && HardConcrete.value(-2.3978) > 0)
    #expect(HardConcrete.value(2.3979) == 1 && HardConcrete.value(2.3978) < 1)
    #expect(abs(HardConcrete.closedBelow + 2.3978952728) < 1e-10)
    #expect(HardConcrete.logAlpha(dropRate: 0.5) == 0 && abs(HardConcrete.logAlpha(dropRate: 0.2) - log(4)) < 1e-12)
  }

  @Test func slopesAreThoseOfFiniteDifferences() {
    for step in 0..<200 {
      let (logAlpha, u) = (Double(step % 20) / 2 - 5, (Double(step / 20) + 0.5) / 10)
      let (up, down) = (HardConcrete.sample(logAlpha + 1e-6, u).gate, HardConcrete.sample(logAlpha - 1e-6, u).gate)
      #expect(abs((up - down) / 2e-6 - HardConcrete.sample(logAlpha, u).slope) < 1e-8)
      let p = HardConcrete.openness(logAlpha)
      let change = (HardConcrete.openness(logAlpha + 1e-6) - HardConcrete.openness(logAlpha - 1e-6)) / 2e-6
      #expect(abs(change - p * (1 - p)) < 1e-8)
    }
  }

  /// P(z > 0) is the share of u that open the gate.
  @Test(arguments: [-4.0, -2, -0.5, 0, 1, 3]) func opennessIsTheShareOfOpenGates(logAlpha: Double) {
    let open = (0..<100_000).count { HardConcrete.sample(logAlpha, (Double($0) + 0.5) / 100_000).gate > 0 }
    #expect(abs(Double(open) / 100_000 - HardConcrete.openness(logAlpha)) < 2e-5)
  }
}
