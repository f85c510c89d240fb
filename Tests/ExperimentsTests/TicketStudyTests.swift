import Experiments
import Foundation
import Networks
import Pruning
import Results
import TestSupport
import Testing
import Torch
import Training

/// Ticket studies on the embedded digits, of a few steps a round.
@Suite(.serialized) struct TicketStudyTests {
  init() throws { try TorchRuntime.configure(threads: 1) }

  private func plan(
    rounds: Int = 3, rewinding: Rewinding = .initial, branches: [TicketBranch] = [], at branchRounds: [Int] = [], scope: Scope = .layer,
    sparsity: Double? = nil, batch: Int = 20
  ) -> TicketPlan {
    TicketPlan(
      network: "mlp:64-12-10", data: DataPlan(dataset: "digits", subset: 200, validation: 50), initialization: .pytorch,
      training: TrainingPlan(
        length: .iterations(8), batchSize: batch,
        learningRate: .init(base: 0.01, decay: .multiStep(milestones: [.iterations(6)], factor: 0.1)),
        evaluateEvery: .iterations(2)),
      rounds: rounds, rates: LayerRates(fraction: 0.2, output: scope == .layer ? 0.1 : nil), sparsity: sparsity, scope: scope,
      rewinding: rewinding, branches: branches, branchRounds: branchRounds, reinitializations: 2)
  }

  private func model(_ folder: String, _ branch: String, _ round: Int, seed: Int = 1) throws -> Model {
    try ModelFile(contentsOf: "\(folder)/seed-\(seed)/\(branch)/round-0\(round).safetensors").model
  }

  /// Names and bytes of all files, the times in records apart.
  private func contents(_ folder: String) throws -> [String: Data] {
    var result: [String: Data] = [:]
    for name in try FileManager.default.subpathsOfDirectory(atPath: folder) {
      let path = folder + "/" + name
      if name.contains("/round-"), name.hasSuffix(".json") {
        var record = try TicketRound(json: Data(contentsOf: URL(fileURLWithPath: path)))
        (record.iterationsPerSecond, record.seconds) = (nil, 0)
        result[name] = Data(try record.json().utf8)
      } else if !FileManager.default.isFolder(path) {
        result[name] = try Data(contentsOf: URL(fileURLWithPath: path))
      }
    }
    return result
  }

  /// The starting models of each training, got by breaking the study off before the first step of each.
  private func starts(_ plan: TicketPlan, _ folder: String) throws -> [String: Model] {
    var result: [String: Model] = [:]
    for _ in 0..<100 {
      var label: String?
      do {
        try TicketStudy(plan, in: folder).run(
          seeds: [1],
          options: .init(interrupted: { label != nil }, willTrain: { _, branch, round in label = "\(branch) \(round)" }))
      } catch TrainingError.interrupted {
        let parts = (label ?? "").split(separator: " ")
        let path = "\(folder)/seed-1/\(parts[0])/round-0\(parts[1]).checkpoint"
        result[label ?? ""] = try Checkpoint(contentsOf: path).model
        continue
      }
      break
    }
    return result
  }

  @Test func countsAreExactAndMasksNested() throws {
    try withTemporaryDirectory { folder in
      try TicketStudy(plan(branches: [.randomMask, .randomMaskERK, .oneShot]), in: folder).run(seeds: [1])
      // 768·0.8^k: 614.4, 491.52, 393.2; 120·0.9^k: 108, 97.2, 87.48.
      let expected = [[768, 120], [614, 108], [492, 97], [393, 87]]
      for round in 0...3 {
        let masks = try MaskSet(model(folder, "trunk", round))
        #expect(masks.layers.map(\.kept) == expected[round], "round \(round)")
        if round > 1 {
          #expect(try masks.isNested(in: MaskSet(model(folder, "trunk", round - 1))), "round \(round)")
          #expect(try MaskSet(model(folder, "random-mask", round)).isNested(in: MaskSet(model(folder, "random-mask", round - 1))))
        }
        guard round > 0 else { continue }
        #expect(try MaskSet(model(folder, "random-mask", round)).layers.map(\.kept) == expected[round])
        #expect(try MaskSet(model(folder, "one-shot", round)).layers.map(\.kept) == expected[round])
        let erk = try MaskSet(model(folder, "random-mask-erk", round))
        #expect(erk.kept == expected[round].reduce(0, +) && erk.layers[1].density > erk.layers[0].density)
        #expect(try !MaskSet(model(folder, "random-mask", round)).isNested(in: masks))
      }
      let one = try (MaskSet(model(folder, "one-shot", 1)), MaskSet(model(folder, "trunk", 1)))
      #expect(try one.0.isNested(in: one.1), "the first round is one removal")
    }
  }

  @Test func everyRoundStartsFromTheInitialWeightsTimesItsMask() throws {
    try withTemporaryDirectory { folder in
      let plan = plan(rounds: 2, branches: [.reinit, .randomMask, .finetune], at: [2])
      // A step moves every weight, so the checkpoint after one step would not show the start; the final models show the masks.
      try TicketStudy(plan, in: folder).run(seeds: [1])
      let initial = try ModelFile(contentsOf: folder + "/seed-1/initial.safetensors").model
      let ticket = try model(folder, "trunk", 2)
      let fromTicket = try ticket.rewound(to: initial)
      // The same training by hand, from init × mask, ends with the same bits.
      var source = plan.data
      source.seed = 1
      var training = plan.training
      training.seed = 1
      let trainer = try Trainer(training, model: fromTicket, data: source.load())
      try trainer.run()
      for (name, tensor) in trainer.model.tensors {
        #expect(try tensor.detached().array(Float.self) == ticket.tensor(name).array(Float.self), "\(name)")
      }
      // Biases of this initialisation are not 0: they came back, too.
      let bias = ParameterName("fc1", .bias)
      #expect(try fromTicket.tensor(bias).array(Float.self) == initial.tensor(bias).array(Float.self))
      #expect(try initial.tensor(bias).nonZeroCount() == 12)
      // Reinit: the same mask and other weights, in each draw others; random-mask: other places.
      let weight = ParameterName("fc1", .weight)
      let draws = try (1...2).map { try model(folder, "reinit-\($0)", 2) }
      for draw in draws { #expect(try draw.masks[weight]?.array(Bool.self) == ticket.masks[weight]?.array(Bool.self)) }
      #expect(try draws[0].tensor(weight).array(Float.self) != draws[1].tensor(weight).array(Float.self))
      #expect(try draws[0].tensor(weight).array(Float.self) != ticket.tensor(weight).array(Float.self))
      #expect(try model(folder, "random-mask", 2).masks[weight]?.array(Bool.self) != ticket.masks[weight]?.array(Bool.self))
    }
  }

  /// A branch's first step, undone by training zero steps: the checkpoint of a training that was stopped after one step at rate 0.
  /// Fine-tuning goes on from the weights before the removal, at the last rate: 0.001, a tenth of the first.
  @Test func fineTuningHasTheLastRate() throws {
    try withTemporaryDirectory { folder in
      let plan = plan(rounds: 1, branches: [.finetune], at: [1])
      try TicketStudy(plan, in: folder).run(seeds: [1])
      var (source, training) = (plan.data, plan.training)
      (source.seed, training.seed) = (1, 1)
      training.learningRate = LearningRateSchedule(base: 0.01 * 0.1)
      let start = try model(folder, "trunk", 1).rewound(to: model(folder, "trunk", 0))
      let trainer = try Trainer(training, model: start, data: source.load())
      try trainer.run()
      let tuned = try model(folder, "finetune", 1)
      for (name, tensor) in trainer.model.tensors {
        #expect(try relativeError(tuned.tensor(name), tensor) < 1e-6, "\(name)")
      }
    }
  }

  /// Random masks with the counts of the kernel leave the ignored layer whole, and as many weights in all as the ticket has.
  @Test func anIgnoredLayerStaysWholeInEveryBranch() throws {
    try withTemporaryDirectory { folder in
      var plan = plan(rounds: 1, branches: [.randomMask, .randomMaskERK, .oneShot], at: [1])
      plan.rates = LayerRates(fraction: 0.5, ignored: ["fc2"])
      try TicketStudy(plan, in: folder).run(seeds: [1])
      for branch in ["trunk", "random-mask", "random-mask-erk", "one-shot"] {
        #expect(try MaskSet(model(folder, branch, 1)).layers.map(\.kept) == [384, 120], "\(branch)")
      }
    }
  }

  /// A row's chosen accuracy is that of the early stop, wherever it was; steps that rewinding skips are not counted.
  @Test func theRowOfASeed() throws {
    try withTemporaryDirectory { folder in
      let plan = plan(rounds: 2, rewinding: .step(.iterations(3)))
      let study = try TicketStudy(plan, in: folder)
      try study.run(seeds: [1])
      let path = "\(folder)/seed-1/trunk/round-02.json"
      var record = try TicketRound(json: Data(contentsOf: URL(fileURLWithPath: path)))
      // The first evaluation as the best one: that of an ordinary round could be the last.
      record.evaluations[0].validationLoss = 0
      record.evaluations[0].test = Accuracy(correct: 1, count: 360, loss: 2, iteration: record.evaluations[0].iteration)
      try Data(record.json().utf8).write(to: URL(fileURLWithPath: path))
      let row = try study.row(seed: 1, command: ["espalier"], version: "test")
      #expect(row.pruned?.accuracyChosen == record.evaluations[0].test)
      #expect(row.pruned?.accuracyAtEnd == record.evaluations.last?.test && row.pruned?.accuracyAtEnd?.correct != 1)
      // 8 steps of the dense network, 5 of each of two rounds.
      #expect(row.steps == 18 && row.seed == 1 && row.trainingSeconds ?? 0 > 0)
      // 768 → 614 → 492 (491.52) and 120 → 108 → 97 (97.2).
      #expect(row.weights == Removal(asked: nil, removed: 299, of: 888))
      #expect(row.dense.nonZeroWeights == 888 && row.pruned?.nonZeroWeights == 589 && row.data?.training == 200)
    }
  }

  @Test func whereBranchesBegin() throws {
    try withTemporaryDirectory { folder in
      // So small a rate that a step of Adam changes no bit of a weight of ordinary size.
      var still = plan(rounds: 2, branches: [.reinit, .finetune], at: [2])
      still.training.learningRate = LearningRateSchedule(base: 1e-30)
      let starts = try starts(still, folder)
      #expect(starts.keys.sorted() == ["finetune 2", "reinit-1 2", "reinit-2 2", "trunk 0", "trunk 1", "trunk 2"])
      let initial = try ModelFile(contentsOf: folder + "/seed-1/initial.safetensors").model
      let weight = ParameterName("fc1", .weight)
      func bits(_ model: Model?) throws -> [UInt32] { try (model?.tensor(weight).array(Float.self) ?? []).map(\.bitPattern) }
      let mask = try starts["trunk 2"]?.masks[weight]?.array(Bool.self) ?? []
      let masked = try zip(bits(initial), mask).map { $1 ? $0 : 0 }
      #expect(try bits(starts["trunk 0"]) == bits(initial))
      #expect(try bits(starts["trunk 2"]) == masked)
      #expect(try bits(starts["finetune 2"]) == masked, "nothing was learned")
      let draws = try [bits(starts["reinit-1 2"]), bits(starts["reinit-2 2"])]
      #expect(draws[0] != masked && draws[0] != draws[1])
    }
  }

  @Test func branchesReuseTheTrunkAndStudiesGrow() throws {
    try withTemporaryDirectory { folder in
      var trained: [String] = []
      let options = TicketStudy.Options(willTrain: { seed, branch, round in trained.append("\(seed) \(branch) \(round)") })
      try TicketStudy(plan(rounds: 2), in: folder).run(seeds: [1], options: options)
      #expect(trained == ["1 trunk 0", "1 trunk 1", "1 trunk 2"])
      trained = []
      try TicketStudy(plan(rounds: 3, branches: [.finetune, .reinit], at: [1, 3]), in: folder).run(seeds: [1], options: options)
      #expect(trained == ["1 trunk 3", "1 reinit-1 1", "1 reinit-1 3", "1 reinit-2 1", "1 reinit-2 3", "1 finetune 1", "1 finetune 3"])
      trained = []
      var notes: [String] = []
      var again = options
      again.note = { notes.append($0) }
      try TicketStudy(plan(rounds: 2, branches: [.finetune], at: [1]), in: folder).run(seeds: [1], options: again)
      #expect(trained.isEmpty && notes == ["seed 1: all 4 trainings are already finished"])
      #expect(try TicketStudy.analysis(of: folder).rows.count == 8)
    }
  }

  @Test func aStudyKilledAnywhereEndsWithTheSameBytes() throws {
    struct Killed: Error {}
    try withTemporaryDirectory { folder in
      let plan = plan(rounds: 2, rewinding: .step(.iterations(3)), branches: [.oneShot], at: [2])
      var writes = 0
      try TicketStudy(plan, in: folder + "/a").run(seeds: [1], options: .init(didWrite: { _ in writes += 1 }))
      let whole = try contents(folder + "/a")
      #expect(whole.keys.allSatisfy { !$0.hasSuffix(".checkpoint") } && whole["seed-1/rewind.safetensors"] != nil)
      // After every single file: between a model and its record, between rounds, before the first step.
      #expect(writes == 15, "surroundings, initial, rewind; four trainings with a checkpoint, a model and a record each")
      for stop in 1...writes {
        var written = 0
        #expect(throws: Killed.self) {
          try TicketStudy(plan, in: folder + "/b\(stop)").run(
            seeds: [1],
            options: .init(didWrite: { _ in
              written += 1
              if written == stop { throw Killed() }
            }))
        }
        try TicketStudy(plan, in: folder + "/b\(stop)").run(seeds: [1])
        #expect(try contents(folder + "/b\(stop)") == whole, "killed after file \(stop)")
      }
      // In mid-round, at every third step.
      var steps = 0
      var stops = 0
      while true {
        do {
          try TicketStudy(plan, in: folder + "/c").run(
            seeds: [1],
            options: .init(interrupted: {
              steps += 1
              return steps % 3 == 0
            }))
          break
        } catch TrainingError.interrupted { stops += 1 }
      }
      #expect(stops > 5)
      #expect(try contents(folder + "/c") == whole)
    }
  }

  @Test func rewindingToAStepGoesOnFromThere() throws {
    try withTemporaryDirectory { folder in
      try TicketStudy(plan(rounds: 1, rewinding: .step(.iterations(3))), in: folder).run(seeds: [1])
      let records = try TicketStudy.records(in: folder)
      #expect(records.map(\.firstIteration) == [0, 3] && records.map { $0.evaluations.map(\.iteration) } == [[2, 4, 6, 8], [4, 6, 8]])
      let late = #expect(throws: PlanError.self) {
        try TicketStudy(plan(rewinding: .step(.iterations(8))), in: folder + "/late").run(seeds: [1])
      }
      #expect(late?.description == "--rewind 8it is not before the end of the training, which has 8 steps")
    }
  }

  @Test(arguments: [Scope.layer, .global]) func aTotalIsMetExactly(scope: Scope) throws {
    try withTemporaryDirectory { folder in
      try TicketStudy(plan(rounds: 2, branches: [.oneShot], scope: scope, sparsity: 0.95), in: folder).run(seeds: [1])
      // 888 weights; 843.6 of them are 844.
      for branch in ["trunk", "one-shot"] { #expect(try MaskSet(model(folder, branch, 2)).kept == 44, "\(branch)") }
    }
  }

  @Test func weightsMayStay() throws {
    try withTemporaryDirectory { folder in
      for (name, rewinding) in [("rates", Rewinding.learningRate), ("none", .none)] {
        try TicketStudy(plan(rounds: 1, rewinding: rewinding, branches: [.oneShot]), in: folder + "/" + name).run(seeds: [1])
        // One round is one removal, with the same rate afterwards: the same bits.
        let files = ["trunk", "one-shot"].map { "\(folder)/\(name)/seed-1/\($0)/round-01.safetensors" }
        let (trunk, oneShot) = (try ModelFile(contentsOf: files[0]).model, try ModelFile(contentsOf: files[1]).model)
        for (name, tensor) in trunk.tensors { #expect(try tensor.array(Float.self) == oneShot.tensor(name).array(Float.self), "\(name)") }
      }
      let weight = ParameterName("fc1", .weight)
      let (rates, none) = (try model(folder + "/rates", "trunk", 1), try model(folder + "/none", "trunk", 1))
      #expect(try rates.masks[weight]?.array(Bool.self) == none.masks[weight]?.array(Bool.self))
      #expect(try rates.tensor(weight).array(Float.self) != none.tensor(weight).array(Float.self))
      // Fine-tuned at a tenth of the rate: nearer to where the dense training ended.
      let dense = try model(folder + "/none", "trunk", 0).tensor(weight).array(Float.self)
      func distance(_ model: Model) throws -> Float {
        let mask = try model.masks[weight]?.array(Bool.self) ?? []
        return try zip(zip(model.tensor(weight).array(Float.self), dense), mask).reduce(0) { $0 + ($1.1 ? abs($1.0.0 - $1.0.1) : 0) }
      }
      #expect(try distance(none) < distance(rates) / 3)
    }
  }

  @Test func aFolderBelongsToTheFirstStudyThatBegan() throws {
    try withTemporaryDirectory { folder in
      #expect(throws: PlanError.self) {
        try TicketStudy(plan(rewinding: .step(.iterations(8))), in: folder).run(seeds: [1])
      }
      #expect(!FileManager.default.fileExists(atPath: folder + "/seed-1"), "what cannot be carried out leaves no trace")
      struct Killed: Error {}
      #expect(throws: Killed.self) {
        var other = plan(batch: 25)
        other.initialization = .glorotNormal
        try TicketStudy(other, in: folder).run(seeds: [1], options: .init(didWrite: { _ in throw Killed() }))
      }
      // What the first one made goes; a file of the same name that is none of its stays.
      try FileManager.default.createDirectory(atPath: folder + "/seed-7", withIntermediateDirectories: false)
      for name in ["initial.safetensors", "surroundings.json"] {
        try "mine".write(toFile: "\(folder)/seed-7/\(name)", atomically: false, encoding: .utf8)
      }
      try TicketStudy(plan(rounds: 1), in: folder).run(seeds: [1])
      for name in ["initial.safetensors", "surroundings.json"] {
        #expect(try String(contentsOfFile: "\(folder)/seed-7/\(name)", encoding: .utf8) == "mine")
      }
      try TicketStudy(plan(rounds: 1), in: folder + "/fresh").run(seeds: [1])
      #expect(
        try model(folder, "trunk", 1).tensor(ParameterName("fc1", .weight)).array(Float.self)
          == model(folder + "/fresh", "trunk", 1).tensor(ParameterName("fc1", .weight)).array(Float.self))
    }
  }

  /// Damaged records and models whose turn would come late, what the first training starts from, and a folder where a checkpoint is to be.
  @Test func whatLiesThereIsLookedAtBeforeAnyWork() throws {
    try withTemporaryDirectory { folder in
      let (files, study) = (FileManager.default, folder + "/study")
      try TicketStudy(plan(rounds: 1, branches: [.reinit], at: [1]), in: study).run(seeds: [1])
      let before = try Data(contentsOf: URL(fileURLWithPath: study + "/plan.json"))
      try "{".write(toFile: study + "/seed-1/reinit-1/round-01.json", atomically: false, encoding: .utf8)
      let error = #expect(throws: RecordError.self) { try TicketStudy(plan(rounds: 2), in: study) }
      #expect(error?.description == "\(study)/seed-1/reinit-1/round-01.json is not the record of a round: it is not JSON")
      #expect(try Data(contentsOf: URL(fileURLWithPath: study + "/plan.json")) == before)
      try files.removeItem(atPath: study + "/seed-1/reinit-1/round-01.json")
      let model = study + "/seed-1/trunk/round-01.safetensors"
      let sound = try Data(contentsOf: URL(fileURLWithPath: model))
      try sound.dropLast().write(to: URL(fileURLWithPath: model))
      let cut = #expect(throws: TensorArchiveError.self) { try TicketStudy(plan(rounds: 2), in: study) }
      #expect(
        cut?.description.hasPrefix("cannot read \(model): entry \"fc2.weight\" lies at bytes ") ?? false, "\(String(describing: cut))")
      // The last element is no number.
      try (sound.dropLast(2) + [0xC0, 0x7F]).write(to: URL(fileURLWithPath: model))
      let spoilt = #expect(throws: (any Error).self) { try TicketStudy(plan(rounds: 2), in: study).run(seeds: [1]) }
      #expect(spoilt.map { "\($0)" } == "cannot read \(model): 1 of the 120 elements of fc2.weight is NaN or infinite")
      #expect(try Data(contentsOf: URL(fileURLWithPath: study + "/plan.json")) == before, "nothing begins with a spoilt model")
      try sound.write(to: URL(fileURLWithPath: model))
      try TicketStudy(plan(rounds: 2), in: study).run(seeds: [1])
      #expect(files.fileExists(atPath: study + "/seed-1/trunk/round-02.json"))
      #expect(try Data(contentsOf: URL(fileURLWithPath: study + "/plan.json")) != before)
      let place = folder + "/other/seed-1/trunk/round-00.checkpoint"
      try files.createDirectory(atPath: place, withIntermediateDirectories: true)
      let other = #expect(throws: (any Error).self) { try TicketStudy(plan(rounds: 1), in: folder + "/other") }
      #expect(other.map { "\($0)" } == "cannot read \(place): it is a folder")
      #expect(try files.contentsOfDirectory(atPath: folder + "/other") == ["seed-1"])
    }
  }

  @Test func aThreadMoreIsTold() throws {
    try withTemporaryDirectory { folder in
      var steps = 0
      #expect(throws: TrainingError.self) {
        try TicketStudy(plan(rounds: 0), in: folder).run(
          seeds: [1],
          options: .init(interrupted: {
            steps += 1
            return steps == 3
          }))
      }
      try TorchRuntime.configure(threads: 2)
      defer { try? TorchRuntime.configure(threads: 1) }
      var notes: [String] = []
      try TicketStudy(plan(rounds: 0), in: folder).run(seeds: [1], options: .init(note: { notes.append($0) }))
      #expect(
        notes.first
          == "\(folder)/seed-1 was computed with 1 thread, and continues with 2: its last bits may differ from "
          + "those of an unbroken run")
    }
  }

  @Test func onlyThePapersSettingIsJudgedByItsNumbers() throws {
    try withTemporaryDirectory { folder in
      try TicketStudy(plan(rounds: 1), in: folder).run(seeds: [1, 2])
      let analysis = try TicketStudy.analysis(of: folder)
      #expect(analysis.departure == "data.dataset digits, not mnist" && analysis.claims.map(\.name) == ["I1", "I2"])
    }
  }

  @Test func wordsForFoldersThatDoNotFit() throws {
    try withTemporaryDirectory { folder in
      _ = try TicketStudy(plan(), in: folder + "/a")
      #expect(try FileManager.default.contentsOfDirectory(atPath: folder + "/a") == ["plan.json"], "nothing of the claim is left")
      let begun = "\(folder)/a/seed-1/trunk"
      try FileManager.default.createDirectory(atPath: begun, withIntermediateDirectories: true)
      try TensorArchive().write(to: begun + "/round-00.checkpoint")
      let other = #expect(throws: PlanError.self) { try TicketStudy(plan(batch: 25), in: folder + "/a") }
      #expect(
        other?.description
          == "\(folder)/a holds a study with training.batchSize 20, not 25: repeat its options, or give another folder")
      let rewound = #expect(throws: PlanError.self) { try TicketStudy(plan(rewinding: .none), in: folder + "/a") }
      #expect(
        rewound?.description == "\(folder)/a holds a study with rewinding init, not none: repeat its options, or give another folder")
      let total = #expect(throws: PlanError.self) { try TicketStudy(plan(sparsity: 0.5), in: folder + "/a") }
      #expect(total?.description == "\(folder)/a holds a study with rounds 0, not 3: repeat its options, or give another folder")
      let empty = #expect(throws: PlanError.self) { try TicketStudy.analysis(of: folder + "/a") }
      #expect(empty?.description == "\(folder)/a holds no finished round: no file like seed-0/trunk/round-00.json")
      let missing = #expect(throws: MissingFolder.self) { try TicketStudy.analysis(of: folder + "/b") }
      #expect(missing?.description == "there is no folder \(folder)/b")
      let late = #expect(throws: PlanError.self) { try TicketStudy(plan(branches: [.reinit], at: [2, 4]), in: folder + "/c") }
      #expect(late?.description == "--branch-rounds 4 is impossible: branches are at rounds 1 to 3")
      try "{}".write(toFile: folder + "/a/plan.json", atomically: true, encoding: .utf8)
      let record = folder + "/b/seed-0/trunk/round-00.json"
      try FileManager.default.createDirectory(atPath: folder + "/b/seed-0/trunk", withIntermediateDirectories: true)
      for (json, words) in [
        (
          #"{"branch":"trunk","evaluations":[],"firstIteration":0,"iterations":1,"layers":[{"kept":9223372036854775807,"name":"fc1","prunable":1},"#
            + #"{"kept":9223372036854775807,"name":"fc2","prunable":1}],"round":0,"seconds":1,"seed":18446744073709551615}"#,
          ": layers.0.kept cannot be 9223372036854775807"
        ),
        (
          #"{"branch":"trunk","evaluations":[{"iteration":9223372036854775807,"trainingLoss":1,"validationLoss":1}],"firstIteration":0,"#
            + #""iterations":1,"layers":[],"round":0,"seconds":1,"seed":0}"#, ": evaluations.0.iteration cannot be 9223372036854775807"
        ),
        ("{}", ": it lacks seed"), ("", ": it is not JSON"),
      ] {
        try json.write(toFile: record, atomically: true, encoding: .utf8)
        #expect(throws: RecordError("\(record) is not the record of a round\(words)")) { try TicketStudy.analysis(of: folder + "/b") }
      }
      let often = #expect(throws: PlanError.self) {
        var plan = plan()
        (plan.training.length, plan.training.evaluateEvery) = (.iterations(100_001), .iterations(1))
        _ = try TicketStudy(plan, in: folder + "/d")
      }
      #expect(often?.description == "--evaluate-every 1it asks for 100001 evaluations in each training: at most 100000 are possible")
      #expect(!FileManager.default.fileExists(atPath: folder + "/d"))
      let damaged = #expect(throws: RecordError.self) { try TicketStudy(plan(), in: folder + "/a") }
      #expect(damaged?.description.hasPrefix("\(folder)/a/plan.json is not the plan of a ticket study: it lacks ") ?? false)
    }
  }
}

extension FileManager {
  fileprivate func isFolder(_ path: String) -> Bool {
    var isFolder: ObjCBool = false
    return fileExists(atPath: path, isDirectory: &isFolder) && isFolder.boolValue
  }
}
