internal import Foundation
internal import Results
internal import Words

/// The times of a plan and of the engines beside it.
struct BenchmarkReport: Encodable {
  /// Times of an engine for one size of batch.
  struct Engine: Encodable {
    var name: String
    var version: String
    var batch: Int
    /// Median over the repetitions, and the fastest and the slowest of them.
    var seconds: Double, fastest: Double, slowest: Double
    /// Largest difference from the sparse runtime's outputs, relative to the largest output.
    var difference: Double
  }
  /// A step of the plan in one pass.
  struct Step: Encodable {
    var name: String
    var kernel: String
    /// The sizes of batches that were asked for and go through the network in such passes.
    var batches: [Int]
    /// Examples of a pass.
    var batch: Int
    var seconds: Double
    /// Multiplications and additions of weights that are not 0, in 10⁹ a second.
    var gigaflops: Double
    /// Bytes of weights and values, each counted once, as a share of what copying memory moves in that time; above 1 for what stays in caches.
    var bandwidth: Double
  }
  var plan: String
  var network: String
  var planBytes: Int
  /// How the plan's weights are stored.
  var storage: String
  var threads: Int
  var loadSeconds: Double
  var firstSeconds: Double
  var copyBytesPerSecond: Double
  var engines: [Engine]
  var steps: [Step]

  var text: String {
    var lines: [String] = []
    func milliseconds(_ seconds: Double) -> String {
      String(format: seconds < 1e-4 ? "%.4f" : seconds < 1e-2 ? "%.3f" : "%.1f", 1e3 * seconds)
    }
    let threads = "\(threads) thread\(threads == 1 ? "" : "s")"
    lines.append(
      "\(network.inLine), \(Format.count(planBytes)) bytes\(storage == "float32" ? "" : ", weights as \(storage)"), \(threads); loaded in \(milliseconds(loadSeconds)) ms, first output after "
        + "\(milliseconds(firstSeconds)) ms more")
    var table = TextTable(
      alignments: [.left, .left, .right, .right, .right, .right, .right, .right],
      header: ["engine", "version", "batch", "ms", "fastest", "slowest", "espalier is", "outputs differ by"])
    for engine in engines {
      let own = engines.first { $0.name == "espalier" && $0.batch == engine.batch }
      let ratio = engine.name == "espalier" ? "" : String(format: "%.2f× as fast", engine.seconds / (own?.seconds ?? .nan))
      table.append([
        engine.name, engine.version, "\(engine.batch)", milliseconds(engine.seconds), milliseconds(engine.fastest),
        milliseconds(engine.slowest), ratio, engine.name == "espalier" ? "" : String(format: "%.0e", engine.difference),
      ])
    }
    lines.append(table.text)
    for batch in Array(Set(steps.map(\.batch))).sorted() {
      let here = steps.filter { $0.batch == batch }
      let total = here.reduce(0) { $0 + $1.seconds }
      var table = TextTable(
        alignments: [.left, .left, .right, .right, .right, .right],
        header: [Self.heading(here.first?.batches ?? [], pass: batch), "kernel", "ms", "%", "GFLOP/s", "% of memory's speed"])
      for step in here {
        table.append([
          step.name, step.kernel, milliseconds(step.seconds), String(format: "%.1f", 100 * step.seconds / total),
          step.gigaflops > 0 ? String(format: "%.1f", step.gigaflops) : "", String(format: "%.0f", 100 * step.bandwidth),
        ])
      }
      lines.append(table.text)
    }
    return lines.joined(separator: "\n\n") + "\n"
  }

  /// The batches that were asked for, and how they go through the network, e.g. `batch 20, 64, 16 side by side`.
  static func heading(_ batches: [Int], pass: Int) -> String {
    let asked = "batch " + batches.map(String.init).joined(separator: ", ")
    return batches == [1] ? asked : asked + (pass == 1 ? ", one after another" : ", \(pass) side by side")
  }
}
