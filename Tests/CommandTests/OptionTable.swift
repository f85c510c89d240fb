/// An option of a command, given another value than its default, and the fields that change with it: no others.
struct OptionRow: Sendable {
  /// What of the table's command lines it belongs to.
  let command: String
  /// The option and its value.
  let option: String
  /// The same line without the option.
  let base: String
  /// The line of which the option takes the place of something; `base` and the option unless given.
  let line: String
  /// `path=value`, with `none` for a field, or all below it, that is gone. `*` stands for the training and the recovery.
  let changes: [String]

  init(_ command: String, _ option: String, with words: String = "", instead: String? = nil, _ changes: String...) {
    self.init(command, option, with: words, instead: instead, changes: changes)
  }

  /// The option after a line of its own.
  init(_ command: String, _ option: String, over base: String, _ changes: String...) {
    (self.command, self.option, self.base, self.changes) = (command, option, base, changes)
    line = base + " " + option
  }

  init(_ command: String, _ option: String, with words: String = "", instead: String? = nil, changes: [String]) {
    self.command = command
    self.option = option
    let start = OptionTable.lines[command] ?? command
    base = start + " " + words
    line = (instead ?? base) + " " + option
    self.changes = changes
  }
}

enum OptionTable {
  /// A complete command line for each command.
  static let lines = [
    "train": "train --network lenet-5 --dataset mnist",
    "prune": "prune --network lenet-5 --dataset mnist --sparsity 0.9",
    "tickets": "prune --method lottery-ticket --network mlp:784-12-10 --dataset mnist",
    "paper": "prune --method lottery-ticket --network lenet-300-100 --dataset mnist",
    "probe": "probe --network small-conv --dataset cifar-10 --output study",
    "evaluate": "evaluate --network lenet-5 --weights w.st --dataset mnist",
    "sensitivity": "sensitivity --network lenet-5 --weights w.st --dataset mnist",
    "data fetch": "data fetch mnist", "inspect": "inspect lenet-5", "compare": "compare a b",
    "export": "export m.safetensors --to safetensors", "compile": "compile m.safetensors", "run": "run m.plan x.safetensors",
    "benchmark": "benchmark m.plan", "looking": "tickets folder",
    "study run": "study run r.yaml", "study new": "study new row.json", "study status": "study status s", "study claims": "study claims s",
    "study query": "study query SELECT", "study work": "study work s k",
    "study export": "study export s", "study serve": "study serve s", "report": "report s.json",
  ]

  static let rows: [OptionRow] =
    shared + training + distillation + pruning + regrowth + meta + sequences + tickets + probe + preparation("probe", "data.") + looking
    + studies

  /// Of all commands that work on data.
  private static let shared = ["train", "prune", "tickets", "evaluate", "sensitivity"].flatMap { command in
    let (data, start) = ["evaluate", "sensitivity"].contains(command) ? ("", "") : ("data.", "start.")
    let network = command == "tickets" ? "" : start + "network."
    var rows = [
      OptionRow(command, "--dataset emnist-digits", "\(data)dataset=emnist-digits"),
      OptionRow(command, "--data-dir DIR", "directory=DIR"),
      OptionRow(command, "--subset 100", "\(data)subset=100"),
      OptionRow(command, "--validation 7", "\(data)validation=7"),
      OptionRow(command, "--threads 7", "threads=7"),
      OptionRow(command, "--memory 8GB", "memory=8 GB"),
      OptionRow(command, "--device cuda", "device=cuda"),
      OptionRow(command, "--json", "json=true"),
    ]
    if command != "train" {
      rows.append(OptionRow(command, "--network mlp:784-9", command == "tickets" ? "network=mlp:784-9" : "\(network)_0=mlp:784-9"))
    }
    // Given weights are trained already.
    let without = command == "prune" ? ["training=none"] : []
    rows.append(OptionRow(command, "--weights x.st", changes: ["\(network)weights=x.st"] + without))
    rows.append(
      OptionRow(
        command, "--match order", with: "--weights x.st", "\(network)weights=none", "\(network)weights.path=x.st",
        "\(network)weights.matching=order"))
    if command != "evaluate" { rows.append(OptionRow(command, "--quiet", "quiet=true")) }
    return rows + preparation(command, data)
  }

  /// Of data of one's own; `data` is what a command calls its data plan.
  private static func preparation(_ command: String, _ data: String) -> [OptionRow] {
    let part = data + "preparation"
    return [
      OptionRow(command, "--image-size 48x64", "\(part).imageSize.0=48", "\(part).imageSize.1=64"),
      OptionRow(command, "--channel-order bgr", "\(part).channelOrder=bgr"),
      OptionRow(command, "--resize 70", "\(part).resize=70"),
      OptionRow(command, "--mean 0.5,0.25", with: "--mean 0 --deviation 1", "\(part).mean.0=0.5", "\(part).mean.1=0.25"),
      OptionRow(command, "--deviation 2", with: "--mean 0 --deviation 1", "\(part).deviation.0=2"),
      OptionRow(command, "--skip-broken", "\(part).skipsBroken=true"),
    ]
  }

  /// Of `train`, which needs a teacher, and `prune`, whose recoveries have one.
  private static let distillation: [OptionRow] = ["train", "prune"].flatMap { command -> [OptionRow] in
    let line = lines[command] ?? ""
    let given = "--distill --teacher t.st"
    let plan = command == "train" ? "training.distillation" : "recovery.distillation"
    var own = ["\(plan).temperature=4"]
    if command == "train" { own.append("\(plan).teacher=t.st") }
    return [
      OptionRow(
        command, "--teacher t.st", instead: line + " --distill",
        changes: ["*.distillation.temperature=4", "*.distillation.teacher=t.st"]),
      OptionRow(command, "--distill-temperature 2.5", with: given, changes: ["*.distillation.temperature=2.5"]),
      OptionRow(command, "--distill-weight 0.5", with: given, changes: ["*.distillation.weight=0.5"]),
      OptionRow(command, "--distill-features 1000", with: given, changes: ["*.distillation.features=1000"]),
      OptionRow(command, "--distill", instead: line + (command == "train" ? " --teacher t.st" : ""), changes: own),
    ]
  }

  /// Of `train`, `prune` and tickets; `*` is what they call the plan of a training.
  private static let training =
    ["train", "prune", "tickets"].flatMap { command in
      [
        OptionRow(command, "--batch-size 5", "*.batchSize=5"),
        OptionRow(
          command, "--optimizer sgd", "*.optimizer.adam=none", "*.optimizer.sgd.momentum=0.9", "*.optimizer.sgd.weightDecay=0",
          "*.optimizer.sgd.nesterov=false", "*.learningRate.base=0.01"),
        OptionRow(command, "--learning-rate 0.5", "*.learningRate.base=0.5"),
        OptionRow(command, "--optimizer adamw", "*.optimizer.adam=none", "*.optimizer.adamW.weightDecay=0.01"),
        OptionRow(command, "--momentum 0.5", with: "--optimizer sgd", "*.optimizer.sgd.momentum=0.5"),
        OptionRow(command, "--nesterov", with: "--optimizer sgd", "*.optimizer.sgd.nesterov=true"),
        OptionRow(command, "--weight-decay 0.25", "*.optimizer.adam.weightDecay=0.25"),
        OptionRow(command, "--weight-decay 0.25", with: "--optimizer sgd", "*.optimizer.sgd.weightDecay=0.25"),
        OptionRow(command, "--weight-decay 0.25", with: "--optimizer adamw", "*.optimizer.adamW.weightDecay=0.25"),
        OptionRow(command, "--decay cosine", "*.learningRate.decay.constant=none", "*.learningRate.decay.cosine={}"),
        OptionRow(
          command, "--milestones 3ep,4it", with: "--decay multi-step --milestones 1ep",
          "*.learningRate.decay.multiStep.milestones.0=3ep", "*.learningRate.decay.multiStep.milestones.1=4it"),
        OptionRow(
          command, "--decay-factor 0.5", with: "--decay multi-step --milestones 1ep", "*.learningRate.decay.multiStep.factor=0.5"),
        OptionRow(command, "--decay-factor 0.5", with: "--decay exponential", "*.learningRate.decay.exponential.factor=0.5"),
        OptionRow(command, "--warm-up 3it", "*.learningRate.warmUp=3it"),
        OptionRow(command, "--evaluate-every 2ep", "*.evaluateEvery=2ep"),
        OptionRow(command, "--label-smoothing 0.25", "*.labelSmoothing=0.25"),
        OptionRow(command, "--no-augment", "*.augment=false"),
        OptionRow(command, "--augment", with: "--no-augment", "*.augment=true"),
        OptionRow(command, "--initialization pytorch", "initialization=pytorch"),
        OptionRow(command, "--kernels libtorch", "kernels=libtorch"),
        OptionRow(command, "--report r.json", "report=r.json"),
      ]
        + (command == "tickets"
          ? []
          : [
            OptionRow(command, "--slimming 0.5", "slimming=0.5"),
            OptionRow(command, "--l1 0.5", "l1=0.5"),
            OptionRow(command, "--classes 10", "classes=10"),
            OptionRow(
              command, "--flatness", "flatness.examples=1000", "flatness.probes=50", "flatness.eigenvalues=5", "flatness.noise=0.1",
              "flatness.draws=20", "flatness.seed=0"),
            OptionRow(command, "--flatness-examples 50", with: "--flatness", "flatness.examples=50"),
            OptionRow(command, "--resume", "resume=true"),
            OptionRow(command, "--checkpoint c", "checkpoint=c"),
            OptionRow(command, "--checkpoint-every 3it", "checkpointEvery=3it"),
            OptionRow(command, "--metrics m.jsonl", "metrics=m.jsonl"),
            OptionRow(command, "--tensorboard DIR", "tensorboard=DIR"),
            OptionRow(command, "--output o", "path=o", "checkpoint=o.checkpoint"),
          ])
    } + [
      OptionRow(
        "train", "--network mlp:784-9", "start.network._0=mlp:784-9", "path=mlp_784-9.safetensors",
        "checkpoint=mlp_784-9.safetensors.checkpoint"),
      OptionRow("train", "--epochs 7it", "training.length=7it"),
      OptionRow("train", "--no-latency", "latency=[]"),
      OptionRow("train", "--seed 5", "training.seed=5", "data.seed=5"),
    ]

  private static let pruning = [
    OptionRow("prune", "--epochs 7it", "training.length=7it", "recovery.length=4it", "pruning.timing.rounds.recovery=4it"),
    OptionRow("prune", "--seed 5", "*.seed=5", "data.seed=5", "pruning.seed=5"),
    OptionRow("prune", "--layers", "layers=true"),
    OptionRow("prune", "--pack", "packs=true"),
    OptionRow(
      "prune", "--method han", "pruning.course=han", "pruning.criterion=threshold", "pruning.allocation=layer",
      "pruning.rescalesDropout=true", "recovery.learningRate.base=0.0001"),
    OptionRow(
      "prune", "--granularity unit", "pruning.granularity=unit", "pruning.criterion=l2", "pruning.allocation=layer",
      "pruning.timing.rounds._0=1"),
    OptionRow("prune", "--granularity block:4x4", "pruning.pattern=block:4x4", "pruning.compact=false"),
    OptionRow("prune", "--granularity kernel", "pruning.pattern=kernel"),
    OptionRow(
      "prune", "--granularity nm:1:4", instead: unpruned, "pruning.pattern=nm:1:4", "pruning.amount.total._0=0.75",
      "pruning.allocation=layer", "pruning.timing.rounds._0=1", "pruning.compact=false"),
    OptionRow("prune", "--criterion random", "pruning.criterion=random"),
    OptionRow("prune", "--order highest", "pruning.order=highest"),
    OptionRow("prune", "--scope erk", "pruning.allocation=erk"),
    OptionRow("prune", "--sparsity 0.5", "pruning.amount.total._0=0.5"),
    OptionRow("prune", "--compression 4", instead: unpruned, "pruning.amount.total._0=0.75"),
    OptionRow("prune", "--fraction 0.2", instead: unpruned, "pruning.amount.total=none", "pruning.amount.perEvent._0=0.2"),
    OptionRow("prune", "--threshold 0.5", instead: unpruned, "pruning.amount.total=none", "pruning.amount.threshold._0=0.5"),
    OptionRow(
      "prune", "--deviations 2", instead: unpruned, "pruning.amount.total=none", "pruning.amount.deviations._0=2",
      "pruning.criterion=threshold"),
    OptionRow(
      "prune", "--of macs", with: "--granularity unit", "pruning.amount.total=none", "pruning.amount.cost._0.measure=macs",
      "pruning.amount.cost._0.amount.less._0=0.9"),
    OptionRow(
      "prune", "--limit 3", with: "--granularity unit --of macs", instead: unpruned + " --granularity unit --of macs",
      "pruning.amount.cost._0.amount.less=none", "pruning.amount.cost._0.amount.most._0=3"),
    OptionRow(
      "prune", "--limit 3", with: "--granularity unit --of latency", instead: unpruned + " --granularity unit --of latency",
      "pruning.amount.cost._0.amount.less=none", "pruning.amount.cost._0.amount.most._0=0.003"),
    OptionRow("prune", "--rounding floor", "pruning.rounding=floor"),
    OptionRow("prune", "--rounds 3", "pruning.timing.rounds._0=3"),
    OptionRow("prune", "--rounds 3", with: "--at-start", "pruning.timing.atStart.rounds=3"),
    OptionRow("prune", "--recovery 3it", "pruning.timing.rounds.recovery=3it", "recovery.length=3it"),
    OptionRow("prune", "--at-start", "pruning.timing.rounds=none", "pruning.timing.atStart.rounds=1", "recovery=none"),
    OptionRow("prune", "--every 2ep", "pruning.timing.rounds=none", "pruning.timing.during.every=2ep", "recovery=none"),
    OptionRow("prune", "--until 9ep", with: "--every 2ep", "pruning.timing.during.until=9ep"),
    OptionRow(
      "prune", "--temporary zero", with: "--every 2ep", "pruning.temporary.kind=zero", "pruning.temporary.hold=0it"),
    OptionRow("prune", "--hold 5it", with: "--every 2ep --temporary noise", "pruning.temporary.hold=5it"),
    OptionRow("prune", "--schedule cubic", "pruning.schedule=cubic"),
    OptionRow("prune", "--minimum-layer-density 0.25", "pruning.minimumLayerDensity=0.25"),
    OptionRow("prune", "--width-multiple 8", with: "--granularity unit", "pruning.widthMultiple=8"),
    OptionRow("prune", "--attention-unit width", with: "--granularity unit", "pruning.attentionUnit=width"),
    OptionRow("prune", "--ignore conv1 --ignore fc*", "pruning.ignored=none", "pruning.ignored.0=conv1", "pruning.ignored.1=fc*"),
    OptionRow("prune", "--reduction max", with: "--granularity unit", "pruning.reduction=max"),
    OptionRow("prune", "--normalization l2", "pruning.normalization=l2"),
    OptionRow("prune", "--no-compact", "pruning.compact=false"),
    OptionRow("prune", "--compact", with: "--no-compact", "pruning.compact=true"),
    OptionRow(
      "prune", "--normalize", with: "--granularity unit --criterion activation", "pruning.criterion=none",
      "pruning.criterion.name=activation", "pruning.criterion.options.0=normalize"),
    OptionRow(
      "prune", "--pre-activation", with: "--granularity unit --criterion activation", "pruning.criterion=none",
      "pruning.criterion.name=activation", "pruning.criterion.options.0=pre-activation"),
    OptionRow(
      "prune", "--signed", with: "--criterion taylor", "pruning.criterion=none", "pruning.criterion.name=taylor",
      "pruning.criterion.options.0=signed"),
    OptionRow("prune", "--examples 7", with: "--criterion taylor", "pruning.examples=7"),
    OptionRow(
      "prune", "--probes 7", with: "--criterion obd", "pruning.curvature.estimator=gauss-newton", "pruning.curvature.count=7",
      "pruning.curvature.seed=0"),
    OptionRow(
      "prune", "--curvature hutchinson", with: "--criterion obd", "pruning.curvature.estimator=hutchinson", "pruning.curvature.count=16",
      "pruning.curvature.seed=0"),
    OptionRow("prune", "--batch-norm-mode evaluation", with: "--method grasp", "pruning.batchNorms=evaluation"),
    OptionRow("prune", "--mean-at output", with: "--granularity unit --criterion abs-mrs", "pruning.place=output"),
    OptionRow(
      "prune", "--repair mean,batch-norm", with: "--granularity unit", "pruning.repairs=none",
      "pruning.repairs.0.meanReplacement._0.form=exact", "pruning.repairs.0.meanReplacement._0.place=consumer",
      "pruning.repairs.1.batchNorms={}"),
    OptionRow(
      "prune", "--mean-at output", with: "--granularity unit --repair mean", "pruning.place=output",
      "pruning.repairs.0.meanReplacement._0.place=output"),
    OptionRow(
      "prune", "--mean-form paper", with: "--granularity unit --repair mean", "pruning.repairs.0.meanReplacement._0.form=paper"),
    OptionRow("prune", "--no-proof", "proves=false"),
    OptionRow("prune", "--no-latency", "latency=[]"),
  ]

  private static let unpruned = "prune --network lenet-5 --dataset mnist"

  private static let regrowth = [
    OptionRow("prune", "--regrowth-interval 7it", with: "--method rigl", "pruning.regrowth.schedule.interval=7it"),
    OptionRow("prune", "--drop-fraction 0.5", with: "--method rigl", "pruning.regrowth.schedule.fraction=0.5"),
    OptionRow("prune", "--regrowth-end 0.5", with: "--method rigl", "pruning.regrowth.schedule.until=0.5"),
    OptionRow("prune", "--regrowth-interval 7it", with: "--method set", "pruning.regrowth.schedule.interval=7it"),
    OptionRow("prune", "--drop-fraction 0.5", with: "--method set", "pruning.regrowth.schedule.fraction=0.5"),
    OptionRow("prune", "--regrowth-end 0.5", with: "--method set", "pruning.regrowth.schedule.until=0.5"),
    OptionRow("prune", "--regrowth-interval 7it", with: "--method scored-pruning", "pruning.regrowth.schedule.interval=7it"),
    OptionRow("prune", "--drop-fraction 0.5", with: "--method scored-pruning", "pruning.regrowth.schedule.fraction=0.5"),
    OptionRow("prune", "--regrowth-end 0.5", with: "--method scored-pruning", "pruning.regrowth.schedule.until=0.5"),
    OptionRow("prune", "--score-decay 0.5", with: "--method scored-pruning", "pruning.regrowth.decay=0.5"),
    OptionRow("prune", "--leave score", with: "--method scored-pruning", "pruning.regrowth.leaving=score"),
    OptionRow("prune", "--regrowth-interval 7it", with: "--method splicing", "pruning.regrowth.interval=7it"),
    OptionRow("prune", "--regrowth-end 0.5", with: "--method splicing", "pruning.regrowth.until=0.5"),
    OptionRow("prune", "--regrowth-end 0.5", with: "--method dsd", "pruning.regrowth.denseFrom=0.5"),
    OptionRow(
      "prune", "--lambda 0.5,conv1=3", with: "--method l0", "pruning.gates.lambda=0.5", "pruning.gates.layerLambdas=none",
      "pruning.gates.layerLambdas.0.layer=conv1", "pruning.gates.layerLambdas.0.lambda=3"),
    OptionRow("prune", "--lambda-warm-up 3ep", with: "--method l0", "pruning.gates.warmUp=3ep"),
    OptionRow("prune", "--drop-rate 0.25", with: "--method l0", "pruning.gates.dropRate=0.25"),
    OptionRow("prune", "--gate-learning-rate 0.5", with: "--method l0", "pruning.gates.learningRate=0.5"),
    OptionRow("prune", "--gate-cost macs", with: "--method l0", "pruning.gates.cost=macs"),
    OptionRow("prune", "--reintroduce 0.5", with: "--method double-pruning", "pruning.regrowth.reintroduce=0.5"),
    OptionRow("prune", "--pruned-steps 3it", with: "--method double-pruning", "pruning.regrowth.prunedSteps=3it"),
    OptionRow("prune", "--enter zero", with: "--method double-pruning", "pruning.regrowth.enter=zero"),
    OptionRow("prune", "--regrowth-end 0.5", with: "--method double-pruning", "pruning.regrowth.until=0.5"),
    OptionRow("prune", "--rewind 5it", with: "--method gradual", "pruning.regrowth.rewinding=5it"),
  ]

  private static let sequences: [OptionRow] = {
    let bare = "prune --network lenet-5 --sparsity 0.9 --method intersection"
    let two = bare + " --datasets mnist,kmnist"
    return [
      OptionRow(
        "prune", "--datasets mnist,kmnist", with: "--method intersection", instead: bare, "sequence.datasets.1.dataset=kmnist",
        "sequence.datasets.1.seed=0", "data.dataset=kmnist", "pruning.timing.rounds._0=3"),
      OptionRow("prune", "--passes 3", over: two, "sequence.passes=3", "pruning.timing.rounds._0=5"),
      OptionRow("prune", "--heads fresh", over: two, "sequence.heads=fresh"),
      OptionRow("prune", "--keep-if majority", over: two, "sequence.keepIf=majority", "pruning.timing.rounds._0=2"),
      OptionRow("prune", "--keep-if 1", over: two, "sequence.keepIf=1", "pruning.timing.rounds._0=2"),
      OptionRow("prune", "--resample 50", over: two, "sequence.resample=50"),
      OptionRow("prune", "--head-steps 7", over: two, "sequence.headFit.steps=7"),
      OptionRow("prune", "--epochs 7", over: two, "training.length=7ep", "pruning.timing.rounds.recovery=7ep"),
      // Weights of the last layer stay where they are.
      OptionRow(
        "prune", "--granularity weight", over: two, "pruning.granularity=weight", "pruning.criterion=magnitude", "pruning.ignored=none",
        "pruning.ignored.0=fc2"),
    ]
  }()

  private static let meta: [OptionRow] = {
    let method = "--method meta-pruning"
    return [
      OptionRow("prune", "--meta architecture", with: method, "meta.keeps=architecture"),
      OptionRow(
        "prune", "--meta masks", with: method, "meta.keeps=masks", "pruning.gates.lambda=0.1", "pruning.gates.layerLambdas=[]",
        "pruning.gates.warmUp=0it", "pruning.gates.dropRate=0.5", "pruning.gates.learningRate=0.001", "pruning.gates.cost=weights"),
      OptionRow("prune", "--lambda 3", with: method + " --meta masks", "pruning.gates.lambda=3"),
      OptionRow(
        "prune", "--outer maml", with: method, "meta.learning.update=maml", "training.batchSize=200", "training.optimizer.sgd=none",
        "training.optimizer.adam.weightDecay=0", "training.learningRate.base=0.001"),
      OptionRow("prune", "--ways 3", with: method, "meta.form.ways=3", "training.batchSize=45"),
      OptionRow("prune", "--shots 20", with: method, "meta.form.shots=20", "training.batchSize=100"),
      OptionRow("prune", "--queries 9", with: method, "meta.form.queries=9", "training.batchSize=45"),
      OptionRow("prune", "--tasks 9", with: method, "meta.learning.tasks=9"),
      OptionRow("prune", "--inner-steps 3", with: method, "meta.learning.innerSteps=3"),
      OptionRow("prune", "--inner-rate 0.5", with: method, "meta.learning.innerRate=0.5"),
      OptionRow("prune", "--pseudo-test 0.5", with: method + " --outer mldg", "meta.learning.pseudoTest=0.5"),
      OptionRow(
        "prune", "--prune-gradient straight-through", with: method + " --outer fomaml", "meta.learning.pruneGradient=straight-through"),
      OptionRow("prune", "--learn-fractions 7", with: method, "meta.fractionSteps=7"),
      OptionRow("prune", "--controls random", with: method, "meta.controls=none", "meta.controls.0=random"),
      OptionRow("prune", "--controls none", with: method, "meta.controls=none", "meta.controls=[]"),
      OptionRow("prune", "--judging-tasks 7", with: method, "meta.judgingTasks=7"),
      OptionRow("prune", "--head-steps 7", with: method, "meta.headFit.steps=7"),
      OptionRow(
        "prune", "--epochs 7it", with: method, "training.length=7it", "pruning.timing.rounds.recovery=7it"),
      OptionRow("prune", "--recovery 7it", with: method, "pruning.timing.rounds.recovery=7it"),
      OptionRow("prune", "--rounds 3", with: method, "pruning.timing.rounds._0=3"),
      OptionRow("prune", "--learning-rate 0.25", with: method, "training.learningRate.base=0.25"),
    ]
  }()

  private static let tickets = [
    OptionRow("tickets", "--epochs 7it", "training.length=7it"),
    OptionRow("tickets", "--seed 5", "seeds=[5]"),
    OptionRow("tickets", "--seeds 3", "seeds=[0, 1, 2]"),
    OptionRow("tickets", "--parallel 2", "parallel=2"),
    OptionRow("tickets", "--output o", "path=o"),
    OptionRow("tickets", "--no-latency", "latency=[]"),
    OptionRow("tickets", "--criterion random", "criterion=random"),
    OptionRow("tickets", "--scope global", "scope=global", "rates.output=none"),
    OptionRow("tickets", "--sparsity 0.5", "sparsity=0.5"),
    OptionRow("tickets", "--fraction 0.5", "rates.fraction=0.5", "rates.output=0.25"),
    OptionRow("tickets", "--output-fraction 0.3", "rates.output=0.3"),
    OptionRow("tickets", "--rounds 7", "rounds=7"),
    OptionRow("tickets", "--ignore fc1", "rates.ignored=none", "rates.ignored.0=fc1"),
    OptionRow("tickets", "--rewind 5it", "rewinding=5it"),
    OptionRow("tickets", "--branches finetune,reinit", "branches=none", "branches.0=reinit", "branches.1=finetune"),
    OptionRow("tickets", "--branch-rounds 2,4", with: "--branches reinit", "branchRounds=none", "branchRounds.0=2", "branchRounds.1=4"),
    // It always goes on where it stood.
    OptionRow("tickets", "--resume"),
    // What is typed goes before what the paper says.
    OptionRow("paper", "--epochs 7ep", "training.length=7ep"),
    OptionRow("paper", "--batch-size 5", "training.batchSize=5"),
    OptionRow("paper", "--learning-rate 0.5", "training.learningRate.base=0.5"),
    OptionRow("paper", "--evaluate-every 2ep", "training.evaluateEvery=2ep"),
    OptionRow("paper", "--initialization pytorch", "initialization=pytorch"),
    OptionRow("paper", "--augment", "training.augment=true"),
    OptionRow("paper", "--rounds 7", "rounds=7"),
    OptionRow("paper", "--sparsity 0.5", "sparsity=0.5", "rounds=5"),
    OptionRow("paper", "--validation 7", "data.validation=7"),
    OptionRow("paper", "--subset 100", "data.subset=100", "data.validation=none"),
  ]

  private static let probe = [
    OptionRow("probe", "--network conv-2", "network=conv-2"),
    OptionRow("probe", "--dataset mnist", "data.dataset=mnist"),
    OptionRow("probe", "--data-dir DIR", "directory=DIR"),
    OptionRow("probe", "--subset 100", "data.subset=100"),
    OptionRow("probe", "--validation 7", "data.validation=7"),
    OptionRow("probe", "--seed 5", "seeds=[5]"),
    OptionRow("probe", "--seeds 3", "seeds=[0, 1, 2]"),
    OptionRow("probe", "--threads 7", "threads=7"),
    OptionRow("probe", "--memory 8GB", "memory=8 GB"),
    OptionRow(
      "probe", "--fractions 0.25", "probes.0.amounts.0.fraction._0=0.25", "probes.0.amounts.1=none", "probes.0.amounts.2=none"),
    OptionRow(
      "probe", "--counts 2", "probes.0.amounts.0.fraction=none", "probes.0.amounts.0.count._0=2", "probes.0.amounts.1=none",
      "probes.0.amounts.2=none"),
    OptionRow("probe", "--layers firstDense", "probes.0.layers.0=firstDense"),
    OptionRow("probe", "--scorers l1", with: "--scorers l2", "probes.0.scorers.0=l1"),
    OptionRow("probe", "--mean-at output", "probes.0.replacement.place=output"),
    OptionRow("probe", "--mean-form paper", "probes.0.replacement.form=paper"),
    OptionRow("probe", "--examples 7", "probes.0.examples=7"),
    OptionRow("probe", "--separate", "probes.0.separate=true"),
    OptionRow("probe", "--test-loss", "probes.0.looksAtTest=true"),
    OptionRow(
      "probe", "--retrain 10,100", "probes.0.retraining.steps.0=10", "probes.0.retraining.steps.1=100", "probes.0.retraining.at=[]",
      "probes.0.retraining.scorers=[]", "probes.0.retraining.amounts=[]"),
    OptionRow("probe", "--retrain-at 250it", with: "--retrain 10", "probes.0.retraining.at=none", "probes.0.retraining.at.0=250"),
    OptionRow(
      "probe", "--retrain-scorers l2", with: "--retrain 10", "probes.0.retraining.scorers=none", "probes.0.retraining.scorers.0=l2"),
    OptionRow(
      "probe", "--retrain-fractions 0.2", with: "--retrain 10", "probes.0.retraining.amounts=none",
      "probes.0.retraining.amounts.0.fraction._0=0.2"),
    OptionRow("probe", "--late-start 5", "lateStart=5"),
    OptionRow("probe", "--steps 7it", "training.length=7it"),
    OptionRow("probe", "--every 3it", "every=3it"),
    OptionRow("probe", "--at-start", "atStart=true"),
    OptionRow("probe", "--batch-size 5", "training.batchSize=5"),
    OptionRow("probe", "--learning-rate 0.5", "training.learningRate.base=0.5"),
    OptionRow("probe", "--momentum 0.5", "training.optimizer.sgd.momentum=0.5"),
    OptionRow("probe", "--milestones 3it", "training.learningRate.decay.multiStep.milestones.0=3it"),
    OptionRow("probe", "--output other", "folder=other"),
    OptionRow("probe", "--weights w.st", "weights=w.st"),
    OptionRow("probe", "--match order", with: "--weights w.st", "match=order"),
    OptionRow("probe", "--report row.json", "report=row.json"),
    OptionRow("probe", "--rows rows.csv", with: "--weights w.st", "rows=rows.csv"),
    OptionRow("probe", "--quiet", "quiet=true"),
    OptionRow("probe", "--json", "json=true"),
  ]

  /// Of commands that only look.
  private static let studies = [
    OptionRow("study new", "--output r.yaml", "output=r.yaml"),
    OptionRow("study run", "--scale small", "scale=small"),
    OptionRow("study run", "--jobs 2", "jobs=2"),
    OptionRow("study run", "--into all", "into=all"),
    OptionRow("study run", "--data-dir DIR", "directory=DIR"),
    OptionRow("study run", "--retry-failed", "retryFailed=true"),
    OptionRow("study run", "--extend", "extend=true"),
    OptionRow("study run", "--dry-run", "dryRun=true"),
    OptionRow("study run", "--quiet", "quiet=true"),
    OptionRow("study run", "--json", "json=true"),
    OptionRow("study run", "--launcher slurm", "launcher=slurm"),
    OptionRow("study run", "--sbatch --time=1", with: "--launcher slurm", "sbatch=[\"--time=1\"]"),
    OptionRow("study status", "--show steps-to@0.9", "show=[\"steps-to@0.9\"]"),
    OptionRow("study status", "--json", "json=true"),
    OptionRow("study claims", "--json", "json=true"),
    OptionRow("study query", "--into all", "into=all"),
    OptionRow("study query", "--csv", "csv=true"),
    OptionRow("study serve", "--port 0", "port=0"),
    OptionRow("report", "--output r.tex", "output=r.tex", "format=latex"),
    OptionRow("report", "--format latex", "format=latex"),
    OptionRow("report", "--figures DIR", "figures=DIR", "format=nothing"),
  ]

  private static let looking = [
    OptionRow("evaluate", "--seed 5", "seed=5"),
    OptionRow("sensitivity", "--seed 5", "seed=5"),
    OptionRow("sensitivity", "--granularity weight", "granularity=weight", "criterion=magnitude"),
    OptionRow("sensitivity", "--criterion l2", "criterion=l2"),
    OptionRow("sensitivity", "--fractions 0.25", "fractions=[0.25]"),
    OptionRow("sensitivity", "--rounding floor", "rounding=floor"),
    OptionRow("sensitivity", "--ignore conv1", "ignore=[\"conv1\"]"),
    OptionRow("sensitivity", "--examples 7", "examples=7"),
    OptionRow("looking", "--json", "json=true"),
    OptionRow("inspect", "--dataset mnist", "dataset=mnist"),
    OptionRow("inspect", "--groups", "groups=true"),
    OptionRow("inspect", "--memory 8GB", "memory=8 GB"),
    OptionRow("inspect", "--json", "json=true"),
    OptionRow("compare", "--json", "json=true"),
    OptionRow("export", "--to torch", "to=torch"),
    OptionRow("export", "--output w.safetensors", "output=w.safetensors"),
    OptionRow("export", "--float16", over: "export m.safetensors --to onnx", "float16=true"),
    OptionRow("export", "--sparse-initializers", over: "export m.safetensors --to onnx", "sparse=true"),
    OptionRow("compile", "--output p.plan", "output=p.plan"),
    OptionRow("compile", "--kernels usual", "kernels=usual"),
    OptionRow("compile", "--batch 7", "batch=7"),
    OptionRow("compile", "--storage int8", "storage=int8"),
    OptionRow("compile", "--threads 7", "threads=7"),
    OptionRow("compile", "--json", "json=true"),
    OptionRow("compile", "--image-size 48x64", "imageSize=48x64"),
    OptionRow("compile", "--resize 70", "resize=70"),
    OptionRow("compile", "--channel-order bgr", "channelOrder=bgr"),
    OptionRow("compile", "--mean 0.5,0.25", with: "--mean 0 --deviation 1", "mean=0.5,0.25"),
    OptionRow("compile", "--deviation 2", with: "--mean 0 --deviation 1", "deviation=2"),
    OptionRow("run", "--output o.safetensors", "output=o.safetensors"),
    OptionRow("run", "--tensor t", "tensor=t"),
    OptionRow("run", "--top 7", "top=7"),
    OptionRow("run", "--threads 7", "threads=7"),
    OptionRow("run", "--pin", "pin=true"),
    OptionRow("run", "--json", "json=true"),
    OptionRow("benchmark", "--batch 2,7", "batches=[2, 7]"),
    OptionRow("benchmark", "--threads 7", "threads=7"),
    OptionRow("benchmark", "--pin", "pin=true"),
    OptionRow("benchmark", "--repetitions 9", "repetitions=9"),
    OptionRow(
      "benchmark", "--against libtorch,deepsparse=venv/bin/python", over: "benchmark m.plan --model m.onnx --against libtorch",
      "engines=libtorch usual, deepsparse venv/bin/python"),
    OptionRow("benchmark", "--model m.onnx", over: "benchmark m.plan --model n.onnx --against libtorch", "model=m.onnx"),
    OptionRow("benchmark", "--json", "json=true"),
    OptionRow("methods", "--json", "json=true"),
    OptionRow("data list", "--data-dir DIR", "directory=DIR"),
    OptionRow("data list", "--json", "json=true"),
    OptionRow("data verify", "--data-dir DIR", "directory=DIR"),
    OptionRow("data verify", "--json", "json=true"),
    OptionRow("data fetch", "--data-dir DIR", "directory=DIR"),
    OptionRow("data fetch", "--mirror URL", "mirror=URL"),
    OptionRow("data fetch", "--replace", "replace=true"),
    OptionRow("data fetch", "--quiet", "quiet=true"),
  ]
}
