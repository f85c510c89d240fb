import Networks
import Testing
import Torch
import Training

@Suite struct MaskedTrainingTests {
  static let optimizers: [OptimizerPlan] = [
    .sgd(momentum: 0, weightDecay: 0.1), .sgd(momentum: 0.9, weightDecay: 0.1), .sgd(momentum: 0.9, weightDecay: 0.1, nesterov: true),
    .adam(weightDecay: 0.1), .adamW(weightDecay: 0.1),
  ]

  /// Whether weights and moments are +0 or −0 exactly where the masks say so, and hardly anywhere else.
  private func expectHeld(_ trainer: Trainer) throws {
    let moments = try trainer.state().optimizer.moments
    for (name, mask) in trainer.model.masks {
      let kept = try mask.array(Bool.self)
      #expect(kept.contains(true) && kept.contains(false))
      let held = try [trainer.model.tensor(name)] + #require(moments[name])
      for (k, tensor) in held.enumerated() {
        let values = try tensor.detached().array(Float.self)
        #expect(zip(values, kept).allSatisfy { $0 == 0 || $1 }, "\(name), tensor \(k), step \(trainer.iteration)")
        let alive = zip(values, kept).count { $0 != 0 && $1 }
        #expect(2 * alive > kept.count { $0 }, "\(name), tensor \(k), step \(trainer.iteration)")
      }
    }
  }

  @Test(arguments: MaskedTrainingTests.optimizers) func prunedStaysZero(_ optimizer: OptimizerPlan) throws {
    try withThreads {
      var plan = Course.masked.plan()
      plan.optimizer = optimizer
      let model = try Course.masked.model()
      for (name, mask) in model.masks {
        // Not yet zero in the model that is given.
        #expect(try mask.select(model.tensor(name).zerosLike(), else: model.tensor(name)).nonZeroCount() > 0)
      }
      let trainer = try Trainer(plan, model: model, data: Course.masked.data())
      var steps = 0
      try trainer.run(afterStep: {
        try expectHeld($0)
        steps += 1
      })
      #expect(steps == Course.steps)
    }
  }

  @Test func masksAdoptedInMidCourseHoldFromThenOn() throws {
    try withThreads {
      let masks = try Course.masked.model().masks
      let trainer = try Course.convolutional.trainer()
      var held = 0
      try trainer.run(afterStep: { trainer in
        if trainer.iteration == 5 { try trainer.adoptMasks(masks) }
        if (5...12).contains(trainer.iteration) {
          try expectHeld(trainer)
          held += 1
        }
        // Without its mask a pruned weight moves again.
        if trainer.iteration == 12 { try trainer.adoptMasks([:]) }
      })
      #expect(held == 8)
      for (name, mask) in masks {
        let revived = try mask.select(trainer.model.tensor(name).detached().zerosLike(), else: trainer.model.tensor(name).detached())
        #expect(try revived.nonZeroCount() > 0, "\(name)")
      }
    }
  }

  @Test func masksThatDoNotFitAreRefusedAndTheOldOnesStay() throws {
    try withThreads {
      let trainer = try Course.masked.trainer()
      let wrong = ParameterName("conv9", .weight)
      #expect(
        throws: ModelError.parameters(network: "convolutional", problems: ["the mask of conv9.weight does not fit"])
      ) {
        try trainer.adoptMasks([wrong: .ones([2], type: .bool)])
      }
      #expect(
        throws: ModelError.parameters(network: "convolutional", problems: ["the mask of fc.weight does not fit"])
      ) {
        try trainer.adoptMasks([ParameterName("fc", .weight): .ones([20, 4], type: .bool)])
      }
      #expect(trainer.model.masks.count == 3)
      try trainer.run()
      try expectHeld(trainer)
    }
  }
}
