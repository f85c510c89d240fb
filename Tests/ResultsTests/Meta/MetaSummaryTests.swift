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

  /// A single task has no spread.
  @Test func oneTask() {
    let one = HeadAccuracy(ways: 5, tasks: 1, accuracy: 0.95, standardError: 0, steps: 3)
    let summary = MetaSummary(
      learning: "maml", classes: [], headSteps: 5, arms: [MetaArm(name: "pruned", weights: 10, training: one, unseen: one, seconds: 3)])
    #expect(summary.text.contains("95.00 % ± –") && !summary.text.contains("0.00 "), "\(summary.text)")
  }

  @Test func whatItsNumbersAre() {
    let end = "mean of 100 tasks ± standard error; steps of 50 to 95 % of the final accuracy"
    #expect(summary().words == "reptile, 5-way 5-shot; 30 classes to learn from, 7 for validation, 10 unseen; " + end)
    #expect(
      summary(unseenWays: 3).words == "reptile, 5-way 5-shot; 30 classes to learn from, 7 for validation, 10 unseen (3-way); " + end)
  }
}
