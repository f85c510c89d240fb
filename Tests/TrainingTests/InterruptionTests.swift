import Interruptions
import Networks
import Synchronization
import TestSupport
import Testing
import Torch
import Training

/// Work that is stopped where nobody handed it a way to ask.
@Suite(.serialized) struct InterruptionTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  /// Runs `body` with a wish that comes with the `number`-th question, and says how many were asked.
  private func stopping<Result>(at number: Int, _ body: () throws -> Result) rethrows -> (result: Result, questions: Int) {
    let asked = Atomic(0)
    let result = try Interruption.$isRequested.withValue(
      { asked.wrappingAdd(1, ordering: .relaxed).newValue >= number }, operation: { try body() })
    return (result, asked.load(ordering: .relaxed))
  }

  @Test func nobodyAsksForAnythingUnlessSomebodySaysSo() throws {
    try Interruption.check()
    #expect("\(Interrupted())" == "interrupted")
  }

  /// Every layer but those of a training's step, which is the shortest piece of it.
  @Test func passesStopAtAnyLayer() throws {
    let model = try Model(perceptron(), seed: 1)
    let input = try Tensor.zeros([2, 1, 4, 4])
    let layers = model.network.nodes.count
    #expect(try stopping(at: .max) { try Executor(model).forward(input) }.questions == layers)
    for number in 1...layers {
      #expect(throws: Interrupted()) { try stopping(at: number) { try Executor(model).forward(input) } }
    }
    let generator = try Generator(seed: 1)
    _ = try stopping(at: 1) { try Executor(model).forward(input, mode: .training(generator)) }
  }

  /// The training stops in the midst of evaluations at every third place in turn; from what a file keeps of it, it goes on.
  @Test(arguments: [Course.perceptron, .shrinking]) func aBrokenOffEvaluationBeginsAnew(_ course: Course) throws {
    let unbroken = try course.end()
    try withThreads {
      try withTemporaryDirectory { folder in
        let questions = try stopping(at: .max) { try course.trainer().run() }.questions
        var (stops, last) = (0, 0)
        for number in stride(from: 1, through: questions, by: 3) {
          let trainer = try course.trainer()
          do {
            _ = try stopping(at: number) {
              try trainer.run(afterStep: { trainer in
                guard trainer.isStepOpen else { return }
                #expect(!trainer.isFinished)
                try Checkpoint(model: trainer.model, training: trainer.state(), progress: "").write(to: folder + "/c")
                throw TrainingError.interrupted(iteration: trainer.iteration)
              })
            }
          } catch TrainingError.interrupted(let iteration) {
            (stops, last) = (stops + 1, max(last, iteration))
            let kept = try Checkpoint(contentsOf: folder + "/c")
            let resumed = try Trainer(course.plan(), model: kept.model, data: course.data(), hooks: course.hooks(), state: kept.training)
            #expect(resumed.isStepOpen)
            try resumed.run()
            #expect(resumed.isFinished && resumed.epochSeconds.allSatisfy { $0.seconds > 0 })
            #expect(try Bits(resumed).differences(from: unbroken) == [], "\(number)")
          }
        }
        #expect(stops > 5 && last == Course.steps, "\(stops) \(last)")
      }
    }
  }
}
