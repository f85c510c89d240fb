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
        "Density 0.2. magnitude is best: 98.21 % (98.07–98.35, n = 3), +0.01 points (−0.06 to +0.08) against the network before pruning. "
          + "It is ahead of all others; the next is rigl by +0.09 points (+0.02 to +0.15).",
        "Density 0.05. magnitude is best: 97.71 % (97.44–97.98, n = 3), −0.49 points (−0.56 to −0.42) against the network before pruning. "
          + "It cannot be told from rigl (paired by seed). It is ahead of snip by +0.85 points (+0.75 to +0.94).",
        "Density 0.01. rigl is best: 93.88 % (93.08–94.69, n = 3), −4.32 points (−4.93 to −3.71) against the network before pruning. "
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

  /// A network pruned in training began with one that was hardly trained: what it is compared with is the study's own dense network.
  @Test func againstTheDenseControl() {
    var study = Fixtures.benchmark
    study.axes[1] = StudyAxis(name: "data", values: ["mnist", "kmnist"])
    study.runs = study.runs.filter { $0.place["density"] == "0.2" }.map { run in
      var run = run
      run.place["density"] = nil
      // An early network of its own for each.
      run.row?.dense.accuracyAtEnd?.correct -= 100 + (run.place["method"] == "magnitude" ? 1 : 0)
      return run
    }
    let alone = points(study)
    #expect(alone.contains { $0.hasPrefix("Runs. 12 runs (4 methods × 2 data sets × 3 seeds)") })
    #expect(alone.contains { $0.hasPrefix("Accuracy. magnitude is best: 98.21 % (98.07–98.35, n = 3). It is") })
    for seed in 0..<3 {
      var control = study.runs[seed]
      control.key = "dense\(seed)"
      control.place["method"] = "dense"
      control.row?.pruned = nil
      control.row?.dense.accuracyAtEnd?.correct = 9830 + seed
      study.runs.append(control)
    }
    let words = points(study)
    #expect(words.contains("Dense. Before pruning 98.31 % (98.29–98.33, n = 3) of the test set is right."))
    #expect(
      words.contains {
        $0.hasPrefix("Accuracy. magnitude is best: 98.21 % (98.07–98.35, n = 3), −0.10 points (−0.23 to +0.03) against dense. ")
      })
  }

  @Test func aRunInWords() throws {
    let row = try #require(Fixtures.benchmark.runs[0].row)
    let report = Report(row)
    #expect(report.study.name == "lenet-300-100 on mnist")
    #expect(
      points(report.study) == [
        "Dense. Before pruning 98.20 % (n = 1) of the test set is right.",
        "Accuracy. magnitude: weights, 0.2 left reaches 98.22 % (n = 1), +0.02 points against the network before pruning.",
        "Size. Nothing is smaller than its dense model: zeros keep their place in the tensors.",
        "Speed. 80.00 % of the weights are zero, but tensors keep their size: dense kernels will not run faster; whole units would have to "
          + "go, or a sparse runtime is needed.",
        "Not decided. One seed says nothing about others: repeat the run with further seeds for an interval.",
      ])
  }
}
