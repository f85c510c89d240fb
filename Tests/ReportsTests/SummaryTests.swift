@testable import Reports
import Results
import Testing

@Suite struct SummaryTests {
  private func points(_ study: StudyResult) -> [String] {
    Summary(study: study, grid: StudyGrid(study)).points.map { $0.lead + " " + $0.words }
  }

  @Test func aStudyInWords() {
    #expect(
      points(Fixtures.benchmark) == [
        "Runs. 36 runs (4 methods × 3 densities × 3 seeds): 33 finished, 2 failed and 1 waiting.",
        "Dense. Before pruning 98.20 % (98.00–98.40, n = 3) of the test set is right.",
        "Density 0.2. magnitude is best: 98.21 % (98.07–98.35, n = 3), +0.01 points (−0.06 to +0.08) against its own dense model. "
          + "It is ahead of all others; the next is rigl by +0.09 points (+0.02 to +0.15).",
        "Density 0.05. magnitude is best: 97.71 % (97.44–97.98, n = 3), −0.49 points (−0.56 to −0.42) against its own dense model. "
          + "It cannot be told from rigl (paired by seed). It is ahead of snip by +0.85 points (+0.75 to +0.94).",
        "Density 0.01. rigl is best: 93.88 % (93.08–94.69, n = 3), −4.32 points (−4.93 to −3.71) against its own dense model. "
          + "It is ahead of magnitude by +0.78 points (+0.57 to +1.00). Against unit-taylor there are too few seeds in common to say.",
        "Smallest, but more than one point worse. unit-taylor at density 0.01: 14.7 kB, 0.014× of dense, with 1.01 % of the weights, "
          + "−16.92 points. What loses at most one point is no smaller than dense: its zeros keep their place in the tensors.",
        "Fastest, but more than one point worse. unit-taylor at density 0.01: 13.4 µs at batch 1, 0.32× the time of dense, −16.92 points.",
        "Not decided. With fewer than two seeds there is no interval: unit-taylor at density 0.01. 3 runs without a result (2 failed and "
          + "1 waiting) may change the means above.",
        "Claims. Of 4 claims 1 holds (RG-1), 1 fails (SN-2), 1 is undecided (LT-8) and 1 is untested (IM-1).",
      ])
  }

  /// What costs at most a point comes before what costs more.
  @Test func withinOnePoint() {
    var study = Fixtures.benchmark
    for index in study.runs.indices where study.runs[index].place["method"] == "unit-taylor" && study.runs[index].place["density"] == "0.2"
    {
      study.runs[index].row?.pruned?.accuracyAtEnd?.correct += 60
    }
    let words = points(study)
    #expect(
      words.contains(
        "Smallest within one point. unit-taylor at density 0.2: 217 kB, 0.20× of dense, with 20.01 % of the weights, −0.58 points."))
    #expect(
      words.contains("Fastest within one point. unit-taylor at density 0.2: 32.4 µs at batch 1, 0.78× the time of dense, −0.58 points."))
  }

  @Test func aRunInWords() throws {
    let row = try #require(Fixtures.benchmark.runs[0].row)
    let report = Report(row)
    #expect(report.study.name == "lenet-300-100 on mnist")
    #expect(
      points(report.study) == [
        "Dense. Before pruning 98.20 % (n = 1) of the test set is right.",
        "Accuracy. magnitude: weights, 0.2 left reaches 98.22 % (n = 1), +0.02 points against its own dense model.",
        "Size. Nothing is smaller than its dense model: zeros keep their place in the tensors.",
        "Speed. 80.00 % of the weights are zero, but tensors keep their size: dense kernels will not run faster; whole units would have to "
          + "go, or a sparse runtime is needed.",
        "Not decided. One seed says nothing about others: repeat the run with further seeds for an interval.",
      ])
  }
}
