import Foundation
import Networks
import Pruning
import Testing

@Suite struct LayerRatesTests {
  /// The densities of Frankle & Carbin 2019, figure 3 and appendix: 20 % a round, output layer 10 %.
  @Test func densitiesOfLeNet300AreThePublishedOnes() throws {
    let network = try Architecture.parse("lenet-300-100")
    let rates = try LayerRates(fraction: 0.2, output: 0.1).rates(for: network)
    #expect(rates == [0.2, 0.2, 0.1])
    let kept = RoundCounts.kept(of: [235_200, 30_000, 1000], rates: rates, rounds: 18)
    let percents = kept.map { String(format: "%.2f", 100 * Double($0.reduce(0, +)) / 266_200) }
    #expect(
      percents == [
        "100.00", "80.04", "64.06", "51.28", "41.05", "32.87", "26.32", "21.07", "16.88", "13.52", "10.83", "8.68", "6.95", "5.57", "4.47",
        "3.58", "2.87", "2.31", "1.85",
      ])
    // By hand: 235,200 → 188,160 → 150,528; 30,000 → 24,000 → 19,200; 1000 → 900 → 810.
    #expect(kept[1] == [188_160, 24_000, 900] && kept[2] == [150_528, 19_200, 810])
  }

  @Test func convolutionsOutputAndIgnoredLayers() throws {
    let network = try Architecture.parse("conv-2")
    #expect(try LayerRates(fraction: 0.2, convolutions: 0.1, output: 0.1).rates(for: network) == [0.1, 0.1, 0.2, 0.2, 0.1])
    #expect(try LayerRates(fraction: 0.2, ignored: ["conv*"]).rates(for: network) == [0, 0, 0.2, 0.2, 0.2])
    let error = #expect(throws: PruningError.self) { try LayerRates(fraction: 0.2, ignored: ["fc9"]).rates(for: network) }
    #expect(error?.description == "--ignore \"fc9\" matches no layer: choose from conv1, conv2, fc1, fc2, fc3")
  }

  @Test(arguments: [0.5, 0.9, 0.95, 0.98, 0.999], [1, 2, 5, 18])
  func aTotalIsMetExactlyAndNothingComesBack(sparsity: Double, rounds: Int) {
    let sizes = [235_200, 30_000, 1000, 77]
    let kept = RoundCounts.kept(of: sizes, rates: [0.2, 0.2, 0.1, 0], rounds: rounds, sparsity: sparsity)
    #expect(kept.count == rounds + 1 && kept[0] == sizes)
    // The last layer has rate 0: it neither loses nor counts.
    #expect(kept[rounds].prefix(3).reduce(0, +) == 266_200 - Rounding.round.count(sparsity, of: 266_200))
    #expect(kept.allSatisfy { $0[3] == 77 })
    for (before, after) in zip(kept, kept.dropFirst()) { #expect(zip(before, after).allSatisfy { $0 >= $1 && $1 >= 0 }) }
    // The output layer, at half the rate, stays denser.
    #expect(Double(kept[rounds][2]) / 1000 > Double(kept[rounds][0]) / 235_200)
  }

  @Test func anEqualTotalIsTheSameFractionOfEachLayer() {
    // 64 of 100 in two rounds: each keeps 0.6, as (1 − x)² = 0.36.
    #expect(RoundCounts.kept(of: [50, 50], rates: [0.2, 0.2], rounds: 2, sparsity: 0.64) == [[50, 50], [30, 30], [18, 18]])
  }

  @Test func smallStepsOnNarrowLayersAddUp() {
    // 20·0.98^20 = 13.35, 50·0.98^20 = 33.38.
    #expect(RoundCounts.kept(of: [20, 50], rates: [0.02, 0.02], rounds: 20).last == [13, 33])
  }

  @Test func ratesThatAreNone() {
    let error = #expect(throws: PruningError.self) { try LayerRates(fraction: 0.2, output: 1).validate() }
    #expect(error?.description == "--fraction 1.0 is not a fraction: give a number from 0 up to, but not including, 1")
  }
}
