import Foundation
import Networks
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

/// Cases of ONNX's own backend tests, which `Scripts/test-onnx-suite` runs all; `Tests/Reference/onnx_backend.py` takes these from there.
@Suite struct BackendCaseTests {
  struct Case: Decodable, CustomTestStringConvertible, Sendable {
    var name: String
    /// Whether it is read; others may be, and must then compute what is stored.
    var isRead: Bool
    var file: Data
    var shape: [Int]
    /// Elements of float32, little-endian.
    var input: Data
    var outputShape: [Int]
    var output: Data

    var testDescription: String { name }

    /// All cases; none if the file cannot be read, which another test reports.
    static let all = (try? JSONDecoder().decode([Case].self, from: Data(contentsOf: reference("onnx_backend.json")))) ?? []

    static func numbers(_ data: Data) -> [Float] {
      data.withUnsafeBytes { bytes in (0..<data.count / 4).map { bytes.loadUnaligned(fromByteOffset: 4 * $0, as: Float.self) } }
    }
  }

  @Test func casesAreThere() { #expect(Case.all.count { $0.isRead } == 49 && Case.all.count { !$0.isRead } == 26) }

  @Test(arguments: Case.all) func computesWhatIsStoredOrIsRefused(_ given: Case) throws {
    try withFile(given.file) { path in
      if let problem = try problem(path) {
        #expect(!given.isRead, "\(problem)")
        #expect(!problem.isEmpty && problem.unicodeScalars.allSatisfy { $0.value >= 0x20 })
        return
      }
      let imported = try ImportedNetwork(contentsOf: path)
      let batch = try imported.networksInput(Tensor(Case.numbers(given.input), shape: given.shape))
      var output = try imported.filesOutput(imported.model().evaluated(batch))
      // A last softmax is left off.
      if imported.notes.contains(where: { $0.hasPrefix("softmax") }) { output = try output.softmax(1) }
      #expect(output.shape == given.outputShape)
      // The suite's own tolerances.
      for (own, stored) in zip(try output.doubles(), Case.numbers(given.output).map(Double.init)) {
        #expect(abs(own - stored) <= 1e-7 + 1e-3 * abs(stored))
      }
    }
  }
}
