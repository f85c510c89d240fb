import Foundation
import TestSupport
import Testing

@Suite struct StrongTicketCommandTests {
  private static let popup = ["prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--method", "edge-popup"]
  private static let own =
    "--method edge-popup selects anew at every step by its own scores: "
    + "--criterion, --at-start, --rounds, --recovery, --every, --until and --schedule do not go with it"

  @Test(arguments: [
    (popup + ["--sparsity", "0.5", "--rounds", "3"], own),
    (popup + ["--sparsity", "0.5", "--criterion", "random"], own),
    (popup + ["--sparsity", "0.5", "--recovery", "1ep"], own),
    (
      popup + ["--sparsity", "0.5", "--granularity", "unit"],
      "--method edge-popup chooses among single weights: --granularity unit does not go with it"
    ),
    (
      popup + ["--fraction", "0.5"],
      "--method edge-popup uses one density from the first step on: give --sparsity, e.g. --sparsity 0.5"
    ),
    (
      popup + ["--sparsity", "0.5", "--optimizer", "adam"],
      "--method edge-popup trains its scores with sgd: --optimizer does not go with it"
    ),
    (
      popup + ["--sparsity", "0.5", "--l1", "1e-5"], "--method edge-popup trains scores, not weights: --l1 and --slimming do not go with it"
    ),
    (popup + ["--sparsity", "0.5", "--epochs", "0"], "--method edge-popup trains its scores: --epochs 0 leaves it nothing"),
    (
      ["prune", "dense.safetensors", "--method", "edge-popup", "--sparsity", "0.5", "--dataset", "digits"],
      "--method edge-popup chooses among random weights: give --network, not a model file"
    ),
    (popup + ["--sparsity", "0.5", "--at-start"], own),
    (
      popup + ["--sparsity", "0.5", "--minimum-layer-density", "0.1"],
      "--method edge-popup ranks its own scores: --minimum-layer-density and --normalization do not go with it"
    ),
    (
      ["prune", "--network", "mlp:64-10", "--dataset", "digits", "--method", "han", "--deviations", "1", "--every", "1ep"],
      "--method han removes between trainings: --at-start, --every and --until do not go with it"
    ),
    (
      ["prune", "--network", "mlp:64-10", "--method", "han", "--deviations", "1", "--granularity", "unit"],
      "--method han prunes single weights: --granularity unit does not go with it"
    ),
    (
      ["train", "--network", "mlp:64-10", "--dataset", "digits", "--l1=-1"],
      "an L1 penalty of -1.0 is impossible: give 0 or a positive number, e.g. 1e-5"
    ),
    (["inspect", "lenet-5-x99"], "network \"lenet-5-x99\": hidden widths can be multiplied by 2 to 64, e.g. lenet-300-100-x2"),
  ])
  func whatDoesNotGoTogetherIsSaid(arguments: [String], words: String) throws {
    let outcome = try espalier(arguments)
    #expect(outcome.status == 64)
    #expect(outcome.errors.contains(words), "\(outcome.errors)")
  }

  @Test func retrainingHasATenthOfTheLearningRate() throws {
    let folder = try TemporaryDirectory()
    let path = folder.file("small.safetensors")
    let outcome = try espalier(
      "prune", "--network", "mlp:64-16-10", "--dataset", "digits", "--subset", "100", "--method", "han", "--deviations", "0.5", "--epochs",
      "1",
      "--rounds", "1", "--learning-rate", "0.02", "--l1", "1e-5", "--threads", "1", "--quiet", "-o", path)
    #expect(outcome.status == 0, "\(outcome.errors)")
    let text = String(decoding: try Data(contentsOf: URL(fileURLWithPath: path)), as: UTF8.self)
    #expect(text.contains("0.002"), "the recipe holds the recovery's rate")
    #expect(outcome.output.contains("seed 0: han: weights by threshold"))
    #expect(outcome.output.contains("at a learning rate of 0.002, 0.10× that before"))
  }

  @Test func theMethodsAreListed() throws {
    let methods = try espalier("methods", "methods")
    #expect(methods.output.contains("edge-popup") && methods.output.contains("Ramanujan et al. 2020"))
    #expect(methods.output.contains("Han et al. 2015"))
    #expect(try espalier("methods", "initializations").output.contains("signed-kaiming"))
  }
}
