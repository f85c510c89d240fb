import Networks
import TestSupport
import Testing
import Torch
import Training

@Suite struct ReproducibilityTests {
  @Test(arguments: Course.allCases, [1, 2]) func sameSeedSameBits(_ course: Course, _ threads: Int) throws {
    let first = try course.end(threads: threads)
    #expect(try course.end(threads: threads).differences(from: first) == [])
    #expect(first.steps == [Course.steps, Course.steps])
  }

  @Test(arguments: Course.allCases) func anotherSeedOtherBits(_ course: Course) throws {
    try withThreads {
      let bits = try [UInt64(7), 8].map { seed in
        let trainer = try course.trainer(seed: seed)
        try trainer.run()
        return try Bits(trainer)
      }
      for name in bits[0].tensors.keys { #expect(bits[0].tensors[name] != bits[1].tensors[name], "\(name)") }
    }
  }

  @Test func theModelThatIsGivenStaysAsItIs() throws {
    try withThreads {
      let model = try Course.masked.model()
      let before = try model.tensors.mapValues { try $0.bytes() }
      try Trainer(Course.masked.plan(), model: model, data: Course.masked.data()).run()
      #expect(try model.tensors.mapValues { try $0.bytes() } == before)
      #expect(model.tensors.values.allSatisfy { !$0.requiresGradient })
    }
  }

  @Test(arguments: [Course.perceptron, .masked]) func watchingChangesNothing(_ course: Course) throws {
    try withThreads {
      let nodes: Set<String> = course == .perceptron ? ["relu1", "fc2"] : ["conv1", "bn2"]
      var seen: [String: Int] = [:]
      var norms: [Double] = []
      let (watcher, other) = (Watcher(), Watcher("other"))
      watcher.observedNodes = nodes
      watcher.onObserve = { value, node in
        #expect(!value.requiresGradient)
        seen[node, default: 0] += 1
      }
      watcher.onGradients = { trainer in
        let name = ParameterName(course == .perceptron ? "fc1" : "conv1", .weight)
        norms.append(try #require(trainer.model.tensor(name).gradient).absolute().sum().item())
      }
      watcher.onStep = { _ = try $0.evaluateValidation() }
      watcher.onFinish = { trainer in
        _ = try trainer.evaluateTest()
        _ = try trainer.state()
      }
      other.observedNodes = ["input"]
      other.onObserve = { _, node in seen[node, default: 0] += 1 }

      let plain = try course.trainer()
      try plain.run()
      let watched = try course.trainer(hooks: [watcher, other])
      try watched.run(afterStep: { _ = $0.model.network }, report: { _ in })

      #expect(try Bits(watched).differences(from: Bits(plain)) == [])
      #expect(seen == Dictionary(uniqueKeysWithValues: nodes.union(["input"]).map { ($0, Course.steps) }))
      #expect(norms.count == Course.steps)
      #expect(norms.allSatisfy { $0 > 0 })
    }
  }

  @Test(arguments: [Course.perceptron, .convolutional, .masked]) func replacingTheModelByItselfChangesNothing(_ course: Course) throws {
    try withThreads {
      let replacer = Watcher()
      replacer.onFinish = { try $0.replaceModel($0.model, slices: []) }
      let replaced = try course.trainer(hooks: [replacer])
      try replaced.run()
      let plain = try course.trainer()
      try plain.run()
      #expect(try Bits(replaced).differences(from: Bits(plain)) == [])
    }
  }
}

@Suite struct ResumptionTests {
  /// The first step, the middle and the end of an epoch, the step of a surgery and the one after it, the last step.
  @Test(arguments: Course.allCases) func breakingOffOnceChangesNothing(_ course: Course) throws {
    let unbroken = try course.end()
    for step in [1, 6, 7, 8, 10, 18] {
      #expect(try course.end(brokenOffAt: [step]).differences(from: unbroken) == [], "broken off after step \(step)")
    }
  }

  @Test(arguments: Course.allCases) func breakingOffAtEveryStepChangesNothing(_ course: Course) throws {
    #expect(try course.end(brokenOffAt: Array(1...Course.steps)).differences(from: course.end()) == [])
  }

  @Test func twoThreadsResumeToo() throws {
    let unbroken = try Course.shrinking.end(threads: 2)
    #expect(try Course.shrinking.end(brokenOffAt: [5, 7, 13], threads: 2).differences(from: unbroken) == [])
  }

  @Test func theCourseShrinks() throws {
    let bits = try Course.shrinking.end()
    #expect(bits.tensors["conv1.weight"]?.count == 5 * 3 * 9 * 4)
    #expect(bits.tensors["conv2.weight"]?.count == 4 * 5 * 9 * 4)
    #expect(bits.moments["0.fc.weight"]?.count == 4 * (4 * 4) * 4)
    #expect(bits.masks["fc.weight"]?.count == 4 * (4 * 4))
    #expect(bits.log.evaluations.map(\.iteration) == [6, 12, 18])
  }

  @Test func theSameTrainerGoesOn() throws {
    try withThreads {
      let trainer = try Course.perceptron.trainer()
      #expect(throws: TrainingError.interrupted(iteration: 9)) {
        try trainer.run(afterStep: { if $0.iteration == 9 { throw TrainingError.interrupted(iteration: 9) } })
      }
      #expect(trainer.epochSeconds.map(\.epoch) == [1])
      try trainer.run()
      #expect(try Bits(trainer).differences(from: Course.perceptron.end()) == [])
      #expect(trainer.epochSeconds.map(\.epoch) == [1, 2, 3])
    }
  }

  @Test func anEpochThatWasBegunBeforeAResumeHasNoTime() throws {
    try withThreads {
      let trainer = try Course.perceptron.trainer()
      #expect(throws: TrainingError.self) {
        try trainer.run(afterStep: { if $0.iteration == 9 { throw TrainingError.interrupted(iteration: 9) } })
      }
      let resumed = try Trainer(
        Course.perceptron.plan(), model: trainer.model, data: Course.perceptron.data(), state: trainer.state())
      try resumed.run()
      #expect(resumed.epochSeconds.map(\.epoch) == [3])
      #expect(resumed.epochSeconds.allSatisfy { $0.seconds > 0 && $0.seconds <= resumed.seconds })
    }
  }
}
