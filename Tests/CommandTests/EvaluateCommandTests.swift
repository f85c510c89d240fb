import Foundation
import TestSupport
import Testing

@Suite struct EvaluateCommandTests {
  /// The verdict of the 360 test images, in words and as JSON, against the row of the training.
  @Test func testImagesAreCounted() throws {
    try withTemporaryDirectory { folder in
      let path = folder + "/dense.safetensors"
      let trained = try espalier(
        "train", "--network", "mlp:64-16-10", "--dataset", "digits", "--epochs", "4", "--threads", "1", "--quiet", "--json", "-o", path)
      let row = try #require(try JSONSerialization.jsonObject(with: Data(trained.output.utf8)) as? [String: Any])
      let accuracy = try #require((row["dense"] as? [String: Any])?["accuracyAtEnd"] as? [String: Any])
      let (correct, loss) = (try #require(accuracy["correct"] as? Int), try #require(accuracy["loss"] as? Double))
      // Far enough from a half to tell rights from wrongs.
      #expect(accuracy["count"] as? Int == 360 && abs(correct - 180) > 20 && correct < 360)
      let words = try espalier("evaluate", path, "--threads", "1")
      #expect(
        words.output == "mlp:64-16-10 on digits: accuracy \(String(format: "%.2f", Double(correct) / 3.6)) % (\(correct) of 360 test "
          + "images), loss \(String(format: "%.4f", loss))\n")
      let json = try espalier("evaluate", path, "--threads", "1", "--json")
      let found = try #require(try JSONSerialization.jsonObject(with: Data(json.output.utf8)) as? [String: Any])
      #expect(found["correct"] as? Int == correct && found["count"] as? Int == 360)
      #expect(abs((found["accuracy"] as? Double ?? 0) - Double(correct) / 360) < 1e-12)
      #expect(abs((found["loss"] as? Double ?? 0) - loss) < 1e-6)
    }
  }
}
