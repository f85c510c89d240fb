import Datasets
import Networks
import Testing
import Torch
import Training

@Suite struct LearningTests {
  @Test(arguments: [1, 2]) func digitsAreLearned(_ threads: Int) throws {
    try withThreads(threads) {
      let (training, test) = try Dataset.load(name: "digits")
      let description = try Dataset.named("digits")
      let (learned, validation) = try training.split(validation: 200, seed: 1)
      let data = TrainingData(training: learned, validation: validation, test: test, normalization: description.normalization)
      let network = try Architecture.parse(
        "mlp:64-300-100-10", input: .image(channels: 1, height: 8, width: 8), classes: 10, dataset: "digits")
      let plan = TrainingPlan(length: .epochs(5), batchSize: 60, learningRate: .init(base: 1.2e-3), seed: 1)
      let trainer = try Trainer(plan, model: Model(network, initialization: .glorotNormal, seed: 1), data: data)
      let start = try #require(try trainer.evaluateTest())
      try trainer.run()
      let end = try #require(trainer.log.evaluations.last?.test)
      #expect(start.accuracy < 0.3)
      #expect(end.accuracy >= 0.9, "\(end)")
      #expect(end.count == 360)
      #expect(end.loss < start.loss / 4)
    }
  }

  @Test(arguments: Initialization.allCases) func everyInitialisationLearns(_ initialization: Initialization) throws {
    try withThreads {
      let data = try learnableData(channels: 3, side: 8, classes: 4)
      let plan = TrainingPlan(
        length: .epochs(20), batchSize: 8, optimizer: .sgd(), learningRate: .init(base: 0.05), evaluateEvery: .epochs(20), seed: 1)
      let trainer = try Trainer(plan, model: Model(convolutional(), initialization: initialization, seed: 1), data: data)
      try trainer.run()
      let accuracy = try #require(try trainer.evaluateTest()).accuracy
      #expect(accuracy >= 0.9)
    }
  }
}
