@testable import Results
import Testing

@Suite struct MetaSummaryTests {
  private func accuracy(_ value: Double, ways: Int = 5, steps: Int) -> HeadAccuracy {
    HeadAccuracy(ways: ways, tasks: 100, accuracy: value, standardError: 0.0123, steps: steps)
  }

  private func summary(unseenWays: Int = 5) -> MetaSummary {
    MetaSummary(
      learning: "reptile, 5-way 5-shot", classes: [30, 7, 10], headSteps: 50,
      arms: [
        MetaArm(
          name: "full", weights: 50_200, training: accuracy(0.9876, steps: 4), unseen: accuracy(0.95, ways: unseenWays, steps: 12),
          seconds: 61),
        MetaArm(
          name: "pruned", weights: 10_040, training: accuracy(0.9, steps: 5), unseen: accuracy(0.8, ways: unseenWays, steps: 1_000),
          seconds: 3),
      ])
  }

  @Test func theTable() {
    #expect(
      summary().text == """
        last layer fitted alone  weights  training classes  steps  unseen classes  steps    training
        full                      50,200    98.76 % ± 1.23      4  95.00 % ± 1.23     12  1 min 01 s
        pruned                    10,040    90.00 % ± 1.23      5  80.00 % ± 1.23  1,000      3.00 s

        """)
  }

  @Test func whatItsNumbersAre() {
    let end = "mean of 100 tasks ± standard error; steps of 50 to 95 % of the final accuracy"
    #expect(summary().words == "reptile, 5-way 5-shot; 30 classes to learn from, 7 for validation, 10 unseen; " + end)
    #expect(
      summary(unseenWays: 3).words == "reptile, 5-way 5-shot; 30 classes to learn from, 7 for validation, 10 unseen (3-way); " + end)
  }
}
