internal import ArgumentParser
internal import Experiments
internal import Networks
internal import Pruning
internal import Results
internal import Training

/// `espalier methods`: lists the catalogues.
struct MethodsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "methods",
    abstract: "List criteria, methods, granularities, schedules, networks, initializations.",
    discussion: """
      espalier methods
      espalier methods criteria
      espalier methods networks --json
      """)

  /// One of the lists.
  enum Section: String, ExpressibleByArgument, CaseIterable, Encodable, CodingKeyRepresentable {
    case criteria, methods, granularities, scopes, rounding, schedules, networks, initializations
  }

  @Argument(help: ArgumentHelp("Only one list: \(Section.allCases.map(\.rawValue).joined(separator: ", ")).", valueName: "list"))
  var section: Section?

  @Flag(help: "Print JSON.")
  var json = false

  func run() throws {
    let sections = section.map { [$0] } ?? Section.allCases
    guard !json else {
      return try Console.print(Format.json(Dictionary(uniqueKeysWithValues: sections.map { ($0, $0.entries) })))
    }
    try Console.print(sections.map { $0.text(width: Console.textWidth) }.joined(separator: "\n"))
  }
}

extension MethodsCommand {
  /// One entry of a list.
  struct Entry: Encodable {
    var name: String
    var summary: String
    /// Formula of the score.
    var formula: String?
    /// Authors and year of the paper.
    var paper: String?
    /// Granularities that a criterion can score.
    var scores: [String]?
  }
}

extension MethodsCommand.Section {
  /// The entries of the list, from the catalogue.
  var entries: [MethodsCommand.Entry] {
    switch self {
    case .criteria:
      PruningCriterion.all.map { criterion in
        // Without training steps, as with --epochs 0, Runner passes the training images through the model instead.
        let instead = [.activations, .weights].contains(criterion.data) ? " (without any, one pass over the training images)" : ""
        let labelled = criterion.granularities.contains { (try? Criterion(criterion).needsLabels($0)) ?? false } ? "labelled " : ""
        let needs = criterion.data == .nothing ? "" : "; needs \(labelled)\(criterion.data.rawValue)\(instead)"
        return .init(
          name: criterion.name, summary: criterion.summary + needs, formula: criterion.formula,
          paper: criterion.paper == "—" ? nil : criterion.paper,
          scores: criterion.granularities.map(\.rawValue))
      }
    case .methods: PruningMethod.all.map { .init(name: $0.name, summary: $0.summary, paper: $0.paper) }
    case .granularities:
      Granularity.allCases.map { .init(name: $0.rawValue, summary: $0.summary) }
        + zip(WeightPattern.forms, WeightPattern.summaries).map { .init(name: $0, summary: $1.summary, paper: $1.paper) }
    case .scopes: Scope.allCases.map { .init(name: $0.rawValue, summary: $0.summary) }
    case .rounding: Rounding.allCases.map { .init(name: $0.rawValue, summary: $0.summary) }
    case .schedules: SparsitySchedule.allCases.map { .init(name: $0.rawValue, summary: $0.summary) }
    case .networks:
      Architecture.all.map { .init(name: $0.pattern, summary: $0.summary) }
    case .initializations: Initialization.allCases.map { .init(name: $0.rawValue, summary: $0.summary) }
    }
  }

  private var heading: String {
    switch self {
    case .criteria: "criteria: scores, the lowest of which are removed first (--criterion)"
    case .methods: "methods: how removal and training interleave (--method)"
    case .granularities: "granularities: what is removed (--granularity)"
    case .scopes: "scopes: what is ranked together (--scope)"
    case .rounding: "rounding: how a fraction of n becomes a count (--rounding)"
    case .schedules: "schedules: how --sparsity is spread over the rounds (--schedule)"
    case .networks: "networks (--network); -x2 … -x64 after a name multiply its hidden widths"
    case .initializations: "initializations of fresh weights (--initialization)"
    }
  }

  func text(width: Int) -> String {
    let entries = entries
    let indent = (entries.map(\.name.count).max() ?? 0) + 4
    return heading + "\n"
      + entries.map { entry in
        let name = "  " + entry.name + String(repeating: " ", count: indent - 2 - entry.name.count)
        var words = entry.summary
        if let scores = entry.scores { words += " [\(scores.joined(separator: ", "))]" }
        if let formula = entry.formula { words += "; \(formula)" }
        if let paper = entry.paper { words += "; \(paper)" }
        let lines = TextTable.wrapped(words, width: max(width - indent, 30)).split(separator: "\n")
        return name + lines.joined(separator: "\n" + String(repeating: " ", count: indent)) + "\n"
      }.joined()
  }
}

extension Granularity {
  fileprivate var summary: String {
    switch self {
    case .weight: "single weights of linear and convolution layers, held at 0; dead units are removed at the end"
    case .unit: "neurons of linear layers and filters of convolutions, cut out"
    case .filter: "filters of convolutions, cut out"
    }
  }
}

extension WeightPattern {
  /// What each of the forms means, in their order.
  fileprivate static let summaries: [(summary: String, paper: String)] = [
    ("blocks of R outputs by C inputs, in convolutions at one tap, whose weights leave together, e.g. block:4x4", "Narang et al. 2017"),
    ("kernels of convolutions: all taps by which a filter reads an input channel", "Mao et al. 2017"),
    ("of each M consecutive inputs of an output the N best stay, e.g. nm:2:4", "Mishra et al. 2021"),
  ]
}

extension Scope {
  fileprivate var summary: String {
    switch self {
    case .layer: "each layer by itself loses the requested fraction"
    case .global: "all layers are ranked together"
    }
  }
}

extension Rounding {
  fileprivate var summary: String {
    switch self {
    case .round: "to nearest, halves up; over several rounds the running total is rounded, so that no remainder is lost"
    case .floor: "down, in each round separately"
    case .ceil: "up, in each round separately"
    }
  }
}

extension SparsitySchedule {
  fileprivate var summary: String {
    switch self {
    case .oneShot: "everything in the first round"
    case .iterative: "each round removes the same fraction of what is left, as --fraction does"
    case .cubic: "fast at first: s·(1 − (1 − k/n)³) is removed after round k of n (Zhu & Gupta 2017)"
    case .linear: "s·k/n is removed after round k of n"
    case .cosine: "slow at both ends: s·(1 − cos(πk/n))/2 is removed after round k of n"
    case .oneCycle: "slow at both ends, fast in between: a logistic curve in k/n (Hubens et al. 2021)"
    case .exponential: "every round keeps the same fraction: 1 − (1 − s)^(k/n) is removed after round k of n"
    }
  }
}

extension Initialization {
  fileprivate var summary: String {
    switch self {
    case .kaimingNormal: "N(0, 2/fan-in), biases 0 (He et al. 2015)"
    case .kaimingUniform: "U(±√(6/fan-in)), biases 0 (He et al. 2015)"
    case .glorotNormal: "N(0, 2/(fan-in + fan-out)), biases 0 (Glorot & Bengio 2010)"
    case .glorotUniform: "U(±√(6/(fan-in + fan-out))), biases 0 (Glorot & Bengio 2010)"
    case .signedKaiming: "±√(2/fan-in) with random signs, biases 0 (Ramanujan et al. 2020)"
    case .pytorch: "weights and biases U(±1/√fan-in), as in PyTorch's layers"
    }
  }
}
