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

  @Test func halvesRoundUp() {
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
    #expect(WidthMultiple.kept(wanted: 59, present: 60, multiple: 8) == 56, "never more than there are")
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
