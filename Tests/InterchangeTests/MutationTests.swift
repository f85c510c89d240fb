import Foundation
import TestSupport
import Testing
import Torch
import Training

@testable import Interchange

/// Damaged copies of sound files: each is read or refused in one line. `espalier-conformance --mutations 10000 1 FILE` tries more of them.
@Suite struct MutationTests {
  private static let checkpoints = ["zip.pth", "legacy-2.pth", "views.pt", "module.pt"]

  private func count(_ good: [UInt8], _ name: String, _ read: (String) throws -> Void) throws -> (read: Int, refused: Int) {
    var (sound, refused) = (0, 0)
    try withTemporaryDirectory { folder in
      for seed in 0..<200 as Range<UInt64> {
        var random = RandomStream(seed: seed)
        let path = folder + "/" + name
        try Data(good.mutated(&random)).write(to: URL(fileURLWithPath: path))
        do {
          try read(path)
          sound += 1
        } catch InterchangeError.reading(_, let problem) {
          #expect(problem.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "seed \(seed)")
          refused += 1
        } catch let error as TensorArchiveError {
          #expect(error.problem.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "seed \(seed)")
          refused += 1
        }
      }
    }
    return (sound, refused)
  }

  @Test(arguments: ["torch-silu", "torch-shuffle", "reshape-all-computed", "gate"]) func modelsAreReadOrRefused(_ name: String) throws {
    let golden = try #require(GoldenModel.all.first { $0.name == name })
    let (read, refused) = try count([UInt8](#require(Data(base64Encoded: golden.file))), "m.onnx") {
      _ = try ImportedNetwork(contentsOf: $0).model()
    }
    #expect(read + refused == 200 && refused > 100)
  }

  @Test(arguments: checkpoints) func checkpointsAreReadOrRefused(_ name: String) throws {
    let path = packageDirectory.appendingPathComponent("Tests/InterchangeTests/Checkpoints/Golden/\(name)")
    let (read, refused) = try count([UInt8](Data(contentsOf: path)), "w.pth") { _ = try WeightsReader.files($0) }
    #expect(read + refused == 200 && refused > 100)
  }
}
