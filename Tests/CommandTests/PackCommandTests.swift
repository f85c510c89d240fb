import Foundation
import TestSupport
import Testing

/// `prune --pack`: a smaller file of the same model.
@Suite struct PackCommandTests {
  @Test func aPackedFileIsTheSameModel() throws {
    try withTemporaryDirectory { folder throws in
      func pruned(_ name: String, _ options: String...) throws -> (row: [String: Any], path: String) {
        let path = folder + "/" + name
        let outcome = try espalier(
          [
            "prune", "--network", "mlp:64-100-10", "--dataset", "digits", "--sparsity", "0.9", "--rounds", "1", "--epochs", "1it",
            "--recovery", "1it", "--no-compact", "--threads", "1", "--no-latency", "--json", "--quiet", "-o", path,
          ] + options)
        #expect(outcome.status == 0 && outcome.errors.isEmpty)
        let row = try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        return (try #require(row["pruned"] as? [String: Any]), path)
      }
      let (plain, packed) = (try pruned("plain"), try pruned("packed", "--pack"))
      #expect(plain.row["gzipBytes"] == nil)
      let (whole, small) = (try #require(plain.row["fileBytes"] as? Int), try #require(packed.row["fileBytes"] as? Int))
      #expect(try Data(contentsOf: URL(fileURLWithPath: packed.path)).count == small)
      // Of 7400 weights 740 are left: 4 bytes each, and an eighth of one for each that there was, so 25,715 less but for headers.
      let saved = whole - small
      #expect(saved > 25_400 && saved < 26_000)
      let zipped = try #require(packed.row["gzipBytes"] as? Int)
      #expect(zipped < whole && zipped > 1500)
      let said = try espalier("evaluate", plain.path).output
      #expect(said.contains("accuracy"))
      #expect(try espalier("evaluate", packed.path).output == said)
      // Pruned on, it is the same start; the recipe names the path.
      func further(_ path: String) throws -> Data {
        let start = folder + "/start"
        try Data(contentsOf: URL(fileURLWithPath: path)).write(to: URL(fileURLWithPath: start))
        let outcome = try espalier(
          "prune", start, "--sparsity", "0.95", "--rounds", "1", "--recovery", "0", "--no-latency", "--no-compact", "--quiet", "-o",
          folder + "/again")
        #expect(outcome.status == 0)
        return try Data(contentsOf: URL(fileURLWithPath: folder + "/again"))
      }
      let again = try further(plain.path)
      #expect(try further(packed.path) == again)
    }
  }
}
