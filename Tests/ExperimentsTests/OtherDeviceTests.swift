#if os(Linux)
  import Experiments
  import Foundation
  import Pruning
  import Results
  import StandInCUDA
  import Testing
  import Torch
  import Training

  /// Whole runs on another device than the CPU, each in a process of its own with a stand-in for the device, on which, as on a real one, no
  /// operation takes tensors of both.
  @Suite(.serialized) struct OtherDeviceTests {
    private static func experiment(_ pruning: PruningPlan? = nil, sgd: Bool = false) -> Experiment {
      Experiment(
        start: .network("mlp:64-20-10", weights: nil), data: DataPlan(dataset: "digits", subset: 300, seed: 3),
        training: plan(sgd: sgd), pruning: pruning, recovery: plan(sgd: sgd))
    }

    private static func plan(sgd: Bool = false) -> TrainingPlan {
      TrainingPlan(
        length: .epochs(8), batchSize: 60, optimizer: sgd ? .sgd() : .adam(), learningRate: LearningRateSchedule(base: sgd ? 0.05 : 0.01),
        seed: 3)
    }

    private static func regrowing(_ method: any Regrowth, rewinding: Rewinding = .none) -> Experiment {
      let isSparse = type(of: method).start == .sparse
      return experiment(
        PruningPlan(
          criterion: isSparse ? .random : .magnitude, granularity: .weight, allocation: isSparse ? .erk : .global, amount: .total(0.8),
          timing: isSparse ? .atStart(rounds: 1) : .during(every: .epochs(1), until: .epochs(4)), schedule: .cubic, compact: false,
          regrowth: RegrowthPlan(method, rewinding: rewinding), seed: 3))
    }

    private static func removing(_ criterion: String, _ granularity: Granularity, _ timing: PruningPlan.Timing) throws -> Experiment {
      let criterion = try Criterion(named: criterion)
      return experiment(
        PruningPlan(
          criterion: criterion, granularity: granularity, scope: granularity == .weight ? .global : .layer, amount: .total(0.5),
          timing: timing,
          compact: false, seed: 3))
    }

    /// Carries an experiment out in one go and in parts, on the device.
    private static func carriedOut(_ experiment: Experiment) throws -> Runner {
      let unbroken = try BrokenOffRun(experiment, device: .cuda)
      #expect(try BrokenOffRun(experiment, breakingAfter: [7, 9], device: .cuda).file == unbroken.file)
      return unbroken.runner
    }

    private static func install() throws {
      stand_in_cuda_install()
      try TorchRuntime.configure(threads: 1)
    }

    @Test func weightsComeBack() async {
      await #expect(processExitsWith: .success) {
        try Self.install()
        let often = ExchangeSchedule(interval: .iterations(5))
        let runs = [
          Self.regrowing(RigL(schedule: often)), Self.regrowing(SparseEvolution()), Self.regrowing(Splicing(interval: .iterations(5))),
          Self.regrowing(ScoredPruning(schedule: often), rewinding: .step(.iterations(3))),
          Self.regrowing(DoublePruning(prunedSteps: .iterations(2), enter: .initial), rewinding: .initial),
          Self.regrowing(DenseSparseDense(prune: true)),
        ]
        for run in runs {
          let runner = try Self.carriedOut(run)
          // 64·20 + 20·10 = 1,480 weights, of which a fifth is kept.
          #expect(try runner.model.facts().nonZeroWeights <= 296 && runner.model.device == .cpu)
          #expect(try #require(runner.state[RegrowthReport.self]).kept == 296)
          #expect(try #require(runner.state[RegrowthReport.self]).exchanged > 0)
        }
      }
    }

    @Test func whatIsChosenIsDisturbedAndTheEndIsMeasured() async {
      await #expect(processExitsWith: .success) {
        try Self.install()
        for (kind, granularity) in [
          (TemporaryRemoval.Kind.zero, Granularity.weight), (.noise, .unit), (.restore, .unit), (.noise, .weight),
        ] {
          var run = Self.experiment(
            PruningPlan(
              criterion: granularity == .weight ? .magnitude : .l2, granularity: granularity, scope: .layer, amount: .perEvent(0.3),
              timing: .during(every: .iterations(6), until: .iterations(20)), seed: 3))
          guard let stage = run.stages.first as? PruneInTraining else { throw PlanError("another stage") }
          var pruning = stage.pruning
          pruning.temporary = TemporaryRemoval(kind, hold: .iterations(3))
          run.stages = [
            PruneInTraining(stage.training, pruning), MeasureFlatness(examples: 50, probes: 2, eigenvalues: 2, draws: 2, seed: 3),
          ]
          let runner = try Self.carriedOut(run)
          let found = try #require(runner.state[MeasuredFlatness.self]).flatness
          #expect(runner.state.events.count == 3 && runner.state.history.isEmpty && found.eigenvalues.count == 2)
          // The same directions as on the CPU.
          let surface = try LossSurface(runner.model, on: #require(runner.data).examples(50, seed: 3, channelsLast: false))
          let stream = try Generator(seed: SeedPurpose.flatness.seed(from: 3))
          let signs = try (0..<2).map { _ in try surface.randomSigns(stream) }
          let traces = try zip(surface.hessianProducts(signs), signs).map { try ($0 * $1).sum().item() }
          #expect(abs(found.hessianTrace.mean - (traces[0] + traces[1]) / 2) < 1e-3 * abs(found.hessianTrace.mean))
        }
      }
    }

    @Test func weightsAndUnitsLeaveDuringTraining() async {
      await #expect(processExitsWith: .success) {
        try Self.install()
        let during = PruningPlan.Timing.during(every: .epochs(2), until: .epochs(6))
        for criterion in ["magnitude", "lamp", "random", "taylor", "obd"] {
          let runner = try Self.carriedOut(Self.removing(criterion, .weight, during))
          #expect(runner.state.events.map(\.kept).last == 740)
        }
        for criterion in ["l2", "lamp", "fpgm", "li-greedy", "random", "activation", "weight-norm", "rs", "apoz", "taylor"] {
          let runner = try Self.carriedOut(Self.removing(criterion, .unit, during))
          #expect(runner.state.events.map(\.kept).last == 10)
        }
      }
    }

    /// Sums begun by a pass between two trainings, on the CPU, go on in the second one.
    @Test func sumsGoOnFromRoundToRound() async {
      await #expect(processExitsWith: .success) {
        try Self.install()
        let runner = try Self.carriedOut(Self.removing("activation", .unit, .rounds(2, recovery: .epochs(2))))
        #expect(runner.state.events.map(\.kept).last == 10)
      }
    }

    @Test func scoresOfRandomWeightsAreTrained() async {
      await #expect(processExitsWith: .success) {
        try Self.install()
        let popup = PruningPlan(
          method: "edge-popup", criterion: .magnitude, granularity: .weight, allocation: .layer, amount: .total(0.5), timing: .everyStep,
          compact: false, seed: 3)
        let runner = try Self.carriedOut(Self.experiment(popup, sgd: true))
        #expect(try #require(runner.state[RandomWeights.self]).count == 740)
      }
    }

    @Test func gatesAreLearned() async {
      await #expect(processExitsWith: .success) {
        try Self.install()
        for granularity in [Granularity.unit, .weight] {
          let gates = PruningPlan(
            method: "l0", criterion: .magnitude, granularity: granularity, allocation: .global, amount: .total(0.5), timing: .everyStep,
            schedule: .oneShot, gates: GatePlan(lambda: 0.1, learningRate: 0.05), seed: 3)
          let runner = try Self.carriedOut(Self.experiment(gates))
          // 64 inputs and 20 units, or 64·20 + 20·10 weights.
          #expect(runner.state.events.map(\.kept) == [granularity == .unit ? 42 : 740])
        }
      }
    }

    @Test func theRowSaysWhatComputed() async {
      await #expect(processExitsWith: .success) {
        try Self.install()
        let runner = try BrokenOffRun(Self.experiment(), device: .cuda).runner
        let row = try runner.row(command: ["espalier"], version: "test", file: nil, latencyBatches: [1])
        #expect(row.machine.device == "cuda" && row.text(width: 200).contains(", 1 thread, cuda, espalier test"))
        #expect(row.dense.latency.map(\.batch) == [1])
        let here = try #require(BrokenOffRun(Self.experiment()).runner.state.trainings.last?.last?.test).accuracy
        #expect(try abs(#require(row.dense.accuracyAtEnd).fraction - here) < 0.02)
      }
    }
  }
#endif
