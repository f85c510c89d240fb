import Foundation
import TestSupport
import Testing

@Suite struct DistillationCommandTests {
  @Test func recoveryLearnsFromTheUnprunedNetwork() throws {
    try withTemporaryDirectory { folder in
      let arguments = [
        "prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--granularity", "unit", "--sparsity", "0.5", "--epochs", "4",
        "--recovery", "2ep", "--threads", "1", "--quiet", "--json", "-o", folder + "/small.safetensors",
      ]
      func row(_ more: String...) throws -> [String: Any] {
        let outcome = try espalier(arguments + more)
        #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
        return try #require(try JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
      }
      func loss(_ row: [String: Any], _ side: String) throws -> Double {
        let end = try #require((row[side] as? [String: Any])?["accuracyAtEnd"] as? [String: Any])
        return try #require(end["loss"] as? Double)
      }
      let (plain, taught) = (try row(), try row("--distill", "--distill-temperature", "2", "--distill-weight", "0.7"))
      #expect(plain["distillation"] == nil)
      let distillation = try #require(taught["distillation"] as? [String: Any])
      #expect(distillation["temperature"] as? Double == 2 && distillation["weight"] as? Double == 0.7 && distillation["teacher"] == nil)
      // The dense training is the same, what comes after the removal is not.
      #expect(try loss(plain, "dense") == loss(taught, "dense"))
      #expect(try loss(plain, "pruned") != loss(taught, "pruned"))
    }
  }

  @Test func trainLearnsFromAModelFile() throws {
    try withTemporaryDirectory { folder in
      let teacher = folder + "/teacher.safetensors"
      #expect(
        try espalier(
          "train", "--network", "mlp:64-32-10", "--dataset", "digits", "--epochs", "4", "--threads", "1", "--quiet", "-o", teacher
        ).status == 0)
      let outcome = try espalier(
        "train", "--network", "mlp:64-8-10", "--dataset", "digits", "--epochs", "2", "--threads", "1", "--quiet", "--distill", "--teacher",
        teacher, "-o", folder + "/student.safetensors")
      #expect(outcome.status == 0 && outcome.errors.isEmpty, "\(outcome.errors)")
      #expect(outcome.output.contains("; 90 % of the loss, labels the rest\n"), "\(outcome.output)")
      let over = try espalier(
        "train", "--network", "mlp:64-8-10", "--dataset", "digits", "--distill", "--teacher", teacher, "-o", teacher)
      #expect(over.status != 0 && over.errors.contains("--teacher"), "\(over.errors)")
    }
  }

  @Test(arguments: [
    (["train", "--network", "lenet-5", "--dataset", "mnist", "--distill"], "--distill needs a teacher here: give --teacher MODEL"),
    (["train", "--network", "lenet-5", "--dataset", "mnist", "--teacher", "t.safetensors"], "--teacher goes with --distill"),
    (["prune", "--network", "lenet-5", "--sparsity", "0.5", "--distill-features", "1"], "--distill-features goes with --distill"),
    (["prune", "--network", "lenet-5", "--sparsity", "0.5", "--distill-weight", "0.5"], "--distill-weight goes with --distill"),
    (
      ["prune", "--network", "lenet-5", "--dataset", "mnist", "--sparsity", "0.5", "--distill", "--distill-temperature", "0"],
      "a distillation temperature of 0.0 is impossible: give 0.001 to 1000000, e.g. 4"
    ),
    (
      ["prune", "--network", "lenet-5", "--dataset", "mnist", "--sparsity", "0.5", "--distill", "--recovery", "0ep"],
      "--distill goes with training after a removal, and there is none"
    ),
    (
      ["prune", "--network", "lenet-5", "--dataset", "mnist", "--sparsity", "0.5", "--distill", "--method", "rigl"],
      "--distill has no teacher, as no network is trained before the first removal: give --teacher MODEL, or a trained model to prune"
    ),
    (
      ["prune", "--network", "lenet-5", "--dataset", "mnist", "--distill", "--method", "lottery-ticket"],
      "--distill does not go with --method lottery-ticket; \"espalier help prune lottery-ticket\" shows what does"
    ),
    (
      ["prune", "--network", "conv-4", "--dataset", "cifar-10", "--sparsity", "0.5", "--distill", "--method", "meta-pruning"],
      "--distill does not go with --method meta-pruning; \"espalier help prune meta-pruning\" shows what does"
    ),
  ])
  func mistakesGetOneLine(arguments: [String], words: String) throws {
    let outcome = try espalier(arguments)
    #expect(outcome.errors == "espalier: \(words)\n")
    #expect(outcome.status == 64)
  }
}
