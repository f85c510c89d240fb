import Datasets
import Foundation
import Networks
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
      #expect(try here.goOn(in: here, from: "p", usesOwnKernels: true) == nil)
      var other = here
      (other.threads, other.kernels) = (2, .libtorch)
      #expect(
        try here.goOn(in: other, from: "p", usesOwnKernels: true)
          == "was computed with 1 thread, --kernels automatic, and continues with 2, libtorch: its last bits may differ from those of an "
          + "unbroken run")
      other = here
      (other.device, other.instructions, other.libtorch) = (.cuda, "of none", "2.12.0")
      #expect(
        try other.goOn(in: here, from: "p", usesOwnKernels: true)
          == "was computed with --device cuda, of none instructions, libtorch 2.12.0, and continues with cpu, \(here.instructions), "
          + "\(TorchRuntime.version): its last bits may differ from those of an unbroken run")
      var (one, two) = (here, here)
      (one.device, one.accelerator, two.device, two.accelerator) = (.cuda, "NVIDIA H100", .cuda, "NVIDIA H200")
      #expect(try one.goOn(in: one, from: "p", usesOwnKernels: true) == nil)
      #expect(
        try one.goOn(in: two, from: "p", usesOwnKernels: true)
          == "was computed with NVIDIA H100, and continues with NVIDIA H200: its last bits may differ from those of an unbroken run")
    }
  }

  /// Records from before generations were kept read as those of an earlier one.
  @Test func kernelsOfAnotherGenerationAreTold() throws {
    try withThreads {
      let here = try here()
      #expect(here.generation == TrainingKernels.generation)
      #expect(try Surroundings(device: .cpu, kernels: .libtorch, data: nil).generation == nil)
      let encoder = JSONEncoder()
      encoder.outputFormatting = .sortedKeys
      let text = try #require(String(bytes: encoder.encode(here), encoding: .utf8))
      let part = "\"generation\":\(TrainingKernels.generation),"
      #expect(text.contains(part))
      let early = try JSONDecoder().decode(Surroundings.self, from: Data(text.replacing(part, with: "").utf8))
      func words(_ kernels: String) -> String {
        "was computed with kernels of \(kernels), and continues with generation \(TrainingKernels.generation): its last bits may differ "
          + "from those of an unbroken run"
      }
      #expect(early.generation == nil && early.images == here.images)
      #expect(try early.goOn(in: here, from: "p", usesOwnKernels: true) == words("an earlier generation"))
      #expect(try early.goOn(in: here, from: "p", usesOwnKernels: false) == nil)
      var first = here
      first.generation = 1
      #expect(try first.goOn(in: here, from: "p", usesOwnKernels: true) == words("generation 1"))
      // That other kernels go on says as much.
      first.kernels = .dense
      let told = try first.goOn(in: here, from: "p", usesOwnKernels: true)
      #expect(told?.hasPrefix("was computed with --kernels dense, and continues with automatic: its last bits") ?? false)
      var (one, two) = (here, here)
      (one.device, one.generation, two.device) = (.cuda, 1, .cuda)
      #expect(try one.goOn(in: two, from: "p", usesOwnKernels: true) == nil)
    }
  }

  @Test func onlyWhatOurKernelsComputeDependsOnThem() throws {
    try withThreads {
      var data = try learnableData(side: 8, classes: 4)
      let input = FeatureShape.image(channels: 1, height: 8, width: 8)
      let chain = try Architecture.parse("mlp:64-12-4", input: input, classes: 4)
      var builder = NetworkBuilder("convolutional", input: input)
      builder.convolution("conv", 4, kernel: 3)
      builder.flatten()
      builder.linear("fc", 4)
      let convolutional = try builder.network()
      var plan = TrainingPlan(length: .iterations(1), batchSize: 4, learningRate: LearningRateSchedule(base: 0.1))
      func trained(_ network: Network, _ isPruned: Bool = true) -> [TrainingKernels.Choice] {
        TrainingKernels.Choice.allCases.filter { TrainingKernels($0).mayTrain(network, by: plan, on: data, isPruned: isPruned) }
      }
      #expect(trained(chain) == [.automatic, .sparse, .dense] && trained(chain, false) == trained(chain))
      #expect(trained(convolutional) == [.automatic, .sparse] && trained(convolutional, false) == [])
      data.augmentation = Augmentation(padding: 1, mirrors: false)
      #expect(trained(chain) == [.automatic, .sparse, .dense])
      plan.augment = true
      #expect(trained(chain) == [] && trained(convolutional) == [.automatic, .sparse])
    }
  }

  @Test func otherImagesAreRefused() throws {
    try withThreads {
      let here = try here()
      func refusal(_ parts: String, _ change: (inout TrainingData) throws -> Void) throws {
        let words =
          "p was computed with other \(parts) images than are given now: give the same ones (--data-dir), or remove it to start anew"
        let there = try self.here(change)
        #expect(throws: RecordError(words)) { try here.goOn(in: there, from: "p", usesOwnKernels: true) }
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
