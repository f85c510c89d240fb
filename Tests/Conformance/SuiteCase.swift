internal import Foundation
internal import Interchange
internal import TestSupport
internal import Torch
internal import Training
internal import Words

/// A case of ONNX's backend tests: a folder with `model.onnx`, and inputs and outputs in `test_data_set_0`, `test_data_set_1`, …
///
/// In most of them weights are inputs. The model is tried as it is; where that is refused, all inputs but the first become constants with the
/// stored values, and then all but the last.
struct SuiteCase {
  /// What became of a case.
  struct Verdict: Encodable {
    enum Outcome: String, Encodable { case passed, refused, failed }
    var name: String
    var outcome: Outcome
    /// Why it was refused, or what is wrong; nil where it passed.
    var problem: String?
    /// The largest difference of an output from the stored one; nil where none was computed.
    var difference: Double?
  }

  /// The suite's tolerances, which `data.json` beside a model may change.
  private struct Tolerances: Decodable {
    var rtol: Double?
    var atol: Double?
  }

  let folder: String

  private var name: String { folder.split(separator: "/").suffix(2).joined(separator: "/") }
  private var tolerances: Tolerances {
    let data = FileManager.default.contents(atPath: folder + "/data.json")
    return data.flatMap { try? JSONDecoder().decode(Tolerances.self, from: $0) } ?? Tolerances()
  }

  /// Runs the case with all its data.
  func verdict() throws -> Verdict {
    let data = try FileManager.default.contentsOfDirectory(atPath: folder).filter { $0.hasPrefix("test_data_set_") }.sorted()
    guard !data.isEmpty else { return Verdict(name: name, outcome: .failed, problem: "it has no data") }
    var largest = 0.0
    for set in data {
      do {
        let (network, inputs) = try imported(folder + "/" + set)
        let (problem, difference) = try compare(network, inputs, folder + "/" + set)
        largest = max(largest, difference)
        if let problem { return Verdict(name: name, outcome: .failed, problem: problem, difference: largest) }
      } catch let refusal as InterchangeError {
        guard case .reading(_, let problem) = refusal else { throw refusal }
        let isClear = !problem.isEmpty && problem.unicodeScalars.allSatisfy(\.isVisible)
        return Verdict(name: name, outcome: isClear ? .refused : .failed, problem: problem)
      } catch { return Verdict(name: name, outcome: .failed, problem: String(describing: error)) }
    }
    return Verdict(name: name, outcome: .passed, difference: largest)
  }

  /// Imports the model, with some of its inputs as constants, and returns the indices of the others.
  private func imported(_ data: String) throws -> (network: ImportedNetwork, inputs: [Int]) {
    let path = folder + "/model.onnx"
    let inputs = try ONNXGraph(contentsOf: path).inputs.map(\.name)
    do { return (try ImportedNetwork(contentsOf: path), Array(inputs.indices)) } catch {
      guard inputs.count > 1 else { throw error }
    }
    let first = Result { try importing(path, inputs, computing: 0, data) }
    if case .failure = first, let last = try? importing(path, inputs, computing: inputs.count - 1, data) {
      return (last, [inputs.count - 1])
    }
    return (try first.get(), [0])
  }

  /// Imports the model with one computed input; the others are constants, which ONNX's files may name among their inputs.
  private func importing(_ path: String, _ inputs: [String], computing computed: Int, _ data: String) throws -> ImportedNetwork {
    // Messages of the format go on where they are appended: an initializer is field 5 of the graph, field 7 of the model; its name is field 8.
    var constants = Data()
    for (index, name) in inputs.enumerated() where index != computed {
      let tensor = try Data(contentsOf: URL(fileURLWithPath: "\(data)/input_\(index).pb"))
      constants += protobufField(5, tensor + protobufField(8, Data(name.utf8)))
    }
    let model = try Data(contentsOf: URL(fileURLWithPath: path)) + protobufField(7, constants)
    let file = FileManager.default.temporaryDirectory.appendingPathComponent(
      "conformance-\(ProcessInfo.processInfo.processIdentifier).onnx")
    try model.write(to: file)
    defer { try? FileManager.default.removeItem(at: file) }
    // It stays open, and its weights can be read, when it is gone.
    return try ImportedNetwork(contentsOf: file.path)
  }

  /// Computes the outputs and compares them with the stored ones.
  private func compare(_ imported: ImportedNetwork, _ inputs: [Int], _ data: String) throws -> (problem: String?, difference: Double) {
    let batches = try inputs.enumerated().map { place, index in
      try imported.networksInput(ONNXTensor(contentsOf: "\(data)/input_\(index).pb").tensor(), at: place)
    }
    let outputs = try withoutGradients { try Executor(imported.model()).outputs(of: batches) }
    let (rtol, atol) = (tolerances.rtol ?? 1e-3, tolerances.atol ?? 1e-7)
    var largest = 0.0
    for (index, name) in imported.outputNames.enumerated() {
      let stored = try ONNXTensor(contentsOf: "\(data)/output_\(index).pb")
      guard stored.isReal else { return ("output \(index) is of whole numbers", largest) }
      // A last softmax is left off, which a note says.
      let isSoftmax = imported.notes.contains { $0.hasPrefix("softmax at output \(name.quoted) left off") }
      let own = try imported.filesOutput(outputs[index], at: index)
      let output = isSoftmax ? try own.softmax(1) : own
      guard output.shape == stored.dimensions else {
        return ("output \(index) has shape \(output.shape), not \(stored.dimensions)", largest)
      }
      let pairs = zip(try output.contiguous().array(Float.self), try stored.tensor().array(Float.self))
      var isEqual = true
      for (own, theirs) in pairs where own != theirs && !(own.isNaN && theirs.isNaN) {
        let difference = abs(Double(own) - Double(theirs))
        largest = difference <= largest ? largest : difference
        isEqual = isEqual && difference <= atol + rtol * abs(Double(theirs))
      }
      guard isEqual else { return ("output \(index) differs", largest) }
    }
    return (nil, largest)
  }
}
