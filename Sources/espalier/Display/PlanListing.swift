internal import Files
internal import Foundation
internal import Results
internal import SparseRuntime
internal import Words

/// What `inspect` shows of a plan.
struct PlanListing: Encodable {
  /// A step of the plan.
  struct Step: Encodable {
    var name: String
    var kernel: String
    var inputs: [[Int]]
    var output: [Int]
    /// Weights of a layer, zeros included, and those that are stored.
    var weights: Int?, kept: Int?
    /// Bytes of its numbers in the file.
    var bytes: Int
  }
  /// How images become the input.
  struct Preparation: Encodable {
    var inputShape: [Int]
    var mean: [Float], deviation: [Float]
    var resize: Int?
    var channelOrder: String?
  }
  var plan: String
  var network: String
  var version: Int
  var bytes: Int
  var storage: String
  var groups: Int
  var loneExamples: Int
  var inputShape: [Int]
  var outputShapes: [[Int]]
  var preprocessing: Preparation?
  var classes: [String]
  var steps: [Step]

  /// Reads a plan.
  ///
  /// - Throws: `SparseRuntimeError`; `FileError`.
  init(_ path: String) throws {
    let plan = try CompiledModel(contentsOf: path).plan
    func shape(_ index: Int) -> [Int] {
      let map = plan.maps[index]
      return map.height * map.width == 1 ? [map.channels] : [map.channels, map.height, map.width]
    }
    (self.plan, network, version) = (path, plan.name, Int(PlanWriter.version))
    (bytes, storage) = (Int(try RegularFile(path).size), "\(plan.storage.form)")
    (groups, loneExamples, classes) = (plan.groups, plan.loneExamples, plan.classes)
    (inputShape, outputShapes) = (plan.inputShape, plan.outputs.map(shape))
    let preparation = plan.preparation
    if !preparation.mean.isEmpty {
      preprocessing = Preparation(
        inputShape: preparation.shape.isEmpty ? plan.inputShape : preparation.shape, mean: preparation.mean,
        deviation: preparation.deviation, resize: preparation.resize, channelOrder: preparation.isReversed ? "bgr" : nil)
    }
    steps = plan.steps.map { step in
      var weights: Int?
      if case .layer(let layer) = step, layer.total > 0 { weights = layer.total }
      return Step(
        name: step.name, kernel: step.kernelName, inputs: step.inputs.map(shape), output: shape(step.output), weights: weights,
        kept: plan.keptWeights(of: step), bytes: plan.fileBytes(of: step))
    }
  }

  /// A table of the steps, and what the header says.
  func text(width: Int) -> String {
    func sides(_ shape: [Int]) -> String { shape.map(String.init).joined(separator: "×") }
    func share(_ kept: Int, _ weights: Int) -> String { String(format: "%.1f", 100 - 100 * Double(kept) / Double(max(weights, 1))) }
    var table = TextTable(
      alignments: [.left, .left, .left, .left, .right, .right, .right, .right],
      header: ["step", "kernel", "input", "output", "weights", "kept", "% zeros", "bytes"])
    for step in steps {
      table.append([
        step.name, step.kernel, step.inputs.map(sides).joined(separator: ", "), sides(step.output), step.weights.map(Format.count) ?? "",
        step.kept.map(Format.count) ?? "", step.kept.flatMap { kept in step.weights.map { share(kept, $0) } } ?? "",
        step.bytes > 0 ? Format.count(step.bytes) : "",
      ])
    }
    // Steps may share numbers, so that their sum knows no bound.
    func sum(_ counts: [Int]) -> Int {
      counts.reduce(0) {
        let (sum, isTooLarge) = $0.addingReportingOverflow($1)
        return isTooLarge ? .max : sum
      }
    }
    let (weights, kept) = (sum(steps.map { $0.weights ?? 0 }), sum(steps.map { $0.kept ?? 0 }))
    table.append([
      "total", "", "", "", Format.count(weights), Format.count(kept), share(kept, weights), Format.count(sum(steps.map(\.bytes))),
    ])
    var facts: [(label: String, words: String)] = []
    facts.append(("file", "\(Format.count(bytes)) bytes, version \(version), weights as \(storage)"))
    let many = "\(groups * 16) examples side by side"
    facts.append(
      ("batches", loneExamples >= 1 << 20 ? "one example after another" : "\(many), fewer than \(loneExamples) one after another"))
    var input = sides(preprocessing?.inputShape ?? inputShape)
    if let preprocessing {
      func numbers(_ values: [Float]) -> String { values.map { Format.significant(Double($0), 4) }.joined(separator: ", ") }
      input += preprocessing.resize.map { ", the middle of images resized to \($0) pixels" } ?? ""
      input += ", (value/255 − mean)/deviation, mean \(numbers(preprocessing.mean)), deviation \(numbers(preprocessing.deviation))"
      input += preprocessing.channelOrder.map { ", channels \($0)" } ?? ""
    }
    facts.append(("input", input))
    if !classes.isEmpty {
      let shown = classes.prefix(12).map(\.inLine).joined(separator: ", ")
      facts.append(("classes", "\(classes.count): \(shown)\(classes.count > 12 ? ", …" : "")"))
    }
    return "\(network.inLine): a plan of the sparse runtime\n\n" + table.text + "\n" + TextTable.facts(facts, width: width)
  }
}
