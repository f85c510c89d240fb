import Results
import Testing

@Suite struct RegrowthSummaryTests {
  @Test func theLineOfARun() {
    let summary = RegrowthSummary(
      method: "rigl", exchanges: 12, exchanged: 3_456, explored: 10_967, kept: 1_331, of: 26_620, stepsAtDensity: 9_000)
    #expect(
      summary.words == "rigl: 12 exchanges, 3,456 weights came back; 41.20 % of all were alive at some time; at the end 1,331 of 26,620, "
        + "for the last 9,000 steps")
  }

  @Test func oneExchangeOfNothing() {
    let summary = RegrowthSummary(method: "set", exchanges: 1, exchanged: 0, explored: 0, kept: 0, of: 0, stepsAtDensity: 0)
    #expect(
      summary.words
        == "set: 1 exchange, 0 weights came back; 0.00 % of all were alive at some time; at the end 0 of 0, for the last 0 steps")
  }
}
