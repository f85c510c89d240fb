import Datasets
import Foundation
import TestSupport
import Testing
import Torch
import Training

@Suite struct SurroundingsTests {
  private func here(_ change: (inout TrainingData) throws -> Void = { _ in }) throws -> Surroundings {
    var data = try learnableData(side: 4, classes: 4)
    try change(&data)
    return try Surroundings(device: .cpu, kernels: .automatic, data: data)
  }

  @Test func sayWhatTheyAre() throws {
    try withThreads {
      let here = try here()
      #expect(here.threads == 1 && here.device == .cpu && here.kernels == .automatic && here.libtorch == TorchRuntime.version)
      #expect(here.instructions.hasPrefix(TorchRuntime.cpuCapability + "/"))
      #expect(here.images.count == 3 && Set(here.images.values).count == 3)
      #expect(try JSONDecoder().decode(Surroundings.self, from: JSONEncoder().encode(here)) == here)
      #expect(try Surroundings(device: .cpu, kernels: .libtorch, data: nil).images.isEmpty)
    }
  }

  @Test func otherArithmeticIsTold() throws {
    try withThreads {
      let here = try here()
      #expect(try here.goOn(in: here, from: "p") == nil)
      var other = here
      (other.threads, other.kernels) = (2, .libtorch)
      #expect(
        try here.goOn(in: other, from: "p")
          == "was computed with 1 thread, --kernels automatic, and continues with 2, libtorch: its last bits may differ from those of an "
          + "unbroken run")
      other = here
      (other.device, other.instructions, other.libtorch) = (.cuda, "of none", "2.12.0")
      #expect(
        try other.goOn(in: here, from: "p")
          == "was computed with --device cuda, of none instructions, libtorch 2.12.0, and continues with cpu, \(here.instructions), "
          + "\(TorchRuntime.version): its last bits may differ from those of an unbroken run")
      var (one, two) = (here, here)
      (one.device, one.accelerator, two.device, two.accelerator) = (.cuda, "NVIDIA H100", .cuda, "NVIDIA H200")
      #expect(try one.goOn(in: one, from: "p") == nil)
      #expect(
        try one.goOn(in: two, from: "p")
          == "was computed with NVIDIA H100, and continues with NVIDIA H200: its last bits may differ from those of an unbroken run")
    }
  }

  @Test func otherImagesAreRefused() throws {
    try withThreads {
      let here = try here()
      func refusal(_ parts: String, _ change: (inout TrainingData) throws -> Void) throws {
        let words =
          "p was computed with other \(parts) images than are given now: give the same ones (--data-dir), or remove it to start anew"
        let there = try self.here(change)
        #expect(throws: RecordError(words)) { try here.goOn(in: there, from: "p") }
      }
      try refusal("training") { $0.training = try learnableImages(50, side: 4, classes: 4, seed: 9) }
      try refusal("training") { $0.training = try $0.training.selecting((0..<50).reversed()) }
      try refusal("validation and test") {
        $0.validation = nil
        $0.test = try $0.test?.selecting(0..<23)
      }
    }
  }
}
