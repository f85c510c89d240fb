import Foundation
import Interchange
import SparseRuntime
import TestSupport
import Testing
import Torch
import Training

/// How `compile` lays values out.
@Suite struct PlanLayoutCommandTests {
  /// Channels of single images begin with lines of the cache, those of 16 side by side anywhere else.
  @Test(arguments: [
    ([], false), (["--batch", "64"], false), (["--batch", "8"], false), (["--batch", "7"], true), (["--batch", "1"], true),
  ])
  func batchesDecideHowValuesLie(_ options: [String], _ isLone: Bool) throws {
    try withTemporaryDirectory { folder in
      var archive = TensorArchive()
      archive.tensors["x"] = try Tensor((0..<20 * 784).map { Float($0 % 13) }, shape: [20, 1, 28, 28])
      archive.tensors["y"] = try Tensor((0..<20).map { Int64($0 % 10) })
      try archive.write(to: folder + "/data.safetensors")
      let network = folder + "/model.safetensors"
      let made = try espalier(
        "train", "--network", "lenet-5", "--dataset", "tensors:\(folder)/data.safetensors", "--epochs", "1", "--quiet", "--threads", "1",
        "-o", network)
      #expect(made.status == 0, "\(made.errors)")
      let plan = folder + "/model.plan"
      let compiled = try espalier(["compile", network, "--kernels", "usual", "-o", plan] + options)
      #expect(compiled.status == 0, "\(compiled.errors)")
      let planes = try CompiledModel(contentsOf: plan).plan.maps.map(\.plane).filter { $0 >= 64 }
      #expect(!planes.isEmpty && planes.allSatisfy { ($0 % 16 == 0) == isLone }, "\(planes)")
      // What is not there is said to be so.
      let profile = try espalier("compile", network, "--kernels", folder + "/none.json")
      #expect(profile.status == 66 && profile.errors == "espalier: there is no file \(folder)/none.json\n", "\(profile.errors)")
      try TensorArchive().write(to: folder + "/empty.safetensors")
      let empty = try espalier("run", plan, folder + "/empty.safetensors")
      #expect(
        empty.status == 65
          && empty.errors == "espalier: \(folder)/empty.safetensors has no tensors: give a file that holds the examples\n",
        "\(empty.errors)")
    }
  }
}
