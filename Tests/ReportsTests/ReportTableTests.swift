@testable import Reports
import Results
import Testing

@Suite struct ReportTableTests {
  private let grid = StudyGrid(Fixtures.benchmark)
  private func texts(_ table: ReportTable) -> [[String]] { table.rows.map { $0.map(\.text) } }

  /// 9822, 9815 and 9826 of 10,000: mean 98.21 %, s = 0.0557 points, t = 4.303, t·s/√3 = 0.14 points.
  @Test func accuracyByMethodAndDensity() throws {
    let panel = try #require(grid.panels.first)
    #expect(grid.panels.count == 1 && grid.batch == 1)
    #expect(panel.accuracyTable.columns.map(\.title) == ["method", "density 0.2", "density 0.05", "density 0.01"])
    #expect(
      texts(panel.accuracyTable) == [
        ["magnitude", "98.21 % ± 0.14", "97.71 % ± 0.27", "93.10 % ± 1.02"],
        ["snip", "97.90 % ± 0.22", "96.86 % ± 0.36", "90.78 % ± 3.49 (n = 2)"],
        ["rigl", "98.12 % ± 0.18", "≈ 97.67 % ± 0.27", "93.88 % ± 0.81"],
        ["unit-taylor", "97.02 % ± 0.32", "93.62 % ± 0.89", "81.20 % (n = 1)"],
      ])
    let best = panel.accuracyTable.rows.map { $0.map { $0.tone == .best } }
    #expect(
      best == [[false, true, true, false], [false, false, false, false], [false, false, false, true], [false, false, false, false]])
    #expect(panel.dense?.percentWithInterval == "98.20 % (98.00–98.40, n = 3)")
  }

  /// Magnitude − RigL at 0.2: 11, 9, 6 of 10,000, so 0.0867 ± 0.0625 points; at 0.05: 6, 2, 3, so 0.0367 ± 0.0517.
  @Test func whatCannotBeToldFromTheBest() throws {
    let panel = try #require(grid.panels.first)
    let high = Standing(panel, level: "0.2")
    #expect(high.best?.series == "magnitude" && high.ties.isEmpty && high.beaten.map(\.series) == ["rigl", "snip", "unit-taylor"])
    let next = try #require(panel.cell("rigl", "0.2"))
    let lead = try #require(panel.cell("magnitude", "0.2")?.difference(to: next, in: .accuracy))
    #expect(abs(lead.mean - 8.6667e-4) < 1e-8 && abs((lead.halfWidth ?? 0) - 6.2516e-4) < 1e-8)
    let middle = Standing(panel, level: "0.05")
    #expect(middle.ties.map(\.series) == ["rigl"] && middle.beaten.map(\.series) == ["snip", "unit-taylor"])
    #expect(Standing(panel, level: "0.01").unpaired.map(\.series) == ["unit-taylor"])
  }

  /// A dense model in the grid is shown, and beats nobody.
  @Test func controlsAreNotCompared() throws {
    var study = Fixtures.benchmark
    for index in study.runs.indices where study.runs[index].place["method"] == "magnitude" { study.runs[index].row?.pruned = nil }
    let panel = try #require(StudyGrid(study).panels.first)
    #expect(panel.accuracyTable.rows[0].map(\.text) == ["magnitude", "98.20 % ± 0.20", "98.20 % ± 0.20", "98.20 % ± 0.20"])
    #expect(Standing(panel, level: "0.2").best?.series == "rigl" && panel.accuracyTable.rows[2][1].tone == .best)
  }

  /// A method that prunes during training begins with a model that is half trained: no mean of such models is a reference.
  @Test func differentBeginningsHaveNoCommonDenseModel() throws {
    var study = Fixtures.benchmark
    study.runs[0].row?.dense.accuracyAtEnd?.correct = 4000
    let panel = try #require(StudyGrid(study).panels.first)
    #expect(panel.dense == nil && texts(panel.costTable).allSatisfy { $0[5] == "–" })
    for index in study.runs.indices where study.runs[index].place["method"] == "rigl" { study.runs[index].row?.pruned = nil }
    #expect(try #require(StudyGrid(study).panels.first).dense?.percent == "98.20 % ± 0.20")
  }

  @Test func costs() throws {
    let table = try #require(grid.panels.first?.costTable)
    #expect(
      table.columns.map(\.title) == [
        "method", "density", "n", "weights left", "accuracy", "change", "size", "MACs", "non-zero MACs", "latency, batch 1", "training",
        "steps",
      ])
    #expect(
      texts(table)[0] == [
        "magnitude", "0.2", "3", "20.01 ± 0.020 %", "98.21 % ± 0.14", "+0.01 points ± 0.07", "1.07 MB", "266,200", "53,261 ± 52",
        "41.3 ± 0.50 µs", "51.0 ± 2.5 s", "10,000",
      ])
    #expect(
      texts(table)[11] == [
        "unit-taylor", "0.01", "1", "1.01 %", "81.20 %", "−16.92 points", "14.7 kB", "2,683", "2,683", "13.4 µs", "49.1 s", "10,000",
      ])
    #expect(texts(table)[6][10] == "1 min 04 s ± 2.48 s")
  }

  @Test func everyRunWithItsControl() {
    let table = ReportTable.runs(Fixtures.benchmark)
    #expect(table.rows.count == 33)
    #expect(
      texts(table)[31] == [
        "unit-taylor", "0.05", "2", "94.01 % ± 0.24", "94.04 % ± 0.24", "98.28 % ± 0.13", "−4.27 points",
        "94.984 % (252,848 of 266,200 weights)", "95.000 %", "13,352", "57.4 kB", "13,352", "13,352", "17.6 µs (17.5–17.7)",
        "205 µs (204–205)", "50.5 s", "10,000", "414 MB", "faster", "differs by at most 6.9e-08 (allowed 1.0e-04)",
      ])
    #expect(texts(table)[0][18...] == ["no, tensors keep their size", "–"])
  }

  @Test func runsWithoutAResult() {
    #expect(
      texts(.unfinished(Fixtures.benchmark)) == [
        [
          "snip", "0.01", "2", "failed", "loss is not finite at step 412: a smaller --learning-rate may help",
          "espalier prune --method snip --sparsity 99% --seed 2",
        ],
        [
          "unit-taylor", "0.01", "0", "failed", "layer fc2 would keep no unit",
          "espalier prune --method unit-taylor --sparsity 99% --seed 0",
        ],
        ["unit-taylor", "0.01", "2", "waiting", "–", "espalier prune --method unit-taylor --sparsity 99% --seed 2"],
      ])
  }

  @Test func claims() {
    #expect(
      texts(.claims(Fixtures.claims)).map { Array($0[2...6]) } == [
        ["0.78 points", "0.57 to 1.00", "0.00 points", "3", "holds"], ["−0.85 points", "−0.91 to −0.78", "−0.10 points", "3", "fails"],
        ["0.9100", "0.7800 to 1.040", "1", "3", "undecided"], ["–", "–", "–", "0", "untested"],
      ])
    #expect(texts(.claims(Fixtures.claims))[0][7...] == ["LeNet-300-100 on MNIST instead of ResNet-50 on ImageNet", "unified-benchmark"])
    #expect(texts(.claims(Fixtures.claims))[1][7] == "the paper's")
  }

  @Test func environmentNamesEachValueOnce() {
    var rows = Fixtures.benchmark.runs.compactMap(\.row)
    rows[3].machine.threads = 2
    let table = texts(.environment(rows))
    #expect(table.contains(["threads", "1; 2"]) && table.contains(["processor", "AMD EPYC 7763, 64 cores"]))
    #expect(table.contains(["data", "mnist: 55,000 training, 5,000 validation, 10,000 test"]) && table.last == ["seeds", "0, 1, 2"])
  }

  /// After the third training 510 and 530 of 1,000 on the first data set; at the end 480 and 500, of 950 and 970 once.
  @Test func forgetting() throws {
    let tables = try #require(StudyGrid(Fixtures.sequence).panels.first).forgettingTables
    #expect(tables.count == 1 && tables[0].columns.map(\.title) == ["after", "units left", "mnist", "kmnist", "fashion-mnist"])
    #expect(
      texts(tables[0]) == [
        ["mnist, pass 1", "400", "96.00 % ± 12.71", "–", "–"],
        ["kmnist, pass 1", "400", "71.00 % ± 12.71", "89.00 % ± 12.71", "–"],
        ["fashion-mnist, pass 1", "400", "52.00 % ± 12.71", "65.00 % ± 12.71", "84.00 % ± 12.71"],
        ["removal", "200", "49.00 % ± 12.71", "61.00 % ± 12.71", "82.00 % ± 12.71"],
        ["forgotten since last trained on", "–", "−47.00 points", "−28.00 points", "−2.00 points"],
      ])
  }

  /// Axes that are neither compared nor repeated set panels apart.
  @Test func panels() {
    var study = Fixtures.benchmark
    study.axes.insert(StudyAxis(name: "dataset", values: ["mnist", "kmnist"]), at: 0)
    for index in study.runs.indices { study.runs[index].place["dataset"] = index % 2 == 0 ? "mnist" : "kmnist" }
    let panels = StudyGrid(study).panels
    #expect(panels.map(\.title) == ["mnist", "kmnist"] && panels[1].cells.flatMap(\.runs).count == 15)
    #expect(panels[0].accuracyTable.id == "accuracy-mnist" && panels[0].cell("magnitude", "0.2")?.runs.map(\.seed) == ["0", "2"])
  }

  @Test func markdown() throws {
    let panel = try #require(grid.panels.first)
    #expect(
      panel.accuracyTable.markdown == """
        Test accuracy at the end of training: mean ± half of the 95 % t interval over seeds. Dense: 98.20 % ± 0.20. Bold: the highest mean of a column. ≈: its difference from that, paired by seed, has a 95 % interval that contains 0.

        | method | density 0.2 | density 0.05 | density 0.01 |
        | --- | ---: | ---: | ---: |
        | magnitude | **98.21 % ± 0.14** | **97.71 % ± 0.27** | 93.10 % ± 1.02 |
        | snip | 97.90 % ± 0.22 | 96.86 % ± 0.36 | 90.78 % ± 3.49 (n = 2) |
        | rigl | 98.12 % ± 0.18 | ≈ 97.67 % ± 0.27 | **93.88 % ± 0.81** |
        | unit-taylor | 97.02 % ± 0.32 | 93.62 % ± 0.89 | 81.20 % (n = 1) |

        """)
    #expect(Markdown.escaped("a|b*c_d<e>&`[#\n\u{202E}") == ##"a\|b\*c\_d&lt;e&gt;&amp;\`\[\#\\n\\u202e"##)
  }

  @Test func latex() throws {
    let panel = try #require(grid.panels.first)
    #expect(
      panel.accuracyTable.latex == #"""
        \begin{table}
          \centering
          \caption{Test accuracy at the end of training: mean $\pm$ half of the 95 \% t interval over seeds. Dense: 98.20 \% $\pm$ 0.20. Bold: the highest mean of a column. $\approx$: its difference from that, paired by seed, has a 95 \% interval that contains 0.}
          \label{tab:accuracy}
          \begin{tabular}{lrrr}
            \toprule
            method & density 0.2 & density 0.05 & density 0.01 \\
            \midrule
            magnitude & \textbf{98.21 \% $\pm$ 0.14} & \textbf{97.71 \% $\pm$ 0.27} & 93.10 \% $\pm$ 1.02 \\
            snip & 97.90 \% $\pm$ 0.22 & 96.86 \% $\pm$ 0.36 & 90.78 \% $\pm$ 3.49 (n = 2) \\
            rigl & 98.12 \% $\pm$ 0.18 & $\approx$ 97.67 \% $\pm$ 0.27 & \textbf{93.88 \% $\pm$ 0.81} \\
            unit-taylor & 97.02 \% $\pm$ 0.32 & 93.62 \% $\pm$ 0.89 & 81.20 \% (n = 1) \\
            \bottomrule
          \end{tabular}
        \end{table}

        """#)
    #expect(LaTeX.escaped(##"\a{b}$c_d^e%f#g~h"##) == ##"\textbackslash{}a\{b\}\$c\_d\textasciicircum{}e\%f\#g\textasciitilde{}h"##)
  }
}
