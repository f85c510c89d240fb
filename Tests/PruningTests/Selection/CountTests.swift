import Pruning
import Testing

struct CountTests {
  @Test func decimalFractionsCountAsWritten() {
    // 0.29·100 = 28.999999999999996 in floating point.
    #expect(Rounding.floor.count(0.29, of: 100) == 29)
    #expect(Rounding.ceil.count(0.07, of: 100) == 7)
    #expect(Rounding.round.count(0.4, of: 17) == 7)
    #expect(Rounding.floor.count(0.4, of: 17) == 6)
    #expect(Rounding.ceil.count(0.4, of: 17) == 7)
  }

  /// p·n for p = k/10,000 in integers: (round, floor, ceil).
  private func exact(_ k: Int, _ n: Int, of whole: Int = 10_000) -> (Int, Int, Int) {
    let product = k * n
    return ((2 * product + whole) / (2 * whole), product / whole, (product + whole - 1) / whole)
  }

  /// Counts of things at which k/10,000 of them is a half or a whole number, and others.
  private func counts(_ k: Int, _ random: inout Seeded) -> [Int] {
    var (divisor, rest) = (k, 10_000)
    while rest != 0 { (divisor, rest) = (rest, divisor % rest) }
    let step = 10_000 / divisor
    let halves = step.isMultiple(of: 2) ? [step / 2, step / 2 * (1 + 2 * random.below(90)), step / 2 * (1_000_000 / step * 2 - 1)] : []
    return halves + [step, step * (1_000_000 / step)] + (0..<3).map { _ in random.below(1_000_001) }
  }

  @Test func everyFractionOfFourPlacesIsExact() {
    var random = Seeded(1)
    var wrong: [String] = []
    for k in 1..<10_000 {
      let fraction = Double(k) / 10_000
      for n in counts(k, &random) where n > 0 {
        let right = exact(k, n)
        // As typed, and as 1 − d from a density d.
        for p in [fraction, 1 - (1 - fraction)] {
          let found = (Rounding.round.count(p, of: n), Rounding.floor.count(p, of: n), Rounding.ceil.count(p, of: n))
          if found != right { wrong.append("\(p) of \(n): \(found), not \(right)") }
        }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(3))")
  }

  @Test func compressionsAndSharesOfACourseAreExact() {
    var random = Seeded(2)
    var wrong: [String] = []
    for times in 2...1000 {
      for n in [times / 2, times, times * 999 / 2, 1 + random.below(1_000_000)] {
        let right = exact(times - 1, n, of: times)
        let p = 1 - 1 / Double(times)
        let found = (Rounding.round.count(p, of: n), Rounding.floor.count(p, of: n), Rounding.ceil.count(p, of: n))
        if found != right { wrong.append("1 − 1/\(times) of \(n): \(found), not \(right)") }
      }
    }
    for k in stride(from: 7, to: 10_000, by: 13) {
      let (event, events) = (1 + random.below(8), 9)
      for n in counts(k * event, &random) where n > 0 {
        let p = SparsitySchedule.linear.sparsity(afterEvent: event, of: events, fraction: Double(k) / 10_000)
        let found = Rounding.round.count(p, of: n)
        if found != exact(k * event, n, of: 10_000 * events).0 { wrong.append("event \(event) of \(k)/10000 of \(n): \(found)") }
      }
    }
    #expect(wrong.isEmpty, "\(wrong.count): \(wrong.prefix(3))")
  }

  @Test func halvesRoundUp() {
    #expect(Rounding.round.count(0.29, of: 50) == 15)
    #expect(Rounding.round.count(0.25, of: 50) == 13)
    #expect(Rounding.round.count(0.5, of: 5) == 3)
    #expect(Rounding.round.count(0.25, of: 2) == 1)
  }

  @Test func nothingAndEverything() {
    for rounding in Rounding.allCases {
      #expect(rounding.count(0, of: 10) == 0)
      #expect(rounding.count(1, of: 10) == 10)
      #expect(rounding.count(0.3, of: 0) == 0)
      #expect(rounding.count(.infinity, of: 3) == 3)
      #expect(rounding.count(.nan, of: 3) == 0)
    }
  }

  @Test func everyPercentOfEveryHundredIsExact() {
    for percent in 1..<100 {
      for hundreds in 1..<40 {
        for rounding in Rounding.allCases {
          #expect(rounding.count(Double(percent) / 100, of: hundreds * 100) == percent * hundreds, "\(percent) % of \(hundreds)00")
        }
      }
    }
  }

  @Test func sixRoundsOfFivePercentLeave3136OfVGG16() {
    let widths = [64, 64, 128, 128, 256, 256, 256, 512, 512, 512, 512, 512, 512]
    let after = widths.map { width in (0..<6).reduce(width) { kept, _ in kept - Rounding.floor.count(0.05, of: kept) } }
    #expect(widths.reduce(0, +) == 4224)
    #expect(after == [50, 50, 96, 96, 190, 190, 190, 379, 379, 379, 379, 379, 379])
    #expect(after.reduce(0, +) == 3136)
  }

  @Test func lenetsDensitiesOfNineteenRounds() {
    // Frankle & Carbin: 20 % a round, the output layer 10 %.
    let published = [
      100, 80.04, 64.06, 51.28, 41.05, 32.87, 26.32, 21.07, 16.88, 13.52, 10.83, 8.68, 6.95, 5.57, 4.47, 3.58, 2.87, 2.31, 1.85,
    ]
    var kept = [784 * 300, 300 * 100, 100 * 10]
    for (round, density) in published.enumerated() {
      let percent = 100 * Double(kept.reduce(0, +)) / Double(784 * 300 + 300 * 100 + 100 * 10)
      #expect(abs(percent - density) < 0.0101, "round \(round): \(percent)")
      kept = zip(kept, [0.2, 0.2, 0.1]).map { $0 - Rounding.round.count($1, of: $0) }
    }
  }

  @Test func amountsCountFromWhatTheySay() {
    #expect(RemovalAmount.ofKept(0.5).count(kept: 6, original: 10, rounding: .round) == 3)
    #expect(RemovalAmount.ofOriginal(0.5).count(kept: 6, original: 10, rounding: .round) == 1)
    #expect(RemovalAmount.ofOriginal(0.3).count(kept: 6, original: 10, rounding: .round) == 0)
    #expect(RemovalAmount.count(99).count(kept: 6, original: 10, rounding: .round) == 6)
  }

  @Test func widthsGoToTheNearestMultiple() {
    #expect(WidthMultiple.kept(wanted: 50, present: 64, multiple: 8) == 48)
    #expect(WidthMultiple.kept(wanted: 53, present: 64, multiple: 8) == 56)
    #expect(WidthMultiple.kept(wanted: 52, present: 64, multiple: 8) == 48, "of two equally near ones the smaller")
    #expect(WidthMultiple.kept(wanted: 3, present: 64, multiple: 8) == 8)
    #expect(WidthMultiple.kept(wanted: 59, present: 60, multiple: 8) == 60, "what is there is available")
    #expect(WidthMultiple.kept(wanted: 57, present: 60, multiple: 8) == 56)
    #expect(WidthMultiple.kept(wanted: 99, present: 100, multiple: 64) == 100)
    #expect(WidthMultiple.kept(wanted: 83, present: 100, multiple: 64) == 100)
    #expect(WidthMultiple.kept(wanted: 82, present: 100, multiple: 64) == 64, "of two equally near ones the smaller")
    #expect(WidthMultiple.kept(wanted: 2, present: 100, multiple: 64) == 64)
    #expect(WidthMultiple.kept(wanted: 59, present: 64, multiple: 8, least: 59) == 64, "not below the floor")
    #expect(WidthMultiple.kept(wanted: 4, present: 6, multiple: 8) == 6)
    #expect(WidthMultiple.kept(wanted: 50, present: 64, multiple: 1) == 50)
  }

  @Test(arguments: ["1.2", "1", "-0.1", "nan", "inf", "half", ""])
  func whatIsNoFraction(text: String) {
    let error = #expect(throws: PruningError.self) { try Fraction.parse(text, option: "--sparsity") }
    #expect(error?.description == "--sparsity \(text) is not a fraction: give a number from 0 up to, but not including, 1")
  }

  @Test func fractionsAreRead() throws {
    #expect(try Fraction.parse("0.9", option: "--sparsity") == 0.9)
    #expect(try Fraction.checked(0, option: "--sparsity") == 0)
    let error = #expect(throws: PruningError.self) { try Fraction.checked(1.2, option: "--sparsity") }
    #expect(error?.description == "--sparsity 1.2 is not a fraction: give a number from 0 up to, but not including, 1")
  }
}
